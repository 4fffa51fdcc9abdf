// Hands a frame to the tiles: only what changed is touched, one broken tile never stops the others, old tiles say so.
// Two boards hold figures at most: the one that is shown and, shortly before it is, the one that comes next.
(function () {
  "use strict";
  const livewall = window.livewall;
  const tiles = new Map(); // "board/key" -> {section, body, v, payload, mounted, …}
  const views = new Map(); // board -> {frame, key, at, okAt, view}: its newest frame, the question it answers, and when
  // it came or was confirmed

  const shown = () => views.get(livewall.scope.board());
  livewall.frame = () => (livewall.config && shown() ? shown().frame : null);
  livewall.viewOf = (board) => views.get(board);

  function tile(board, name) {
    const id = `${board}/${name}`;
    if (!tiles.has(id)) {
      const section = document.querySelector(`[data-board="${board}"] [data-tile="${name}"]`);
      if (!section) return null;
      tiles.set(id, { section, board, name, body: section.querySelector(".tile-body"), v: null, mounted: false });
    }
    return tiles.get(id);
  }

  function put(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function show(record, fresh) {
    const kind = livewall.kinds.get(record.section.dataset.kind);
    if (!kind) throw new Error(`no such kind of tile: ${record.section.dataset.kind}`);
    if (!record.mounted) {
      record.body.replaceChildren();
      kind.mount(record.body, livewall.env);
      record.mounted = true;
    }
    // a copy: the next patch is for what came, not for what a chart made of it
    kind.update(record.body, structuredClone(fresh.payload), livewall.env);
    if (fresh.payload.title) livewall.title(record.section.querySelector(".tile-title"), fresh.payload.title);
  }

  function spread(record, fresh, redraw) {
    record.asOf = fresh.as_of ? Date.parse(fresh.as_of) : null;
    record.staleAfter = fresh.stale_after;
    record.asks = fresh.asks;
    record.face = fresh.face;
    record.error = fresh.error;
    const changed = record.v !== fresh.v || redraw;
    if (changed && fresh.payload) {
      const before = record.broken;
      record.payload = fresh.payload;
      record.broken = false;
      try {
        if (fresh.payload.empty) {
          livewall.title(record.section.querySelector(".tile-title"), fresh.payload.title || "");
          put(record.section.querySelector(".tile-blank"), fresh.payload.empty);
        } else {
          show(record, fresh);
        }
        record.v = fresh.v;
      } catch (problem) {
        console.warn(`livewall: tile ${record.name}:`, problem);
        if (!before) tell(record, problem);
        record.broken = true;
        record.v = null; // the next frame tries again
        record.mounted = false;
      }
    }
    face(record);
  }

  // Once for each time that a tile breaks: while it stays broken every frame fails again.
  function tell(record, problem) {
    livewall.emit("broken", `${record.name}: ${(problem && problem.message) || problem}`);
  }

  // The chart of a tile that could not be drawn, unless the tile says in words that there is nothing to draw.
  function undrawn(record) {
    return record.payload && !record.payload.empty ? record.body.querySelector("[data-failed]") : null;
  }

  // How old the tile's numbers are. An answer without news says nothing of numbers: had they been asked again, there
  // would be news. It confirms what asks nothing, and was well, unless the store does not answer.
  function age(record, view) {
    const well = record.face === "fresh" || record.face === "empty";
    const confirmed = well && !record.asks && !view.frame.mute;
    const since = confirmed ? Math.max(view.at, view.okAt) : view.at;
    return (Date.parse(view.frame.now) - record.asOf + livewall.ran() - since) / 1000;
  }

  function face(record) {
    const view = views.get(record.board);
    const chart = undrawn(record);
    let name = record.broken || chart ? "error" : record.face;
    const ages = record.staleAfter && record.asOf && (view.frame.live || !record.asks); // numbers of a past day do not
    const tooOld = ages && age(record, view) > record.staleAfter;
    if (name === "fresh" && tooOld) name = "stale";
    if (record.section.dataset.face !== name) record.section.dataset.face = name;
    const note = record.section.querySelector(".tile-note");
    const when = record.asOf ? livewall.t("shell.face.as_of", { time: livewall.clock.time(new Date(record.asOf)) }) : "";
    if (name === "error") {
      const here = !record.error && (record.broken || chart); // its numbers came, and cannot be drawn
      const why = livewall.t(here ? "shell.face.broken" : "shell.face.error");
      put(note, [why, when].filter(Boolean).join(" · "));
      note.title = record.error || (chart && chart.dataset.failed) || "";
    } else {
      put(note, name === "stale" || (name === "empty" && tooOld) ? when : ""); // "nothing" is a number that ages too
      note.title = "";
    }
  }

  // The whole frame that came, or made of the one that is here and what changed; throws when that does not fit.
  function whole(came, held, key) {
    if (came.patch === undefined) return came;
    const mine = held && held.frame.version === came.from && held.frame.as_of === came.as_of && held.key === key;
    if (!mine) throw new Error("changes of a frame that is not here");
    const { from, as_of, patch, ...stamps } = came; // what is true of this answer only
    return { ...livewall.patched(held.frame, patch), ...stamps };
  }

  function fan(came) {
    const { board: asked = "", key = "", view = "" } = livewall.gate.answered || {};
    const board = came.patch === undefined ? came.board : asked;
    const shows = board === livewall.scope.board();
    if (!shows && !livewall.rotation.expects(board)) return; // a late answer of a board that was left
    const fresh = whole(came, views.get(board), key);
    const at = livewall.ran();
    livewall.clock.set(fresh.now);
    views.set(board, { frame: fresh, key, at, okAt: at, view });
    livewall.gate.shown.set(board, { version: fresh.version, key });
    if (shows) livewall.stage.show(board);
    else livewall.stage.warm(board);
    if (shows) livewall.emit("frame", fresh);
    hand(fresh, false);
    if (shows) livewall.emit("shown", fresh);
  }

  function hand(frame, redraw) {
    for (const [name, part] of Object.entries(frame.tiles)) {
      const record = tile(frame.board, name);
      if (record) spread(record, part, redraw);
    }
  }

  // Forget what a board that is not shown any more holds: figures, elements, payloads, its frame.
  livewall.release = (board) => {
    for (const [id, record] of tiles) {
      if (record.board !== board) continue;
      record.body.querySelectorAll(".js-plotly-plot, [data-failed]").forEach(livewall.unplot);
      record.body.replaceChildren();
      for (const name of Object.keys(record.body)) if (!name.startsWith("__react")) delete record.body[name];
      record.section.dataset.face = "loading";
      put(record.section.querySelector(".tile-note"), "");
      tiles.delete(id);
    }
    views.delete(board);
    livewall.gate.shown.delete(board);
  };

  livewall.on("second", () => {
    for (const record of tiles.values()) face(record);
  });
  // The tile of a chart; none in the gallery, and none once its board was released.
  function tileOf(element) {
    const section = element.closest("[data-tile]");
    return [...tiles.values()].find((record) => record.section === section);
  }
  livewall.on("drawn", ({ element }) => {
    const record = tileOf(element);
    if (record) face(record);
  });
  livewall.on("undrawn", ({ element, problem, first }) => {
    const record = tileOf(element);
    if (!record) return;
    face(record);
    if (first) tell(record, problem);
  });
  livewall.on("answer", (well) => {
    const view = well && views.get(livewall.gate.answered.board);
    if (view) view.okAt = livewall.gate.okAt;
  });
  livewall.on("screen", (name) => {
    // colours of charts are read from the tokens when they are drawn
    if (name === "theme" || name === "updown") views.forEach((view) => hand(view.frame, true));
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.livewall = {
    ...window.dash_clientside.livewall,
    fan(text) {
      if (text) {
        try {
          fan(typeof text === "string" ? JSON.parse(text) : text);
        } catch (problem) {
          console.warn("livewall: a frame could not be read:", problem);
          livewall.gate.shown.delete((livewall.gate.answered || {}).board); // its next question asks for the whole
        }
      }
      return window.dash_clientside.no_update;
    },
  };
})();
