// Funnels side by side: the break point as a sentence, and a table of conversions whose rows are filters.
(function () {
  "use strict";
  const { dom } = window.livewall;

  window.livewall.kind("funnel_by", {
    mount(body) {
      body.note = dom.make("p", "funnel-by-note", body);
      body.table = dom.table(body);
    },
    update(body, payload) {
      if (!payload.rows) return;
      dom.text(body.note, payload.note);
      body.table.set(payload);
    },
  });
})();
