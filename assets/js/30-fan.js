// Hands a frame to the tiles: only what changed is touched, one broken tile never stops the others, old tiles say so.
(function () {
  "use strict";
  const livewall = window.livewall;
  const tiles = new Map(); // "board/key" -> {section, body, v, payload, mounted, …}
  let frame = null;
  let frameAt = 0; // performance.now() of the newest frame
  let frameKey = ""; // the question it answers

  livewall.frame = () => frame;

  function tile(board, name) {
    const id = `${board}/${name}`;
    if (!tiles.has(id)) {
      const section = document.querySelector(`[data-board="${board}"] [data-tile="${name}"]`);
      if (!section) return null;
      tiles.set(id, { section, name, body: section.querySelector(".tile-body"), v: null, mounted: false });
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
    if (fresh.payload.title) put(record.section.querySelector(".tile-title"), fresh.payload.title);
  }

  function spread(record, fresh, redraw) {
    record.asOf = fresh.as_of ? Date.parse(fresh.as_of) : null;
    record.staleAfter = fresh.stale_after;
    record.face = fresh.face;
    record.error = fresh.error;
    const changed = record.v !== fresh.v || redraw;
    if (changed && fresh.payload) {
      record.payload = fresh.payload;
      record.broken = false;
      try {
        if (fresh.payload.empty) {
          put(record.section.querySelector(".tile-title"), fresh.payload.title || "");
          put(record.section.querySelector(".tile-blank"), fresh.payload.empty);
        } else {
          show(record, fresh);
        }
        record.v = fresh.v;
      } catch (problem) {
        console.warn(`livewall: tile ${record.name}:`, problem);
        record.broken = true;
        record.v = null; // the next frame tries again
        record.mounted = false;
      }
    }
    face(record);
  }

  // How old the tile's numbers are. An answer without news confirms the tiles that were well; a failing one it does not.
  function age(record) {
    const well = record.face === "fresh" || record.face === "empty";
    const since = well ? Math.max(frameAt, livewall.gate.okAt) : frameAt;
    return (Date.parse(frame.now) - record.asOf + performance.now() - since) / 1000;
  }

  function face(record) {
    let name = record.broken ? "error" : record.face;
    const tooOld = frame.live && record.staleAfter && record.asOf && age(record) > record.staleAfter;
    if (name === "fresh" && tooOld) name = "stale";
    if (record.section.dataset.face !== name) record.section.dataset.face = name;
    const note = record.section.querySelector(".tile-note");
    const when = record.asOf ? livewall.t("shell.face.as_of", { time: livewall.clock.time(new Date(record.asOf)) }) : "";
    if (name === "error") {
      put(note, [livewall.t("shell.face.error"), when].filter(Boolean).join(" · "));
      note.title = record.error || "";
    } else {
      put(note, name === "stale" ? when : "");
      note.title = "";
    }
  }

  // The whole frame that came, or made of the one that is here and what changed; throws when that does not fit.
  function whole(text, key) {
    const came = JSON.parse(text);
    if (came.patch === undefined) return came;
    const mine = frame && frame.version === came.from && frame.as_of === came.as_of && frameKey === key;
    if (!mine) throw new Error("changes of a frame that is not here");
    return { ...livewall.patched(frame, came.patch), now: came.now };
  }

  function fan(text, redraw = false) {
    const key = (livewall.gate.answered || {}).key || "";
    const fresh = redraw ? frame : whole(text, key);
    frame = fresh;
    if (!redraw) {
      frameAt = performance.now();
      frameKey = key;
      livewall.clock.set(fresh.now);
      livewall.gate.shown = { version: fresh.version, key };
    }
    const board = livewall.scope.board();
    for (const main of document.querySelectorAll("[data-board]")) main.hidden = main.dataset.board !== board;
    livewall.emit("frame", fresh);
    for (const [name, part] of Object.entries(fresh.tiles)) {
      const record = tile(fresh.board, name);
      if (record) spread(record, part, redraw);
    }
  }

  livewall.on("second", () => {
    if (frame) for (const record of tiles.values()) face(record);
  });
  livewall.on("screen", (name) => {
    // colours of charts are read from the tokens when they are drawn
    if (frame && (name === "theme" || name === "updown")) fan(null, true);
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.livewall = {
    ...window.dash_clientside.livewall,
    fan(text) {
      if (text) {
        try {
          fan(text);
        } catch (problem) {
          console.warn("livewall: a frame could not be read:", problem);
          livewall.gate.shown = { version: "", key: "" }; // the next question asks for the whole
        }
      }
      return window.dash_clientside.no_update;
    },
  };
})();
