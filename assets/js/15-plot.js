// Draws Plotly figures so that one failed render never kills the tile (dcc.Graph stays dead after one).
(function () {
  "use strict";
  const livewall = window.livewall;
  const PATIENCE = 15000; // ms until a render that never ends is given up
  const RETRY = [3000, 10000, 30000]; // ms between tries of a figure that failed, e.g. while its map cannot be fetched
  const charts = new WeakMap();

  // plotly.min.js is loaded with `defer`: it may come after the first frame.
  let ready = null;
  function plotly() {
    ready =
      ready ||
      new Promise((resolve) => {
        const look = () => (window.Plotly ? resolve(window.Plotly) : setTimeout(look, 100));
        look();
      });
    return ready;
  }

  function within(promise, ms) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the chart did not finish")), ms);
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  function checked(figure) {
    const sound =
      figure && Array.isArray(figure.data) && figure.data.every((trace) => trace && typeof trace === "object");
    if (!sound) throw new Error("this is not a figure");
    const { env } = livewall;
    const layout = figure.layout || {};
    const font = { family: env.token("--font-text"), size: 1.4 * env.rem(), color: env.token("--ink-2") };
    return {
      data: figure.data,
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        ...layout,
        autosize: true,
        font: { ...font, ...layout.font },
      },
      config: { displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false, ...figure.config },
    };
  }

  // Maps are put where Plotly looks before it fetches one: its own request ends in an uncaught error when the server is
  // away, and is asked anew by every chart that wants the same map.
  const maps = new Map(); // url -> promise
  function fetchMap(url) {
    if (!maps.has(url)) {
      const fetched = fetch(url).then(async (answer) => {
        if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
        window.PlotlyGeoAssets[url] = await answer.json();
      });
      fetched.catch(() => maps.delete(url)); // the next try asks again
      maps.set(url, fetched);
    }
    return maps.get(url);
  }

  function fetchMaps(data) {
    const urls = new Set(data.map((trace) => trace.geojson).filter((geojson) => typeof geojson === "string"));
    return Promise.all([...urls].map(fetchMap));
  }

  async function draw(element, chart) {
    const Plotly = await plotly();
    while (chart.wanted) {
      const { figure } = chart.wanted;
      chart.wanted = null; // a newer figure that comes meanwhile replaces the ones between
      try {
        const made = typeof figure === "function" ? await within(figure(), PATIENCE) : figure;
        if (made && made.fit) made.fit(made.layout, element.clientWidth, element.clientHeight);
        const { data, layout, config } = checked(made);
        await within(fetchMaps(data), PATIENCE);
        await within(Promise.resolve(Plotly.react(element, data, layout, config)), PATIENCE);
        if (!chart.wired && chart.onClick) {
          element.on("plotly_click", (event) => chart.onClick(event.points[0], event));
          chart.wired = true;
        }
        chart.failures = 0;
        element.removeAttribute("data-failed");
        if (chart.gone) Plotly.purge(element); // its board was left while it was being drawn
        else livewall.emit("drawn", { element });
      } catch (problem) {
        if (!chart.gone) failed(element, chart, figure, problem, Plotly);
      }
    }
    chart.busy = null; // in the same step as the last look at `wanted`: nothing falls between
  }

  function failed(element, chart, figure, problem, Plotly) {
    console.warn("livewall: a chart could not be drawn:", problem);
    element.dataset.failed = String(problem && problem.message);
    try {
      Plotly.purge(element); // forget the broken state, so that the next figure starts fresh
    } catch {
      element.replaceChildren();
    }
    livewall.emit("undrawn", { element, problem, first: chart.failures === 0 }); // its tile says so
    chart.wired = false;
    clearTimeout(chart.retry);
    const pause = RETRY[Math.min(chart.failures, RETRY.length - 1)];
    chart.failures += 1;
    chart.retry = setTimeout(() => {
      if (element.isConnected && chart.last === figure) livewall.plot(element, figure);
    }, pause);
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const chart = charts.get(target);
      const size = `${Math.round(contentRect.width)}x${Math.round(contentRect.height)}`;
      if (!chart || chart.size === size) continue;
      const first = chart.size === undefined;
      chart.size = size;
      if (first) continue;
      clearTimeout(chart.sizing);
      chart.sizing = setTimeout(() => livewall.plot(target, chart.last), 150); // fonts follow the size too
    }
  });

  // Forget the chart in `element` and all it holds: its board is not shown any more.
  livewall.unplot = (element) => {
    const chart = charts.get(element);
    if (!chart) return;
    charts.delete(element);
    sizes.unobserve(element);
    clearTimeout(chart.retry);
    clearTimeout(chart.sizing);
    Object.assign(chart, { gone: true, wanted: null, last: null, onClick: null });
    if (window.Plotly) window.Plotly.purge(element);
  };

  // Draw `figure` ({data, layout, config}: plain values; `fit(layout, width, height)` where the layout depends on the
  // size) in `element`, or the one that the function `figure` promises: what goes wrong while it is made is the chart's
  // trouble too, and it is made anew when it is tried again. `onClick(point, event)` is kept from the first call.
  // Figures that come while one is being drawn are skipped except the newest. The promise never rejects.
  livewall.plot = (element, figure, onClick) => {
    let chart = charts.get(element);
    if (!chart) {
      chart = { wanted: null, last: null, busy: null, onClick: null, wired: false, failures: 0 };
      charts.set(element, chart);
      sizes.observe(element);
    }
    if (onClick) chart.onClick = onClick;
    chart.last = figure;
    chart.wanted = { figure };
    chart.busy = chart.busy || draw(element, chart);
    return chart.busy;
  };
})();
