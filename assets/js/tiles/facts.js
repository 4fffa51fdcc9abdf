// Facts about the data: a line each; only what changed is written.
(function () {
  "use strict";
  const { dom } = window.livewall;

  function create() {
    const row = dom.make("div", "fact-row");
    row.label = dom.make("span", "fact-label", row);
    row.spark = dom.sparkline(row);
    row.value = dom.make("b", "fact-value", row);
    return row;
  }

  window.livewall.kind("facts", {
    mount(body) {
      body.rows = dom.make("div", "fact-rows", body);
    },
    update(body, payload) {
      if (!payload.rows) return;
      dom.style(body.rows, "--rows", String(Math.max(payload.rows.length, 2)));
      dom.keyed(
        body.rows,
        payload.rows,
        (fact) => fact.key,
        create,
        (row, fact) => {
          dom.attr(row, "data-tone", fact.tone || null);
          dom.text(row.label, fact.label);
          dom.attr(row.label, "title", fact.label);
          dom.text(row.value, fact.value);
          dom.setSparkline(row.spark, fact.spark);
        },
      );
    },
  });
})();
