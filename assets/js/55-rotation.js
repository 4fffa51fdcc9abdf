// Boards that take turns: `?play=wall,health-board:40s`. The server's clock says whose turn it is: screens with the same
// list show the same board in the same second, and a reload goes on where it was.
(function () {
  "use strict";
  const livewall = window.livewall;
  const DWELL = 30; // seconds of a board without a time of its own
  const [LEAST, MOST] = [2, 3600];
  const BOARDS = 20; // of a list
  const INTERRUPT = 60000; // ms that a new critical alert holds the board that shows it
  const PATIENCE = 10000; // ms until a board comes even though some of its tiles have not answered yet
  const t = (key, values) => livewall.t(key, values);
  const part = (name) => document.querySelector(`[data-part="${name}"]`);

  let plan = { text: null, steps: [], unknown: [], total: 0 };
  let current = null; // the board on the stage; null without a list
  let coming = null; // {board, since}: asked for behind it
  let hand = { text: "", shift: 0, paused: null }; // what a person moved: ms ahead of the clock, or a place to stay at
  let known = null; // critical alerts that were seen firing
  let held = null; // {board, until}: an alert has the stage

  // "a:40s,b:2m,c" → steps with milliseconds. What is no board of this wall is left out and named.
  function read(text, boards) {
    const steps = [];
    const unknown = [];
    const parts = text.split(",").map((item) => item.trim()).filter(Boolean);
    for (const item of parts.slice(0, BOARDS)) {
      const [, name, , count, unit] = item.match(/^([^:]*)(:(\d{1,5})(s|m)?)?$/) || [null, item];
      if (!boards.includes(name)) {
        unknown.push(name.slice(0, 40));
        continue;
      }
      const seconds = count === undefined ? DWELL : Number(count) * (unit === "m" ? 60 : 1);
      steps.push({ board: name, ms: 1000 * Math.min(MOST, Math.max(LEAST, seconds)) });
    }
    return { text, steps, unknown, total: steps.reduce((sum, step) => sum + step.ms, 0) };
  }

  function refresh() {
    const text = (livewall.scope.get("play") || "").slice(0, 500);
    if (!livewall.config || plan.text === text) return;
    plan = read(text, livewall.config.boards);
    held = null;
    hand = recall(text);
    if (plan.steps.length) {
      current = current && plan.steps.some((step) => step.board === current) ? current : stepAt(place()).board;
    } else {
      current = null;
    }
  }

  function recall(text) {
    try {
      const kept = JSON.parse(window.sessionStorage.getItem("livewall.rotation"));
      if (kept.text === text && Number.isFinite(kept.shift)) return kept;
    } catch {
      // nothing kept, or no storage: the clock alone decides
    }
    return { text, shift: 0, paused: null };
  }

  function keep() {
    try {
      window.sessionStorage.setItem("livewall.rotation", JSON.stringify(hand));
    } catch {
      // private mode
    }
  }

  // --- whose turn it is -----------------------------------------------------------------------------------------------
  const wrap = (ms) => ((ms % plan.total) + plan.total) % plan.total;
  const place = () => (hand.paused === null ? wrap(livewall.clock.millis() + hand.shift) : wrap(hand.paused));

  // The step at a place of the round, with how long it has run and where it begins.
  function stepAt(ms) {
    let from = 0;
    for (const [index, step] of plan.steps.entries()) {
      if (ms < from + step.ms) return { ...step, index, from, left: from + step.ms - ms };
      from += step.ms;
    }
    return { ...plan.steps[0], index: 0, from: 0, left: plan.steps[0].ms };
  }

  function wanted() {
    return held ? held.board : stepAt(place()).board;
  }

  // The board that should be drawn behind the shown one by now: whose turn it is, or will be in a tick or two.
  function next() {
    const due = wanted();
    if (due !== current) return due;
    if (held || hand.paused !== null) return null;
    const step = stepAt(place());
    const lead = Math.min(2000 * livewall.tick() + 1000, step.ms / 2);
    if (step.left > lead) return null;
    const after = stepAt(wrap(step.from + step.ms)).board;
    return after === current ? null : after;
  }

  function ready() {
    const view = livewall.viewOf(coming.board);
    if (!view || view.view !== livewall.gate.view()) return false;
    return view.frame.complete !== false || livewall.ran() - coming.since > PATIENCE;
  }

  // Without an answer nothing changes: a board with numbers, old ones even, is better than an empty one.
  function turn() {
    refresh();
    if (!current) return show();
    if (held && (livewall.ran() > held.until || !(known && known.size))) held = null;
    const board = next();
    if (coming && coming.board !== board) {
      livewall.stage.cool(coming.board);
      coming = null;
    }
    if (board && !coming) {
      coming = { board, since: livewall.ran() };
      livewall.ask(); // a little sooner than the next beat
    }
    if (coming && wanted() === coming.board && ready()) {
      const view = livewall.viewOf(coming.board);
      current = coming.board;
      coming = null;
      livewall.stage.show(current);
      livewall.emit("scope"); // the title of the page
      livewall.emit("frame", view.frame);
      livewall.gate.turned();
    }
    show();
  }

  // --- alerts ---------------------------------------------------------------------------------------------------------
  // The board with an alert tile: of the list if one has it, else the wall's first that does.
  function alertBoard() {
    const shows = (board) => document.querySelector(`[data-board="${board}"] [data-kind="alerts"]`);
    const { boards, board } = livewall.config;
    return [...plan.steps.map((step) => step.board), board, ...boards].find(shows) || null;
  }

  // A critical alert that was not firing before takes the stage for a minute, or until none is left. It does not come
  // back for the same alert: a wall that is stuck on one board for a night tells less than one that goes on, with the
  // alert counted in its header.
  function alarm(frame) {
    const firing = new Set(frame.head.critical || []);
    const fresh = [...firing].some((key) => !known || !known.has(key));
    known = firing;
    if (!current || !fresh) return;
    const board = alertBoard();
    if (board) held = { board, until: livewall.ran() + INTERRUPT };
  }

  // --- hands ----------------------------------------------------------------------------------------------------------
  function move(by) {
    const step = stepAt(place());
    const target = plan.steps[(step.index + by + plan.steps.length) % plan.steps.length];
    const start = plan.steps.slice(0, plan.steps.indexOf(target)).reduce((sum, other) => sum + other.ms, 0);
    held = null;
    if (hand.paused !== null) hand.paused = start;
    else hand.shift = start - livewall.clock.millis();
    keep();
    turn();
  }

  function pause() {
    if (hand.paused === null) {
      hand.paused = place();
    } else {
      hand.shift = hand.paused - livewall.clock.millis();
      hand.paused = null;
    }
    keep();
    turn();
  }

  function show() {
    const box = part("play");
    if (!box) return;
    const playing = Boolean(current);
    box.hidden = !playing;
    if (!playing) return;
    const title = livewall.config.titles[current][livewall.screen.locale];
    const step = stepAt(place());
    const state = held ? "alert" : hand.paused !== null ? "paused" : "playing";
    if (box.dataset.state !== state) box.dataset.state = state;
    const count = t("shell.play.count", { place: step.index + 1, of: plan.steps.length });
    const text = [title, state === "playing" ? count : t(`shell.play.${state}`)].join(" · ");
    if (box.textContent !== text) box.textContent = text;
  }

  livewall.rotation = {
    read,
    // The board that the list has on the stage; null when there is no list.
    board() {
      refresh();
      return current;
    },
    // The board to ask for beside the shown one, until its first frame is there.
    warming: () => (coming && !ready() ? coming.board : null),
    expects: (board) => coming !== null && coming.board === board,
    notes: () => plan.unknown.map((name) => t("shell.note.unknown_board", { value: name })),
    active: () => current !== null && plan.steps.length > 1,
    move,
    pause,
  };

  livewall.on("scope", refresh);
  livewall.on("frame", alarm);
  livewall.on("screen", show);
  livewall.on("answer", turn);
  livewall.on("second", turn);
  livewall.on("boot", turn);
})();
