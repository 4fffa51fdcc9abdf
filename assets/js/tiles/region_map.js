// The map: one Plotly geo choropleth in colour classes (redrawn only when a class or the selection changed), an inset,
// a hover card with the newest numbers, large regions as buttons.
(function () {
  "use strict";
  const livewall = window.livewall;
  const { dom } = livewall;
  // Told apart without red and green: a fall is blue, a rise orange, whatever colours the texts use for up and down.
  const PALETTES = {
    sequential: ["--seq-1", "--seq-2", "--seq-3", "--seq-4", "--seq-5"],
    diverging: ["--div-low-2", "--div-low-1", "--div-mid", "--div-high-1", "--div-high-2"],
  };
  const MODES = ["value", "change", "conversion"];
  const PATIENCE = 10000; // ms until a line file is given up
  const lines = new Map(); // name -> promise of {lon, lat}

  // The dashes of the South China Sea: a line file, fetched once, as one trace with gaps.
  function fetchLine(name) {
    if (!lines.has(name)) {
      const fetched = fetch(`/assets/maps/${name}.geojson`, { signal: AbortSignal.timeout(PATIENCE) })
        .then((answer) => answer.json())
        .then((file) => {
          const parts = file.features.flatMap(({ geometry }) =>
            geometry.type === "MultiLineString" ? geometry.coordinates : [geometry.coordinates],
          );
          return {
            lon: parts.flatMap((part) => [...part.map(([lon]) => lon), null]),
            lat: parts.flatMap((part) => [...part.map(([, lat]) => lat), null]),
          };
        });
      fetched.catch(() => lines.delete(name)); // the next update tries again
      lines.set(name, fetched);
    }
    return lines.get(name);
  }

  function colours(mode, env) {
    return PALETTES[mode === "change" ? "diverging" : "sequential"].map((name) => env.token(name));
  }

  // A stepped colour scale: class 0 … n-1 each with its own flat colour.
  function steps(palette) {
    return palette.flatMap((colour, index) => [
      [index / palette.length, colour],
      [(index + 1) / palette.length, colour],
    ]);
  }

  function layer(payload, mode, env, geo) {
    const place = MODES.indexOf(mode);
    const some = payload.regions.filter((region) => region.classes[place] >= 0);
    const none = payload.regions.filter((region) => region.classes[place] < 0);
    const palette = colours(mode, env);
    const chosen = (regions) => regions.map((region, index) => (region.selected ? index : -1)).filter((index) => index >= 0);
    const base = {
      type: "choropleth",
      geojson: `/assets/maps/${payload.frame.map}.geojson`,
      locationmode: "geojson-id",
      geo,
      showscale: false,
      hoverinfo: "none",
      marker: { line: { color: env.token("--map-edge"), width: env.rem() * 0.08 } },
      selected: { marker: { opacity: 1 } },
      unselected: { marker: { opacity: 0.3 } },
    };
    const filled = (regions, z, scale, zmax) => ({
      ...base,
      locations: regions.map((region) => region.code),
      customdata: regions.map((region) => region.code),
      z,
      zmin: 0,
      zmax,
      colorscale: scale,
      selectedpoints: payload.any_selected ? chosen(regions) : null,
    });
    const empty = env.token("--map-empty");
    return [
      filled(none, none.map(() => 0), [[0, empty], [1, empty]], 1),
      filled(some, some.map((region) => region.classes[place] + 0.5), steps(palette), palette.length),
      outline(payload, geo, base, env),
    ];
  }

  // Selected regions once more, with nothing but their border, on top of all neighbours.
  function outline(payload, geo, base, env) {
    const chosen = payload.regions.filter((region) => region.selected).map((region) => region.code);
    const clear = "rgba(0,0,0,0)";
    return {
      ...base,
      locations: chosen,
      customdata: chosen,
      z: chosen.map(() => 0),
      colorscale: [[0, clear], [1, clear]],
      marker: { line: { color: env.token("--ink"), width: env.rem() * 0.22 } },
      visible: chosen.length > 0,
    };
  }

  function geoOf(frame, domain, env) {
    return {
      domain,
      bgcolor: "rgba(0,0,0,0)",
      visible: false,
      showframe: false,
      projection: frame.projection || { type: "mercator" },
      ...(frame.lon ? { lonaxis: { range: frame.lon }, lataxis: { range: frame.lat } } : { fitbounds: "locations" }),
      ...(env ? { showframe: true, framecolor: env.token("--line"), framewidth: 1, visible: true, showland: false, showcoastlines: false } : {}),
    };
  }

  const INSET = { width: 0.17, height: 0.4 }; // the largest part of the stage that the inset takes
  const LABEL = 2.4; // rem under the inset, for its name

  // The inset stands in the lower right corner in its own shape, its name right under it: on a stage of any shape.
  function corner(frame, body, env) {
    const ratio = frame.inset.ratio || 1;
    return (layout, width, height) => {
      if (!width || !height) return;
      const below = (LABEL * env.rem()) / height;
      const wide = Math.min(INSET.width * width, INSET.height * height * ratio);
      layout.geo2.domain = { x: [1 - wide / width, 1], y: [below, below + wide / ratio / height] };
      dom.style(body.inset, "min-width", `${Math.max(wide, 7 * env.rem())}px`);
    };
  }

  async function figure(body, payload, mode, env) {
    const { frame } = payload;
    const data = layer(payload, mode, env, "geo");
    const layout = {
      margin: { l: 0, r: 0, t: 0, b: 0 },
      dragmode: false,
      geo: geoOf(frame, { x: [0, 1], y: [0, 1] }, null),
      uirevision: "map",
    };
    if (frame.inset) {
      data.push(...layer(payload, mode, env, "geo2"));
      layout.geo2 = geoOf(frame.inset, { x: [0.85, 1], y: [0.055, 0.42] }, env);
      const line = await fetchLine(frame.inset.line).catch(() => null);
      body.lineless = !line;
      if (line) {
        data.push({
          type: "scattergeo",
          geo: "geo2",
          mode: "lines",
          hoverinfo: "skip",
          ...line,
          line: { color: env.token("--ink-3"), width: env.rem() * 0.16 },
        });
      }
    }
    return frame.inset ? { data, layout, fit: corner(frame, body, env) } : { data, layout };
  }

  function card(body, code) {
    const { payload } = body;
    const region = payload.regions.find((entry) => entry.code === code);
    if (!region) return;
    const rows = payload.modes.map((mode) => ({
      key: mode.code,
      label: mode.label,
      text: mode.code === "change" ? "" : region[mode.code],
      change: mode.code === "change" ? region.change : null,
    }));
    body.card.fill(region.label, rows);
  }

  function follow(body) {
    if (body.following === body.chart.on) return;
    body.following = body.chart.on; // another one once a failed chart was begun anew
    body.chart.on("plotly_hover", (event) => {
      body.hovered = event.points[0].location;
      card(body, body.hovered);
      body.card.place(event.event);
    });
    body.chart.on("plotly_unhover", () => {
      body.hovered = null;
      dom.hide(body.card, true);
    });
  }

  function legend(body, payload, mode, env) {
    const limits = payload.legends[mode] || [];
    const palette = colours(mode, env);
    dom.hide(body.legend, !limits.length);
    dom.text(body.legendName, payload.modes.find((entry) => entry.code === mode).label);
    dom.keyed(
      body.swatches,
      limits.length ? palette.slice(0, limits.length + 1).map((colour, index) => ({ colour, index })) : [],
      (entry) => String(entry.index),
      () => {
        const swatch = dom.make("span", "swatch");
        swatch.block = dom.make("i", "", swatch);
        swatch.label = dom.make("span", "", swatch);
        return swatch;
      },
      (swatch, entry) => {
        dom.style(swatch.block, "background-color", entry.colour);
        dom.text(swatch.label, limits[entry.index] || "");
      },
    );
  }

  function drawn(payload, mode, env) {
    const place = MODES.indexOf(mode);
    const regions = payload.regions.map((region) => [region.code, region.classes[place], region.selected]);
    return JSON.stringify([payload.frame.map, mode, env.theme, regions]);
  }

  livewall.kind("region_map", {
    mount(body, env) {
      const bar = dom.make("div", "tile-bar", body);
      body.legend = dom.make("div", "map-legend", bar);
      body.legendName = dom.make("span", "map-legend-name", body.legend);
      body.swatches = dom.make("span", "map-swatches", body.legend);
      const stage = dom.make("div", "map-stage", body);
      body.chart = dom.make("div", "chart", stage);
      body.inset = dom.make("span", "map-inset-label", stage);
      body.parents = dom.make("div", "map-parents", stage);
      body.card = dom.hoverCard(body);
      body.modes = dom.segments(bar, "map.mode", () => body.draw());
      body.draw = () => {
        const { payload } = body;
        const mode = body.modes.value;
        legend(body, payload, mode, env);
        const shown = drawn(payload, mode, env);
        const same = () => body.shown === shown && !body.chart.dataset.failed;
        const paint = async () => {
          body.shown = shown;
          const pick = (point) => livewall.scope.toggle(body.payload.dimension, point.location);
          // made by the chart, which knows what to show when that fails
          await livewall.plot(body.chart, () => figure(body, payload, mode, env), pick);
          if (body.chart.on) follow(body);
        };
        if (!same()) return paint();
        const missing = body.lineless && payload.frame.inset; // the map stands without its line until that comes
        if (!missing) return null;
        const came = () => {
          if (!same() || !body.lineless) return null;
          body.lineless = false; // who waited for the same line need not draw it again
          return paint();
        };
        return fetchLine(missing.line).then(came, () => null);
      };
    },
    update(body, payload) {
      if (!payload.regions) return;
      body.payload = payload;
      body.modes.set(payload.modes, "value");
      dom.text(body.inset, payload.frame.inset ? payload.frame.inset.label : "");
      if (body.hovered) card(body, body.hovered);
      dom.hide(body.parents, !payload.parents.length);
      dom.keyed(
        body.parents,
        payload.parents,
        (parent) => parent.code,
        () => {
          const chip = dom.make("span", "pick-chip");
          chip.label = dom.make("span", "", chip);
          chip.share = dom.make("b", "", chip);
          return chip;
        },
        (chip, parent) => {
          dom.pick(chip, parent.dimension, parent.code, parent.selected, false);
          dom.text(chip.label, parent.label);
          dom.text(chip.share, parent.share);
        },
      );
      body.draw();
    },
  });
})();
