// Sleep and wake: a page that is seen again says how old its numbers are first, and asks in the same moment.
(function () {
  "use strict";
  const livewall = window.livewall;
  const STEP = 3000; // ms that the machine's clock may run ahead of the page's before we call it sleep

  let before = { machine: Date.now(), page: performance.now() };
  // `performance.now()` stands while a machine is suspended, its clock does not. A clock that was only set looks the same;
  // then numbers look older than they are for one question, which is the harmless side to err on.
  function slept() {
    const now = { machine: Date.now(), page: performance.now() };
    const gap = now.machine - before.machine - (now.page - before.page);
    before = now;
    if (gap < STEP) return false;
    livewall.sleptFor(gap);
    livewall.gate.shown.clear(); // the next answer is a whole frame: it sets the clock
    return true;
  }

  function wake() {
    if (!livewall.config || document.hidden) return;
    slept();
    livewall.emit("second"); // timers of a hidden page rest: what is old must look old now, not at the next second
    livewall.ask();
  }

  document.addEventListener("visibilitychange", wake);
  document.addEventListener("resume", wake); // a tab that the browser had frozen
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  window.addEventListener("online", wake);
  livewall.on("second", () => {
    if (slept()) wake();
  });
})();
