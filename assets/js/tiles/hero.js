// The hero number: digits that roll, two changes, a goal bar.
(function () {
  "use strict";
  const { dom, roll } = window.livewall;

  window.livewall.kind("hero", {
    mount(body) {
      const line = dom.make("div", "hero-line", body);
      body.currency = dom.make("span", "hero-prefix", line);
      body.digits = dom.make("span", "hero-digits", line);
      body.changes = dom.make("div", "hero-changes", body);
      body.goal = dom.make("div", "hero-goal", body);
      const bar = dom.make("div", "hero-goal-bar", body.goal);
      body.goalFill = dom.make("i", "", bar);
      body.goalText = dom.make("span", "hero-goal-text", body.goal);
    },
    update(body, payload) {
      if (!payload.value) return;
      dom.text(body.currency, payload.value.sign + payload.value.prefix);
      roll(body.digits, payload.value.number);
      dom.attr(body.digits, "title", payload.compact);
      dom.keyed(
        body.changes,
        payload.changes,
        (change) => change.against,
        () => {
          const box = dom.make("span", "hero-change");
          box.moved = dom.change("", box);
          box.words = dom.make("span", "against", box);
          return box;
        },
        (box, change) => {
          dom.text(box.words, change.against);
          dom.setChange(box.moved, change);
        },
      );
      dom.hide(body.goal, !payload.goal);
      if (payload.goal) {
        dom.style(body.goalFill, "transform", `scaleX(${payload.goal.part})`);
        dom.attr(body.goal, "data-reached", payload.goal.reached ? "" : null);
        dom.text(body.goalText, payload.goal.text);
      }
    },
  });
})();
