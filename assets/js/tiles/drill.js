// Regions rung by rung: the path down as buttons, and a table whose rows open the next rung.
(function () {
  "use strict";
  const livewall = window.livewall;
  const { dom } = livewall;

  livewall.kind("drill", {
    mount(body) {
      body.path = dom.make("nav", "drill-path", body);
      body.table = dom.table(body);
    },
    update(body, payload) {
      const held = body.contains(document.activeElement);
      dom.keyed(
        body.path,
        payload.path || [],
        (step) => step.key,
        () => {
          const button = dom.make("button", "drill-step");
          button.type = "button";
          // going up lets go of what lies below and keeps the rest of the scope
          button.addEventListener("click", () => {
            const cleared = Object.fromEntries(button.step.clear.map((name) => [name, ""]));
            livewall.scope.set({ ...cleared, ...button.step.keep });
          });
          return button;
        },
        (button, step, index) => {
          button.step = step;
          dom.text(button, step.label);
          dom.attr(button, "aria-current", index === payload.path.length - 1 ? "location" : null);
        },
      );
      if (payload.rows) body.table.set(payload);
      // Whose row or step is gone goes on from where the way down ends, and not from the top of the page.
      const lost = held && !body.contains(document.activeElement);
      if (lost && body.path.lastElementChild) body.path.lastElementChild.focus({ preventScroll: true });
    },
  });
})();
