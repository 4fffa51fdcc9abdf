// The link to the server, in words and colour: live, late, cut, waiting for a login, or about to take a new version.
(function () {
  "use strict";
  const livewall = window.livewall;
  const root = document.documentElement;
  const CUT = 8; // seconds without an answer until the link counts as cut, at the usual tick
  const SKEW = 60; // seconds that this machine's clock may be wrong until it is said
  const t = (key, values) => livewall.t(key, values);
  const part = (name) => document.querySelector(`[data-part="${name}"]`);

  function put(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function duration(seconds) {
    if (seconds < 90) return t("shell.lag.seconds", { count: Math.round(seconds) });
    if (seconds < 5400) return t("shell.lag.minutes", { count: Math.round(seconds / 60) });
    return t("shell.lag.hours", { count: Math.round(seconds / 3600) });
  }

  // Seconds that the server's own numbers stand still although it answers; 0 while it keeps its tick.
  function behind() {
    const frame = livewall.frame();
    if (!frame) return 0;
    const stood = (Date.parse(frame.now) - Date.parse(frame.as_of)) / 1000;
    return stood > Math.max(4 * livewall.tick(), CUT) ? stood : 0;
  }

  let muteSince = null; // for a store that never said anything
  let waitsSince = null; // since when the scope that is looked at has no numbers yet

  // Seconds that the store has said nothing, where the server finds that it does not answer; one refusal is not told.
  function mute() {
    const frame = livewall.frame();
    if (!frame || !frame.mute) return 0;
    const heard = frame.heard && Date.parse(frame.now) - Date.parse(frame.heard);
    const silent = frame.heard ? heard + livewall.ran() - livewall.viewOf(frame.board).at : livewall.ran() - muteSince;
    return silent / 1000 > CUT ? silent / 1000 : 0;
  }

  // Seconds that a scope has waited for its first numbers: they are late, or too many other scopes are looked at.
  function waits() {
    const waited = waitsSince === null ? 0 : (livewall.ran() - waitsSince) / 1000;
    return waited > CUT ? waited : 0;
  }

  function follow(frame) {
    muteSince = frame.mute ? (muteSince ?? livewall.ran()) : null;
    waitsSince = frame.complete === false ? (waitsSince ?? livewall.ran()) : null;
  }

  // ok: answered lately. late: more than two ticks ago, or the server or its store is behind. cut: nothing for CUT seconds,
  // longer under load, or no answer twice in a row. login: somebody has to log in again. updating: well, and about to load a new version.
  function state() {
    const since = (livewall.ran() - livewall.gate.okAt) / 1000;
    const { failures, trouble } = livewall.gate;
    const cut = since > Math.max(CUT, 1.5 * livewall.tick() + 3) || (failures >= 2 && since > 1);
    if (cut) return [trouble === "login" ? "login" : "cut", since];
    if (since > 2 * livewall.tick() + 2) return ["late", since];
    if (behind()) return ["behind", behind()];
    if (mute()) return ["mute", mute()];
    if (waits()) return [livewall.frame().version.endsWith("-busy") ? "busy" : "waits", waits()];
    if (livewall.version && livewall.version.renewing) return ["updating", since];
    return ["ok", since];
  }

  function link() {
    if (!livewall.config) return;
    const [name, since] = state();
    // the look has fewer states than the words: old is old, whoever is to blame
    const look = { login: "cut", behind: "late", mute: "late", waits: "late", busy: "late" }[name] || name;
    if (root.dataset.link !== look) root.dataset.link = look;
    if (root.dataset.trouble !== name) root.dataset.trouble = name;
    put(part("link"), t(`shell.link.${name}`, { since: duration(since) }));
    livewall.linkState = name;
    skew();
  }

  // The wall's clock is the server's; people who compare it with this machine's are told when that one is wrong.
  function skew() {
    const { skew: ahead } = livewall.clock;
    const wrong = Math.abs(ahead) >= SKEW && !["cut", "login"].includes(livewall.linkState);
    const words = ahead > 0 ? "shell.skew.fast" : "shell.skew.slow";
    put(part("skew"), wrong ? t(words, { by: duration(Math.abs(ahead)) }) : "");
  }

  livewall.on("boot", link);
  livewall.on("screen", link);
  livewall.on("frame", (frame) => {
    follow(frame);
    link();
  });
  livewall.on("answer", link);
  livewall.on("second", link);
})();
