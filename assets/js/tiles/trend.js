// The day's course: cumulative or per bucket, today over yesterday, one hover for both, a line where the day stands.
(function () {
  "use strict";
  const livewall = window.livewall;
  const { dom } = livewall;

  const sums = (values) => {
    let total = 0;
    return values.map((value) => (total += value || 0));
  };

  // What is drawn in a mode: today's and yesterday's values, and how they are written.
  function view(payload, mode) {
    if (!payload.adds) return { current: payload.current, before: payload.before, scale: payload.scale };
    if (mode === "cumulative") {
      return { current: sums(payload.current), before: sums(payload.before), scale: payload.scale };
    }
    const rate = (value) => (value === null ? null : value / payload.bucket);
    const complete = payload.current.slice(0, Math.floor(payload.now)); // the running bucket would look like a fall
    const scale = { ...payload.scale, tail: payload.words.per_minute };
    return { current: complete.map(rate), before: payload.before.map(rate), scale };
  }

  function axis(values, scale) {
    const top = Math.max(1e-9, ...values.filter((value) => value !== null));
    const raw = top / 4;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
    const ticks = [];
    for (let tick = 0; tick <= top * 1.001; tick += step) ticks.push(tick);
    const bare = { ...scale, prefix: "", tail: "" };
    const short = (tick) => livewall.write(tick, bare).replace(/\.?0+(?=\D*$)/, (zeros) => (zeros.startsWith(".") ? "" : zeros));
    const texts = ticks.map((tick) => (tick ? short(tick) : ""));
    // of nothing but zeros there is no scale: every mark would say 0
    return { top: top * 1.06, ticks, texts: values.some((value) => value) ? texts : texts.map(() => "") };
  }

  function figure(payload, mode, env) {
    const { current, before, scale } = view(payload, mode);
    const cumulative = payload.adds && mode === "cumulative";
    // A total stands at the end of its bucket, a pace in its middle.
    const at = (index) => index + (cumulative ? 1 : 0.5);
    // Today's running bucket ends where the day stands.
    const place = (index, values) => (values === current ? Math.min(at(index), payload.now) : at(index));
    const y = axis([...current, ...before], scale);
    const ink = env.token("--ink-3");
    const trace = (name, values, x, line, extra) => ({
      type: "scatter",
      mode: "lines",
      name,
      x,
      y: values,
      hoverinfo: "none",
      line: { shape: cumulative ? "linear" : "spline", smoothing: 0.4, ...line },
      ...extra,
    });
    const size = env.rem() * 1.6;
    // A total begins at nothing; a pace begins with its first bucket.
    const from = cumulative ? [0] : [];
    const stretch = (name, values, line, extra) =>
      trace(name, [...from, ...values], [...from, ...values.map((_, index) => place(index, values))], line, extra);
    return {
      data: [
        stretch("before", before, { color: env.token("--ink-3"), width: env.rem() * 0.2 }),
        stretch(
          "current",
          current,
          { color: env.token("--accent"), width: env.rem() * 0.3 },
          { fill: "tozeroy", fillcolor: `${env.token("--accent")}1f` },
        ),
      ],
      layout: {
        margin: { l: size * 3.6, r: size * 0.8, t: size * 0.4, b: size * 1.6 },
        showlegend: false,
        plot_bgcolor: env.token("--panel"), // what the spike is drawn against
        hovermode: "x",
        xaxis: {
          range: [0, payload.before.length],
          fixedrange: true,
          showgrid: false,
          zeroline: false,
          tickvals: payload.ticks,
          ticktext: payload.ticks.map((tick) => payload.times[tick]),
          tickfont: { size, color: ink, family: env.token("--font-number") },
          showspikes: true,
          spikemode: "across",
          spikesnap: "data",
          spikecolor: ink,
          spikethickness: 1,
          spikedash: "dot",
        },
        yaxis: {
          range: [0, y.top],
          fixedrange: true,
          zeroline: false,
          gridcolor: env.token("--line"),
          tickvals: y.ticks,
          ticktext: y.texts,
          tickfont: { size, color: ink, family: env.token("--font-number") },
        },
        shapes: payload.now < payload.before.length
          ? [{ type: "line", x0: payload.now, x1: payload.now, y0: 0, y1: 1, yref: "paper", line: { color: ink, width: 1, dash: "dot" } }]
          : [],
        uirevision: "trend",
      },
    };
  }

  function follow(body) {
    if (!body.chart.on || body.following === body.chart.on) return;
    body.following = body.chart.on; // another one once a failed chart was begun anew
    body.chart.on("plotly_hover", (event) => card(body, event));
    body.chart.on("plotly_unhover", () => (body.card.hidden = true));
  }

  // One card for both days: the bucket under the pointer.
  function card(body, event) {
    const { payload } = body;
    const { current, before, scale } = view(payload, body.modes.value);
    const cumulative = payload.adds && body.modes.value === "cumulative";
    const index = Math.max(0, Math.min(Math.ceil(event.points[0].x) - 1, payload.before.length - 1));
    const rows = [
      { key: "current", label: payload.words.current, text: livewall.write(current[index], scale) },
      { key: "before", label: payload.words.before, text: livewall.write(before[index], scale) },
    ];
    const edge = payload.times[index + 1];
    body.card.fill(cumulative ? edge : `${payload.times[index]}–${edge}`, rows);
    body.card.place(event.event);
  }

  livewall.kind("trend", {
    mount(body, env) {
      const bar = dom.make("div", "tile-bar", body);
      const legend = dom.make("div", "legend", bar);
      body.keys = ["current", "before"].map((name) => {
        const key = dom.make("span", `legend-key legend-${name}`, legend);
        return [name, dom.make("span", "", key)];
      });
      body.bucket = dom.make("span", "legend-note", legend);
      body.chart = dom.make("div", "chart", body);
      body.card = dom.hoverCard(body);
      body.modes = dom.segments(bar, "trend.mode", () => body.draw());
      body.draw = () => {
        const cumulative = body.modes.value === "cumulative" && body.payload.adds;
        dom.text(body.bucket, cumulative ? "" : body.payload.words.bucket);
        livewall.plot(body.chart, figure(body.payload, body.modes.value, env)).then(() => follow(body));
      };
    },
    update(body, payload) {
      if (!payload.current) return;
      body.payload = payload;
      for (const [name, element] of body.keys) dom.text(element, payload.words[name]);
      dom.hide(body.modes, !payload.adds);
      const choices = ["cumulative", "rate"].map((code) => ({ code, label: payload.words[code] }));
      body.modes.set(choices, payload.mode);
      body.draw();
    },
  });
})();
