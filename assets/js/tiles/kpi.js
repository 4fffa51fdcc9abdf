// A key figure: number, change, sparkline.
(function () {
  "use strict";
  const { dom } = window.livewall;

  window.livewall.kind("kpi", {
    mount(body) {
      body.number = dom.number("kpi-number", body);
      body.spark = dom.sparkline(body);
      body.changes = dom.make("div", "kpi-changes", body);
    },
    update(body, payload) {
      if (!payload.value) return;
      dom.setNumber(body.number, payload.value);
      dom.setSparkline(body.spark, payload.spark);
      dom.keyed(
        body.changes,
        payload.changes,
        (change) => change.against,
        () => {
          const box = dom.make("span", "kpi-change");
          box.moved = dom.change("", box);
          box.words = dom.make("span", "against", box);
          return box;
        },
        (box, change) => {
          dom.setChange(box.moved, change);
          dom.text(box.words, change.short);
        },
      );
    },
  });
})();
