// The live order ticker: new orders come in at the top, old ones leave at the bottom.
(function () {
  "use strict";
  const { dom } = window.livewall;

  function create(fresh) {
    const row = dom.make("div", fresh ? "order-row order-fresh" : "order-row");
    row.where = dom.make("span", "order-where", row);
    row.number = dom.number("order-amount", row);
    row.what = dom.make("span", "order-what", row);
    row.time = dom.make("time", "order-time", row);
    return row;
  }

  window.livewall.kind("orders", {
    mount(body) {
      body.rows = dom.make("div", "order-rows", body);
    },
    update(body, payload) {
      if (!payload.rows) return;
      dom.style(body.rows, "--rows", payload.shown);
      dom.keyed(
        body.rows,
        payload.rows,
        (order) => order.key,
        () => create(body.filled), // the first ones were there before we looked
        (row, order) => {
          dom.text(row.where, order.where);
          dom.setNumber(row.number, order.amount);
          dom.text(row.what, [order.category, order.channel].filter(Boolean).join(" · "));
          dom.attr(row.what, "title", [order.category, order.channel].filter(Boolean).join(" · "));
          dom.text(row.time, order.time);
        },
      );
      body.filled = true;
    },
  });
})();
