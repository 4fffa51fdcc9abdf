// Asks as often as the frame says: rarer while the server is under load, which the header then tells. And asks when
// there is something to hear: a beat that falls shortly before a tick, and is not kept waiting for it, would show every
// number almost a tick late. The server knows what is best (`next`).
(function () {
  "use strict";
  const livewall = window.livewall;
  const AFTER = 0.04; // seconds: a beat is put so long after the best moment; before it there is nothing to hear yet
  const SLACK = 0.1; // seconds: no later than this, or so much of a short tick, a beat stays where it is
  const slot = Math.random(); // where in the spread after a tick this screen asks
  let beat = null; // seconds, as the interval was last set; null is as the page began
  let beats = 0;
  let beaten = null; // when the last beat was
  let off = 0; // news in a row that came at a bad moment
  let moving = false; // the interval is another one for one beat

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
    moving = false;
    set(wanted);
  }

  const set = (seconds) =>
    window.dash_clientside.set_props(livewall.config.ids.beat, { interval: Math.round(seconds * 1000) });

  // Told by the gate at every beat and question.
  livewall.beaten = (count) => {
    if (count === beats) return;
    beats = count;
    beaten = livewall.ran();
    if (!moving) return;
    moving = false;
    set(livewall.tick());
  };

  // Seconds by which the beat is too early (above 0) or late, at most half a tick.
  function error(frame) {
    const tick = livewall.tick();
    const best = livewall.ran() / 1000 + frame.next + slot * frame.spread;
    const late = (((best - beaten / 1000) % tick) + tick) % tick;
    return late > tick / 2 ? late - tick : late;
  }

  function align(frame) {
    if (!frame.live || !(frame.next >= 0) || beaten === null || moving) return;
    const tick = livewall.tick();
    const by = error(frame);
    off = by > 0 || by < -Math.min(SLACK, 0.3 * tick) ? off + 1 : 0;
    if (off < 2) return; // one late tick is no reason
    off = 0;
    moving = true;
    const left = tick - (livewall.ran() - beaten) / 1000 + by + AFTER;
    set(left > 0.1 * tick ? left : left + tick);
  }

  livewall.on("frame", (frame) => {
    follow(frame);
    align(frame);
    tell(frame);
  });
  livewall.on("screen", () => {
    if (livewall.config && livewall.frame()) tell(livewall.frame());
  });
})();
