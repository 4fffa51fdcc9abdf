// Live rooms on air: a table whose rows are filters.
(function () {
  "use strict";
  const { dom } = window.livewall;

  window.livewall.kind("rooms", {
    mount(body) {
      body.table = dom.table(body);
    },
    update(body, payload) {
      if (payload.rows) body.table.set(payload);
    },
  });
})();
