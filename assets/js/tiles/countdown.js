// The clock of a sale: counts every second on the server's clock; what a frame brings are moments, never seconds.
(function () {
  "use strict";
  const livewall = window.livewall;
  const { dom } = livewall;
  const bodies = new Set();

  const two = (number) => String(number).padStart(2, "0");

  function beat(body) {
    const { payload } = body;
    const now = payload.at ? new Date(payload.at) : livewall.clock.now();
    if (!now) return;
    const [start, end] = [Date.parse(payload.start), Date.parse(payload.end)];
    const running = now >= start && now < end;
    const target = now < start ? start : end;
    const left = Math.max(0, Math.floor((target - now) / 1000));
    const days = Math.floor(left / 86400);
    const { words } = payload;
    dom.text(body.label, now >= end ? words.over : running ? words.ends : words.begins);
    dom.text(body.days, days ? words.days.replace("{count}", days) : "");
    dom.text(body.digits, `${two(Math.floor(left / 3600) % 24)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`);
    dom.hide(body.track, !running);
    dom.hide(body.ran, !running);
    if (!running) return;
    const ran = Math.floor((now - start) / 1000);
    dom.text(body.ran, words.runs.replace("{time}", `${Math.floor(ran / 3600)}:${two(Math.floor(ran / 60) % 60)}:${two(ran % 60)}`));
    dom.style(body.bar, "transform", `scaleX(${((now - start) / (end - start)).toFixed(4)})`);
  }

  livewall.kind("countdown", {
    mount(body) {
      const line = dom.make("div", "countdown-line", body);
      const what = dom.make("div", "countdown-what", line);
      body.name = dom.make("b", "countdown-name", what);
      body.label = dom.make("span", "countdown-label", what);
      body.days = dom.make("span", "countdown-days", line);
      body.digits = dom.make("span", "countdown-digits number", line);
      body.sum = dom.make("div", "countdown-sum", line);
      body.number = dom.number("countdown-value", body.sum);
      body.moved = dom.change("", body.sum);
      body.note = dom.make("span", "countdown-note", body.sum);
      const foot = dom.make("div", "countdown-foot", body);
      body.when = dom.make("span", "", foot);
      body.ran = dom.make("span", "", foot);
      body.track = dom.make("div", "countdown-track", body);
      body.bar = dom.make("i", "", body.track);
    },
    update(body, payload) {
      if (!payload.start) return;
      body.payload = payload;
      bodies.add(body);
      dom.text(body.name, payload.name);
      dom.text(body.when, payload.when);
      dom.hide(body.sum, !payload.value);
      if (payload.value) dom.setNumber(body.number, payload.value);
      dom.setChange(body.moved, payload.change);
      dom.text(body.note, payload.note);
      beat(body);
    },
  });

  livewall.on("second", () => {
    for (const body of bodies) {
      if (body.isConnected) beat(body);
      else bodies.delete(body);
    }
  });
})();
