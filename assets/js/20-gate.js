// The gate between the interval and the server: one question in flight, and never shut for ever.
//
// Without it a callback slower than the interval never updates the page (each new tick makes the renderer drop the one in
// flight), a hung server collects a request per tick, and `running=[…disabled…]` freezes the wall when the server dies.
(function () {
  "use strict";
  const livewall = window.livewall;
  const patience = () => livewall.config.patience * 1000; // ms until a request is aborted
  const LAST_RESORT = 2000; // ms after that the gate opens even if nobody said how the request ended
  const HIDDEN = 15; // a hidden page asks on every n-th beat only

  const gate = (livewall.gate = {
    asked: null, // {n, at, key, open}: the newest question
    shown: { version: "", key: "" }, // what the screen shows
    answered: null, // {n, key}: the question whose answer is about to be fanned out
    okAt: performance.now(), // when the server last answered, with news or without
    failures: 0, // in a row
    pokes: 0,
  });

  const key = (ask) => JSON.stringify([ask.query, ask.locale, ask.board]);

  function question() {
    return { query: livewall.scope.query(), locale: livewall.screen.locale, board: livewall.scope.board() };
  }

  // Ask now instead of at the next beat: after a click, a language switch, or when the page is seen again.
  livewall.ask = () => {
    if (!livewall.config) return;
    gate.pokes += 1;
    window.dash_clientside.set_props(livewall.config.ids.poke, { data: gate.pokes });
  };

  function admit(beats) {
    const ask = question();
    const now = performance.now();
    const other = !gate.asked || gate.asked.key !== key(ask);
    if (!other) {
      if (gate.asked.open && now - gate.asked.at < patience() + LAST_RESORT) return null;
      if (document.hidden && beats % HIDDEN) return null;
    }
    // A question of another scope does not wait: the renderer drops the older one's answer.
    gate.asked = { n: gate.asked ? gate.asked.n + 1 : 1, at: now, key: key(ask), open: true };
    const seen = gate.shown.key === gate.asked.key ? gate.shown.version : "";
    return { n: gate.asked.n, seen, ...ask };
  }

  // Called by Dash's renderer for every callback that ended: with news, without (204), refused or failed. Of those that
  // failed it does not say which they were: `failed` below is told of them by the request itself.
  livewall.resolved = (callback, result) => {
    if (!livewall.config || !callback.output.startsWith(`${livewall.config.ids.frame}.`)) return;
    const ask = !result.error && result.payload && result.payload.inputs[0].value;
    if (ask && gate.asked && ask.n === gate.asked.n) {
      gate.asked.open = false;
      gate.failures = 0;
      gate.okAt = performance.now();
      gate.answered = { n: ask.n, key: gate.asked.key };
      livewall.emit("answer", true);
    }
    forget();
  };

  function failed(body) {
    const n = JSON.parse(body).inputs[0].value.n;
    if (!gate.asked || n !== gate.asked.n) return;
    gate.asked.open = false; // the next beat asks again
    gate.failures += 1;
    livewall.emit("answer", false);
  }

  // The renderer keeps every change of an input, and every error, for ever (dash#727: 100 MB in four weeks at 1 Hz).
  function forget() {
    const state = window.dash_stores && window.dash_stores[0] && window.dash_stores[0].getState();
    if (!state) return;
    state.history.past.length = 0;
    state.history.future.length = 0;
    state.error.backEnd.length = 0;
    state.error.frontEnd.length = 0;
  }

  // Dash's request has no time-out, and an answer that is not JSON leaves its promise open for ever. Both end here.
  const plain = window.fetch.bind(window);
  window.fetch = async (resource, options = {}) => {
    const url = typeof resource === "string" ? resource : resource.url || String(resource);
    if (!url.includes("_dash-update-component")) return plain(resource, options);
    try {
      const answer = await plain(resource, { ...options, signal: AbortSignal.timeout(patience()) });
      const json = (answer.headers.get("content-type") || "").includes("json");
      if (answer.status === 204) return answer;
      const text = await answer.text(); // whole before Dash sees it: the gate must not open on headers alone
      if (answer.status === 200 && json) return new Response(text, { status: 200, headers: answer.headers });
    } catch (problem) {
      failed(options.body);
      throw problem;
    }
    failed(options.body);
    // 500 for all: the renderer tries to refresh a token on 401 and stumbles over the body it has read already
    return new Response("{}", { status: 500 });
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) livewall.ask();
  });
  window.addEventListener("online", () => livewall.ask());

  const none = () => window.dash_clientside.no_update;
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.livewall = {
    ...window.dash_clientside.livewall,
    gate(beats, pokes, config) {
      livewall.boot(config);
      return admit(beats || 0) || none();
    },
  };
})();
