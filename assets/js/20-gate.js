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
    shown: new Map(), // board -> {version, key}: what the screen holds
    answered: null, // {n, key, board, view}: the question whose answer is about to be fanned out
    okAt: livewall.ran(), // when the server last answered, with news or without
    failures: 0, // in a row
    trouble: "", // why the last question had no answer: cut, slow, login, refused, broken
    turn: false, // whether the last question was about the board that comes next
    pokes: 0,
  });

  const key = (ask) => JSON.stringify([ask.query, ask.locale, ask.board]);

  function question(board) {
    return { query: livewall.scope.query(), locale: livewall.screen.locale, board };
  }

  // What the screen looks at, as one text: an answer to another view is not its answer.
  gate.view = () => key(question(livewall.scope.board()));

  // Ask now instead of at the next beat: after a click, a language switch, or when the page is seen again.
  livewall.ask = () => {
    if (!livewall.config) return;
    gate.pokes += 1;
    window.dash_clientside.set_props(livewall.config.ids.poke, { data: gate.pokes });
  };

  // The clock put another board in front: a question that is open is waited for, as if it were about that one.
  gate.turned = () => {
    if (gate.asked) gate.asked.view = gate.view();
    livewall.ask();
  };

  function admit(beats) {
    const now = livewall.ran();
    const view = gate.view();
    if (gate.asked && gate.asked.view === view) {
      if (gate.asked.open && now - gate.asked.at < patience() + LAST_RESORT) return null;
      if (document.hidden && beats % HIDDEN) return null;
    }
    // The board that comes next has every second question, until it is warm: still one request a tick.
    const next = gate.turn ? null : livewall.rotation.warming();
    gate.turn = Boolean(next);
    const ask = question(next || livewall.scope.board());
    // A question of another view does not wait: the renderer drops the older one's answer.
    gate.asked = { n: gate.asked ? gate.asked.n + 1 : 1, at: now, key: key(ask), board: ask.board, view, open: true };
    const held = gate.shown.get(ask.board);
    const painted = livewall.painted();
    const seen = held && held.key === gate.asked.key ? held.version : "";
    return { n: gate.asked.n, seen, ...ask, ...(painted ? { painted } : {}) };
  }

  // Called by Dash's renderer for every callback that ended: with news, without (204), refused or failed.
  livewall.resolved = (callback, result) => {
    if (!livewall.config || !callback.output.startsWith(`${livewall.config.ids.frame}.`)) return;
    const ask = result.payload && result.payload.inputs[0].value;
    if (ask && gate.asked && ask.n === gate.asked.n) {
      gate.asked.open = false;
      gate.trouble = troubles.get(ask.n) || (result.error ? "broken" : "");
      if (gate.trouble) {
        gate.failures += 1;
      } else {
        gate.failures = 0;
        gate.okAt = livewall.ran();
        gate.answered = { n: ask.n, key: gate.asked.key, board: gate.asked.board, view: gate.asked.view };
      }
      troubles.clear();
      livewall.emit("answer", !gate.trouble);
    }
    forget();
  };

  // The renderer keeps every change of an input, and every error, for ever (dash#727: 100 MB in four weeks at 1 Hz).
  function forget() {
    const state = window.dash_stores && window.dash_stores[0] && window.dash_stores[0].getState();
    if (!state) return;
    state.history.past.length = 0;
    state.history.future.length = 0;
    state.error.backEnd.length = 0;
    state.error.frontEnd.length = 0;
  }

  // Dash's request has no time-out, an answer that is not JSON leaves its promise open for ever, and each error is kept
  // and written to the console. So Dash hears "nothing new" for all that is no frame, and `troubles` knows better.
  const troubles = new Map(); // number of a question -> why it had no answer
  const plain = window.fetch.bind(window);
  window.fetch = async (resource, options = {}) => {
    const url = typeof resource === "string" ? resource : resource.url || String(resource);
    if (!url.includes("_dash-update-component")) return plain(resource, options);
    const [trouble, answer] = await answered(resource, options);
    if (trouble) troubles.set(numberOf(options.body), trouble);
    return answer || new Response(null, { status: 204 });
  };

  async function answered(resource, options) {
    try {
      // a redirect is a login page, here or on another host: following it would look like a broken network
      const answer = await plain(resource, { ...options, redirect: "manual", signal: AbortSignal.timeout(patience()) });
      const type = answer.headers.get("content-type") || "";
      livewall.emit("build", answer.headers.get("x-livewall-build") || "");
      if (answer.status === 204) return ["", null];
      if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) return ["login", null];
      if (answer.status === 200 && type.includes("html")) return ["login", null];
      if (answer.status !== 200) return [answer.status < 500 ? "refused" : "broken", null];
      const text = await answer.text(); // whole before Dash sees it: the gate must not open on headers alone
      if (!type.includes("json") || !text.slice(0, 100).includes('"response"')) return ["broken", null];
      return ["", new Response(text, { status: 200, headers: answer.headers })];
    } catch (problem) {
      return [problem.name === "TimeoutError" ? "slow" : "cut", null];
    }
  }

  function numberOf(body) {
    try {
      return JSON.parse(body).inputs[0].value.n;
    } catch {
      return null;
    }
  }

  const none = () => window.dash_clientside.no_update;
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.livewall = {
    ...window.dash_clientside.livewall,
    gate(beats, pokes, config) {
      livewall.boot(config);
      livewall.beaten(beats || 0);
      return admit(beats || 0) || none();
    },
  };
})();
