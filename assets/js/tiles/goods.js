// Goods that sell: a table whose rows are filters.
(function () {
  "use strict";
  const { dom } = window.livewall;

  window.livewall.kind("goods", {
    mount(body) {
      body.table = dom.table(body);
    },
    update(body, payload) {
      if (payload.rows) body.table.set(payload);
    },
  });
})();
