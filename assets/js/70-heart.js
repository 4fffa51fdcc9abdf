// The heart of a screen: says every ten seconds how it is, and does what the desk tells it, each thing once.
(function () {
  "use strict";
  const livewall = window.livewall;
  const BEAT = "/screens/v1/beat";
  const PATIENCE = 8000; // ms until a heartbeat is given up
  const MOST_DONE = 20; // told in one beat
  const KEPT = 30; // ticks and commands that are remembered
  const AGAIN = 5000; // ms between two looks whether the page is there
  const SLOT_FREE = 30e3; // ms after which the place of a tab that says nothing is free
  const page = () => new URLSearchParams(window.location.search);

  // --- who this screen is -----------------------------------------------------------------------------------------
  // `randomUUID` needs https, which a wall in a local network seldom has.
  const random = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function inTab(name, make) {
    try {
      const kept = window.sessionStorage.getItem(`livewall.${name}`);
      if (kept) return kept;
      const made = make();
      window.sessionStorage.setItem(`livewall.${name}`, made);
      return made;
    } catch {
      return make();
    }
  }
  const tab = inTab("tab", random);

  // Screens of one browser share its storage. Named ones are told apart by name; the others take the first place that is
  // free, so that a box that starts again is the same screen again.
  function place() {
    const slots = livewall.prefs.get("slots", {}) || {};
    const now = Date.now();
    for (const [slot, held] of Object.entries(slots)) if (now - held.at > SLOT_FREE || held.at > now) delete slots[slot];
    let mine = Object.keys(slots).find((slot) => slots[slot].tab === tab);
    for (let slot = 0; mine === undefined; slot += 1) if (!slots[slot]) mine = String(slot);
    slots[mine] = { tab, at: now };
    livewall.prefs.set("slots", slots);
    return `s${mine}`;
  }
  function leavePlace() {
    const slots = livewall.prefs.get("slots", {}) || {};
    for (const slot of Object.keys(slots)) if (slots[slot].tab === tab) delete slots[slot];
    livewall.prefs.set("slots", slots);
  }
  const name = () => (page().get("name") || "").replace(/\s+/g, " ").trim().slice(0, 40);
  const short = (text) => [...text].reduce((sum, char) => (Math.imul(sum, 31) + char.codePointAt(0)) >>> 0, 7).toString(36);
  function identity() {
    let base = livewall.prefs.get("screen");
    if (typeof base !== "string" || !/^[0-9a-f]{24}$/.test(base)) {
      base = random();
      livewall.prefs.set("screen", base);
      if (livewall.prefs.get("screen") !== base) base = tab; // a browser that forbids storage
    }
    return `${base}-${name() ? `n${short(name())}` : place()}`;
  }

  // --- how it is --------------------------------------------------------------------------------------------------
  const paints = []; // ms of script, layout and paint of the last ticks
  let frameAt = 0; // of the newest one
  let errors = 0;
  let lastError = "";
  const painted = new MessageChannel();
  let began = null; // of the part that is being measured
  let spent = 0;
  let unpainted = null; // when the oldest frame was handed out that has not been painted since
  painted.port1.onmessage = () => {
    unpainted = null;
    if (began === null) return;
    paints.push(spent + performance.now() - began);
    if (paints.length > KEPT) paints.shift();
    began = null;
  };

  // Two parts: handing the frame to the tiles, and what the browser then does to show it; the wait between is not work.
  function measure() {
    frameAt = livewall.ran();
    if (document.hidden) return; // nobody paints for a page that nobody sees
    unpainted ??= frameAt;
    const start = performance.now();
    queueMicrotask(() => {
      spent = performance.now() - start;
      requestAnimationFrame(() => {
        began = performance.now();
        painted.port2.postMessage(0);
      });
    });
  }

  function note(problem) {
    errors += 1;
    lastError = String((problem && problem.message) || problem || "").slice(0, 200);
  }

  // Seconds since the server last said that this picture is its newest; how old the numbers in it are, the tiles say.
  function frameAge() {
    const view = livewall.viewOf(livewall.scope.board());
    if (!view) return (livewall.ran() - frameAt) / 1000; // another board is on its way
    const { frame, at, okAt } = view;
    const then = frame.live ? Math.max(0, Date.parse(frame.now) - Date.parse(frame.as_of)) : 0;
    const stands = unpainted === null || document.hidden ? 0 : livewall.ran() - unpainted; // scripts run, the picture does not
    return Math.max(then + livewall.ran() - Math.max(at, okAt), stands) / 1000;
  }

  const round = (value, digits = 1) => (Number.isFinite(value) ? Number(Math.max(0, value).toFixed(digits)) : null);
  function report(bye) {
    const sorted = [...paints].sort((one, other) => one - other);
    const memory = performance.memory && performance.memory.usedJSHeapSize;
    return {
      id: identity(),
      name: name(),
      kiosk: livewall.screen.kiosk,
      board: livewall.scope.board() || "",
      query: livewall.scope.query().slice(0, 2000),
      build: livewall.config.build,
      width: window.innerWidth,
      height: window.innerHeight,
      ratio: round(window.devicePixelRatio, 3) || 1,
      hidden: document.hidden,
      frame_age_s: round(frameAge()),
      paint_ms: sorted.length ? round(sorted[Math.floor(sorted.length / 2)]) : null,
      paint_worst_ms: sorted.length ? round(sorted[sorted.length - 1]) : null,
      heap_mb: memory ? round(memory / 1e6) : null,
      up_s: round(performance.now() / 1000),
      errors,
      last_error: lastError,
      done: owed.slice(0, MOST_DONE),
      bye,
    };
  }

  // --- what the desk says -----------------------------------------------------------------------------------------
  // What was carried out, and is told until the server has heard it. Written down first: a reload must not come twice.
  let carried = []; // ids
  let owed = []; // {id, problem}
  function remember(id, problem) {
    carried = [...carried, id].slice(-KEPT);
    owed = [...owed, { id, problem }].slice(-KEPT);
    writeDown();
  }
  function writeDown() {
    try {
      window.sessionStorage.setItem("livewall.commands", JSON.stringify({ carried, owed }));
    } catch {
      // without storage the page knows it as long as it lives; a reload is told before it happens, see `obey`
    }
  }
  function recall() {
    try {
      const kept = JSON.parse(window.sessionStorage.getItem("livewall.commands") || "{}");
      const ids = (list) => (Array.isArray(list) ? list : []);
      carried = ids(kept.carried).filter((id) => typeof id === "string");
      owed = ids(kept.owed).filter((entry) => entry && typeof entry.id === "string");
    } catch {
      carried = [];
    }
  }

  const doing = {
    // The board stays: a list of boards that takes turns (`play`) ends with it.
    show({ board, query }) {
      if (!livewall.config.boards.includes(board)) return livewall.t("shell.desk.no_board");
      const kept = [...page()].filter(([key]) => ["kiosk", "lang", "theme", "updown", "name"].includes(key));
      const search = new URLSearchParams([...new URLSearchParams(query), ...kept]);
      const path = window.location.pathname.replace(/[^/]*\/?$/, board);
      const text = search.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
      window.history.pushState(null, "", path + (text ? `?${text}` : ""));
      livewall.emit("scope");
      livewall.ask();
      return "";
    },
    message({ text, seconds, severity }) {
      say({ text, severity, until: Date.now() + seconds * 1000 });
      return "";
    },
    clear() {
      say(null);
      return "";
    },
    reload() {
      return "";
    },
  };

  async function obey(commands) {
    const fresh = commands.filter((command) => doing[command.kind] && !carried.includes(command.id));
    if (!fresh.length) return;
    for (const command of fresh) {
      let problem = "";
      try {
        problem = doing[command.kind](command);
      } catch (failed) {
        problem = String(failed).slice(0, 120);
      }
      remember(command.id, problem);
    }
    await beat(); // so that the desk sees it at once
    if (fresh.some((command) => command.kind === "reload")) reload();
  }

  // Only when the page is there: nobody is near to help a browser that shows an error.
  let reloading = false;
  async function reload() {
    if (reloading) return;
    reloading = true;
    while (!(await livewall.version.there())) await new Promise((go) => setTimeout(go, AGAIN));
    livewall.version.reload();
  }

  // --- a message of the desk ----------------------------------------------------------------------------------------
  let banner = null;
  let ending = null;
  function say(message) {
    clearTimeout(ending);
    livewall.prefs.set(`message.${identity()}`, message);
    if (banner) banner.remove();
    banner = null;
    if (!message) return;
    banner = document.createElement("aside");
    banner.className = "desk-message";
    banner.dataset.severity = message.severity;
    banner.setAttribute("role", message.severity === "info" ? "status" : "alert");
    const text = document.createElement("p");
    text.textContent = message.text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "desk-message-close";
    close.textContent = "×";
    close.setAttribute("aria-label", livewall.t("shell.desk.close"));
    close.addEventListener("click", () => say(null));
    banner.append(text, close);
    document.body.append(banner);
    ending = setTimeout(() => say(null), Math.min(Math.max(message.until - Date.now(), 0), 2 ** 31 - 1));
  }
  function saidBefore() {
    const message = livewall.prefs.get(`message.${identity()}`);
    if (message && message.until > Date.now()) say(message);
  }

  // --- the beat -----------------------------------------------------------------------------------------------------
  let timer = null;
  let beating = false;
  let left = false; // goodbye was said: a page that goes is hidden after that, which must not be the last thing heard
  async function beat() {
    if (beating || left) return;
    beating = true;
    const said = Math.min(owed.length, MOST_DONE);
    try {
      const answer = await window.fetch(BEAT, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(report(false)),
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE),
      });
      const heard = answer.ok ? await answer.json() : null;
      beating = false;
      if (!heard) return;
      owed = owed.slice(said);
      writeDown();
      await obey(Array.isArray(heard.commands) ? heard.commands : []);
    } catch {
      // the server is away: the header says so, the next beat tries again
    } finally {
      beating = false;
    }
  }

  function again() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      await beat();
      again();
    }, livewall.config.beat * 1000 * (0.85 + 0.3 * Math.random()));
  }

  livewall.on("boot", (config) => {
    if (!config.beat) return;
    recall();
    saidBefore();
    livewall.on("frame", measure);
    livewall.on("scope", () => setTimeout(beat, 500)); // the list of screens follows a click
    livewall.on("broken", note);
    window.addEventListener("error", (event) => note(event.error || event.message));
    window.addEventListener("unhandledrejection", (event) => note(event.reason));
    window.addEventListener("pagehide", () => {
      left = true;
      leavePlace();
      if (livewall.version.reloading) return; // it comes back, or somebody should be called
      navigator.sendBeacon(BEAT, new Blob([JSON.stringify(report(true))], { type: "application/json" }));
    });
    window.addEventListener("pageshow", (event) => {
      left = false;
      if (event.persisted) beat();
    });
    document.addEventListener("visibilitychange", () => {
      unpainted = null; // what was left unpainted while nobody saw the page says nothing
      beat();
    });
    setTimeout(beat, 300 + Math.random() * Math.min(1000, config.beat * 100)); // after the first frame, not with it
    again();
  });
})();
