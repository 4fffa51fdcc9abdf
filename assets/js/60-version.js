// New versions: a page that meets another build of the server loads itself anew, once, not with all others, and only when
// the new page is there and nobody is in the middle of something.
(function () {
  "use strict";
  const livewall = window.livewall;
  const AGAIN = 3600e3; // ms until the same build is tried a second time: something between keeps an old page
  const BUSY = 10000; // ms after a hand that a reload waits
  const AT_MOST = 120000; // ms that it waits for hands altogether
  const OLD = 20 * 3600e3; // ms after which a kiosk starts afresh in the small hours
  const KEPT = "livewall.version";

  let seen = null; // the other build, as long as every answer is of it
  let timer = null;
  let since = 0;

  const version = (livewall.version = {
    renewing: false, // about to load a new version
    reloading: false, // on the way out, and back: no goodbye is due
    there,
    reload() {
      version.reloading = true;
      window.location.reload();
    },
  });

  function recall() {
    try {
      return JSON.parse(window.sessionStorage.getItem(KEPT)) || {};
    } catch {
      return {};
    }
  }

  function keep(value) {
    try {
      window.sessionStorage.setItem(KEPT, JSON.stringify(value));
      return true;
    } catch {
      return false; // nothing would stop a second reload
    }
  }

  function meet(build) {
    if (!livewall.config || !build) return;
    if (build === livewall.config.build) return stay(); // an old process answers too: the change is still on its way
    if (build === seen) return;
    const tried = recall();
    if (tried.build === build && Date.now() - tried.at < AGAIN) return;
    stay();
    seen = build;
    version.renewing = true;
    since = performance.now();
    plan(Math.random() * 1000 * livewall.config.spread, build);
  }

  function stay() {
    clearTimeout(timer);
    seen = null;
    version.renewing = false;
  }

  function plan(after, build) {
    clearTimeout(timer);
    timer = setTimeout(() => renew(build), after);
  }

  const typing = () => Boolean(document.activeElement && document.activeElement.matches("input, select, textarea"));
  const busy = () => livewall.handAgo() < BUSY || typing() || livewall.helpOpen();

  // The address holds the filter, the day and the list; what it does not hold, somebody is busy with right now.
  async function renew(build) {
    if (busy() && performance.now() - since < AT_MOST) return plan(1000, build);
    if (!(await there())) return plan(5000, build);
    if (!keep({ ...recall(), build, at: Date.now(), full: Boolean(document.fullscreenElement) })) return stay();
    version.reload();
  }

  // Whether a reload would end on the wall and not on a browser's error or a login page, where nobody is to help.
  async function there() {
    try {
      const answer = await fetch(window.location.href, {
        redirect: "manual",
        cache: "no-store",
        signal: AbortSignal.timeout(10000),
      });
      return answer.ok && (await answer.text()).includes("react-entry-point");
    } catch {
      return false;
    }
  }

  // A belt beside the braces: a page that has been up for a day starts afresh in the small hours. Its plan is its own:
  // answers of our build end what a new version had planned, and not this.
  const bornAt = livewall.ran();
  let night = null;
  const small = () => {
    const time = livewall.clock.time(livewall.clock.now(), false);
    return time >= "04:30" && time < "05:00";
  };
  function restAtNight() {
    if (night || version.renewing || !livewall.screen.kiosk || livewall.linkState !== "ok") return;
    if (livewall.ran() - bornAt >= OLD && small()) night = setTimeout(rest, Math.random() * 600e3);
  }
  async function rest() {
    const now = !version.renewing && !busy() && small() && (await there());
    night = null; // else it is planned again at the next second, as long as it is night
    if (!now) return;
    keep({ ...recall(), full: Boolean(document.fullscreenElement) });
    version.reload();
  }

  // A browser gives full screen only to a hand: the first one after our reload gives it back.
  function fullAgain() {
    const kept = recall();
    if (!kept.full) return;
    keep({ ...kept, full: false });
    const again = () => {
      window.removeEventListener("pointerdown", again, true);
      window.removeEventListener("keydown", again, true);
      if (!document.fullscreenElement) livewall.toggleFull();
    };
    window.addEventListener("pointerdown", again, true);
    window.addEventListener("keydown", again, true);
  }

  livewall.on("boot", fullAgain);
  livewall.on("build", meet);
  livewall.on("frame", (frame) => meet(frame.build));
  livewall.on("second", () => livewall.config && restAtNight());
})();
