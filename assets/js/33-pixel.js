// Reports with the next question which marker event was painted, and shows how long events take from there to here.
(function () {
  "use strict";
  const livewall = window.livewall;
  let newest = 0; // the marker that was painted last, by its time
  let waiting = null; // {marker, at}: painted, and not told yet

  // What the next question tells the server: [marker, ms since it was painted]. Told once; a lost question loses it.
  livewall.painted = () => {
    const told = waiting && [waiting.marker, Math.round(livewall.ran() - waiting.at)];
    waiting = null;
    return told;
  };

  livewall.on("shown", (frame) => {
    const { marker } = frame.head;
    if (!frame.live || !marker || marker <= newest) return;
    // Both callbacks run before a paint; in the second one the first frame with these tiles has been painted.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (marker <= newest) return;
        newest = marker;
        waiting = { marker, at: livewall.ran() };
      }),
    );
  });

  function tell(frame) {
    const element = document.querySelector('[data-part="pixel"]');
    const { pixel } = frame;
    element.hidden = !frame.live || !frame.head.marker; // no markers here: nothing to say
    if (element.hidden) return;
    if (!pixel) {
      element.textContent = livewall.t("shell.pixel.unknown"); // none came in five minutes
      element.dataset.state = "none";
      return;
    }
    const count = (seconds) => livewall.t("shell.lag.seconds", { count: seconds.toFixed(1) });
    const text = livewall.t("shell.pixel.label", { median: count(pixel.median), worst: count(pixel.worst) });
    if (element.textContent !== text) element.textContent = text;
    const state = pixel.median > livewall.tick() + livewall.config.pixel ? "late" : "ok";
    if (element.dataset.state !== state) element.dataset.state = state;
  }

  livewall.on("frame", tell);
  livewall.on("screen", () => {
    if (livewall.config && livewall.frame()) tell(livewall.frame());
  });
})();
