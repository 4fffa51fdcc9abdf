// A whole and its parts: one stacked bar, the coarser level as buttons above, the parts as a list below.
(function () {
  "use strict";
  const { dom } = window.livewall;
  const COLOURS = 8;

  function createItem() {
    const row = dom.make("div", "split-row");
    row.mark = dom.make("i", "split-mark", row);
    row.label = dom.make("span", "split-label", row);
    row.number = dom.number("split-value", row);
    row.share = dom.make("span", "split-share", row);
    row.moved = dom.change("split-change", row);
    return row;
  }

  window.livewall.kind("split", {
    mount(body) {
      body.bar = dom.make("div", "split-bar", body);
      body.groups = dom.make("div", "split-groups", body);
      body.rows = dom.make("div", "split-rows", body);
    },
    update(body, payload) {
      if (!payload.items) return;
      const colour = (item) => `var(--cat-${item.colour % COLOURS})`;
      const pick = (element, item) =>
        dom.pick(element, payload.dimension, item.code, item.selected, payload.any_selected);
      dom.keyed(
        body.bar,
        payload.items,
        (item) => item.code,
        () => dom.make("i", "split-part"),
        (part, item) => {
          pick(part, item);
          dom.attr(part, "aria-label", item.label);
          dom.style(part, "flex-grow", item.part);
          dom.style(part, "background-color", colour(item));
        },
      );
      dom.hide(body.groups, payload.groups.length < 2);
      dom.keyed(
        body.groups,
        payload.groups,
        (group) => group.code,
        () => {
          const chip = dom.make("span", "pick-chip");
          chip.label = dom.make("span", "", chip);
          chip.share = dom.make("b", "", chip);
          return chip;
        },
        (chip, group) => {
          dom.pick(chip, group.dimension, group.code, group.selected, false);
          dom.text(chip.label, group.label);
          dom.text(chip.share, group.share);
        },
      );
      dom.keyed(
        body.rows,
        payload.items,
        (item) => item.code,
        createItem,
        (row, item) => {
          pick(row, item);
          dom.style(row.mark, "background-color", colour(item));
          dom.text(row.label, item.label);
          dom.setNumber(row.number, item.value);
          dom.text(row.share, item.share);
          dom.setChange(row.moved, item.change);
        },
      );
    },
  });
})();
