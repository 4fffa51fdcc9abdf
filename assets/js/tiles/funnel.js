// The funnel: a bar per step (log scale), its count, the conversion into it and how that moved; steps can be clicked.
(function () {
  "use strict";
  const { dom } = window.livewall;

  function create() {
    const row = dom.make("div", "funnel-step");
    row.label = dom.make("span", "funnel-label", row);
    const track = dom.make("span", "funnel-track", row);
    row.bar = dom.make("i", "funnel-bar", track);
    row.worst = dom.make("span", "funnel-worst", track);
    row.number = dom.number("funnel-value", row);
    row.rate = dom.make("span", "funnel-rate", row);
    row.moved = dom.change("funnel-change", row);
    return row;
  }

  window.livewall.kind("funnel", {
    mount(body) {
      body.rows = dom.make("div", "funnel-rows", body);
    },
    update(body, payload) {
      if (!payload.steps) return;
      const focused = payload.steps.some((step) => step.selected);
      dom.keyed(
        body.rows,
        payload.steps,
        (step) => step.code,
        create,
        (row, step) => {
          dom.pick(row, "step", step.code, step.selected, focused);
          dom.text(row.label, step.label);
          dom.style(row.bar, "transform", `scaleX(${step.width})`);
          dom.setNumber(row.number, step.value);
          dom.text(row.rate, step.rate);
          dom.setChange(row.moved, step.change);
          dom.attr(row, "data-worst", step.worst ? "" : null);
          dom.text(row.worst, step.worst ? payload.worst : "");
          dom.attr(row, "title", step.reason);
        },
      );
    },
  });
})();
