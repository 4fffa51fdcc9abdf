// Tables of tiles: a head, rows that stay the same elements, cells by the kind of their column (layouts/table.py).
(function () {
  "use strict";
  const { dom } = window.livewall;
  const NOT_LATIN = /(?!\p{Script=Latin})\p{L}/u; // a letter of another script

  const cells = {
    label(parent) {
      const box = dom.make("span", "cell cell-label", parent);
      box.name = dom.make("span", "cell-name", box);
      box.note = dom.make("span", "cell-note", box);
      return [box, (value) => {
        dom.text(box.name, value.text);
        dom.attr(box.name, "title", value.text);
        dom.attr(box.name, "data-latin", NOT_LATIN.test(value.text) ? null : ""); // an article number
        dom.text(box.note, value.note);
        dom.hide(box.note, !value.note);
      }];
    },
    number(parent) {
      const box = dom.number("cell cell-number", parent);
      return [box, (value) => dom.setNumber(box, value)];
    },
    text(parent) {
      const box = dom.make("span", "cell cell-text", parent);
      return [box, (value) => dom.text(box, value)];
    },
    change(parent) {
      const box = dom.change("cell cell-change", parent);
      return [box, (value) => dom.setChange(box, value)];
    },
    rate(parent) {
      const box = dom.make("span", "cell cell-rate", parent);
      box.words = dom.make("span", "cell-text", box);
      box.moved = dom.change("", box);
      return [box, (value) => {
        dom.text(box.words, value.text);
        dom.setChange(box.moved, value.change);
        dom.attr(box, "data-tone", value.tone || null);
      }];
    },
    bar(parent) {
      const box = dom.make("span", "cell cell-bar", parent);
      const track = dom.make("span", "cell-track", box);
      box.bar = dom.make("i", "", track);
      box.words = dom.make("span", "cell-text", box);
      return [box, (value) => {
        dom.hide(track, value.part === null);
        dom.style(box.bar, "transform", `scaleX(${value.part || 0})`);
        dom.text(box.words, value.text);
        dom.attr(box, "data-tone", value.tone || null);
      }];
    },
  };

  dom.table = (parent) => {
    const box = dom.make("div", "table", parent);
    box.head = dom.make("div", "table-row table-head", box);
    box.rows = dom.make("div", "table-rows", box);
    box.set = (payload) => {
      const shape = payload.columns.map((column) => `${column.key}:${column.kind}`).join(" ");
      if (box.shape !== shape) {
        // other columns are another table
        box.shape = shape;
        dom.keyed(box.rows, [], (row) => row.key, () => null, () => {});
      }
      dom.style(box, "--tracks", payload.columns.map((column) => column.width).join(" "));
      const narrow = payload.columns.filter((column) => !column.wide);
      dom.style(box, "--narrow-tracks", narrow.map((column) => column.narrow || column.width).join(" "));
      dom.style(box, "--rows", payload.shown);
      dom.keyed(
        box.head,
        payload.columns,
        (column) => `${column.key}:${column.kind}`,
        (column) => dom.make("span", `cell-head cell-head-${column.kind}`),
        (cell, column) => {
          dom.text(cell, column.label);
          dom.attr(cell, "data-wide", column.wide ? "" : null);
          dom.attr(cell, "title", column.label);
          dom.attr(cell, "data-short", column.short || null);
        },
      );
      dom.keyed(
        box.rows,
        payload.rows,
        (row) => row.key,
        () => {
          const line = dom.make("div", "table-row table-line");
          line.write = payload.columns.map((column) => {
            const [cell, write] = cells[column.kind](line);
            dom.attr(cell, "data-wide", column.wide ? "" : null);
            return [column.key, write];
          });
          return line;
        },
        (line, row) => {
          dom.pick(line, payload.dimension, row.code, row.selected, payload.any_selected);
          for (const [key, write] of line.write) write(row.cells[key]);
        },
      );
    };
    return box;
  };
})();
