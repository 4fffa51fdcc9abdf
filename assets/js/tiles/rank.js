// A ranking: name and value, below them place, movement, bar and change; rows are filters.
(function () {
  "use strict";
  const { dom } = window.livewall;

  function create() {
    const row = dom.make("div", "rank-row");
    row.label = dom.make("span", "rank-label", row);
    row.number = dom.number("rank-value", row);
    const place = dom.make("span", "rank-place", row);
    row.place = dom.make("span", "", place);
    row.moved = dom.make("span", "rank-moved", place);
    const track = dom.make("span", "rank-track", row);
    row.bar = dom.make("i", "rank-bar", track);
    row.change = dom.change("rank-change", row);
    return row;
  }

  function movement(row, entry, words) {
    const up = entry.moved > 0;
    const text = entry.moved === null ? words.new : entry.moved ? `${up ? "▲" : "▼"}${Math.abs(entry.moved)}` : "";
    dom.text(row.moved, text);
    dom.attr(row.moved, "data-moved", entry.moved === null ? "new" : entry.moved ? (up ? "up" : "down") : "same");
  }

  window.livewall.kind("rank", {
    mount(body) {
      body.rows = dom.make("div", "rank-rows", body);
    },
    update(body, payload) {
      if (!payload.rows) return;
      dom.style(body.rows, "--rows", payload.shown);
      dom.keyed(
        body.rows,
        payload.rows,
        (entry) => entry.code,
        create,
        (row, entry) => {
          dom.pick(row, payload.dimension, entry.code, entry.selected, payload.any_selected);
          dom.text(row.place, String(entry.place));
          dom.text(row.label, entry.label);
          dom.attr(row.label, "title", entry.label);
          dom.setNumber(row.number, entry.value);
          dom.setChange(row.change, entry.change);
          dom.style(row.bar, "transform", `scaleX(${entry.part})`);
          movement(row, entry, payload);
        },
      );
    },
  });
})();
