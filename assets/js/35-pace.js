// Asks as often as the frame says: rarer while the server is under load, which the header then tells.
(function () {
  "use strict";
  const livewall = window.livewall;
  let beat = null; // seconds, as the interval was last set; null is as the page began

  // Seconds between two questions now.
  livewall.tick = () => {
    const frame = livewall.frame();
    return (frame && frame.tick) || livewall.config.tick;
  };

  function tell(frame) {
    const element = document.querySelector('[data-part="pace"]');
    const text = frame.slowed ? livewall.t("shell.pace.slowed", { count: frame.tick }) : "";
    if (element.textContent !== text) element.textContent = text;
    if (element.title !== (text && livewall.t("shell.pace.why"))) element.title = text && livewall.t("shell.pace.why");
    element.hidden = !text;
  }

  function follow(frame) {
    const wanted = frame.tick || livewall.config.tick;
    if (wanted === (beat || livewall.config.tick)) return;
    beat = wanted;
    window.dash_clientside.set_props(livewall.config.ids.beat, { interval: Math.round(wanted * 1000) });
  }

  livewall.on("frame", (frame) => {
    follow(frame);
    tell(frame);
  });
  livewall.on("screen", () => {
    if (livewall.config && livewall.frame()) tell(livewall.frame());
  });
})();
