// A wall that nobody sits at: keeps its screen on, rests its pixels, dims what never changes, and takes a few keys.
(function () {
  "use strict";
  const livewall = window.livewall;
  const root = document.documentElement;
  const QUIET = 60000; // ms without a hand until the static parts of a kiosk dim
  const SHIFT = 60000; // ms between two steps of the picture, each one pixel
  const MARGIN = 0.6; // rem that the picture may move either way: half the margin around it

  // --- screen on -----------------------------------------------------------------------------------------------------
  let lock = null;
  let asking = false;
  // Browsers give the lock back whenever the page is hidden. Without it (plain http, no such API) the machine's own
  // settings decide; nothing to say about on the screen.
  async function keepOn() {
    const wanted = livewall.screen.kiosk || Boolean(document.fullscreenElement) || Boolean(livewall.rotation.board());
    if (!navigator.wakeLock || document.hidden || asking) return;
    if (wanted === Boolean(lock)) return;
    asking = true;
    try {
      if (wanted) {
        const held = await navigator.wakeLock.request("screen");
        held.addEventListener("release", () => {
          if (lock === held) lock = null; // asked for anew by the next second that sees the page
        });
        lock = held;
      } else {
        const held = lock;
        lock = null;
        await held.release();
      }
    } catch {
      lock = null; // e.g. the battery is low
    }
    asking = false;
  }
  livewall.keepsOn = () => lock !== null;

  // --- full screen ---------------------------------------------------------------------------------------------------
  livewall.toggleFull = () => {
    (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()).catch(() => {});
  };

  // --- burn-in -------------------------------------------------------------------------------------------------------
  // The whole picture walks through a square, row by row and back, one pixel a minute. Its place follows the clock, so
  // that a reload goes on where it was. Margins shrink on one side by what they grow on the other: nothing is laid out
  // anew, and `transform` would blur hairlines.
  function walk(step, reach) {
    const side = 2 * reach + 1;
    const place = step % (2 * side * side);
    const forth = place < side * side ? place : 2 * side * side - 1 - place;
    const row = Math.floor(forth / side);
    const column = row % 2 ? side - 1 - (forth % side) : forth % side;
    return [column - reach, row - reach];
  }
  livewall.walk = walk;

  function rest() {
    const moving = livewall.screen.kiosk;
    const reach = Math.floor(MARGIN * livewall.env.rem());
    const [x, y] = moving ? walk(Math.floor(livewall.clock.millis() / SHIFT), reach) : [0, 0];
    for (const [name, value] of [["--shift-x", `${x}px`], ["--shift-y", `${y}px`]]) {
      if (root.style.getPropertyValue(name) !== value) root.style.setProperty(name, value);
    }
  }

  let handAt = -Infinity; // performance.now() of the last key or pointer
  livewall.handAgo = () => performance.now() - handAt;
  function dim() {
    const quiet = livewall.screen.kiosk && performance.now() - Math.max(handAt, 0) > QUIET;
    root.toggleAttribute("data-quiet", quiet);
  }
  for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"]) {
    window.addEventListener(
      name,
      () => {
        handAt = performance.now();
        root.removeAttribute("data-quiet");
      },
      { passive: true, capture: true },
    );
  }

  function second() {
    if (!livewall.config) return;
    keepOn();
    rest();
    dim();
  }
  livewall.on("boot", second);
  livewall.on("second", second);
  document.addEventListener("visibilitychange", second);
})();
