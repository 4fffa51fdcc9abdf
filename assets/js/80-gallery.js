// The gallery page: draws every tile in every face, and with ?check=1 measures what can be read and told apart.
(function () {
  "use strict";
  const livewall = window.livewall;
  const root = document.documentElement;
  if (root.dataset.page !== "gallery") return; // on a wall this file does nothing
  const { dom } = livewall;
  const data = JSON.parse(document.getElementById("gallery-data").textContent);
  const nothing = () => {};
  livewall.scope = { toggle: nothing, set: nothing, has: () => false, get: () => null }; // nothing here can be filtered
  livewall.boot(data.config);
  livewall.clock.set(data.now);
  livewall.clock.now = () => new Date(data.now); // a clock that stands still: the same picture every time

  function draw(section) {
    const part = data.parts[section.dataset.part][livewall.screen.locale];
    const body = section.querySelector(".tile-body");
    const kind = livewall.kinds.get(section.dataset.kind);
    section.dataset.face = part.face;
    const { payload } = part;
    if (!payload) return null;
    livewall.title(section.querySelector(".tile-title"), payload.title || "");
    const when = livewall.t("shell.face.as_of", { time: livewall.clock.time(new Date(part.as_of)) });
    const failed = part.face === "error" ? `${livewall.t("shell.face.error")} · ${when}` : "";
    dom.text(section.querySelector(".tile-note"), part.face === "stale" ? when : failed);
    if (payload.empty) {
      dom.text(section.querySelector(".tile-blank"), payload.empty);
      return null;
    }
    if (!section.mounted) {
      body.replaceChildren();
      kind.mount(body, livewall.env);
      section.mounted = true;
    }
    kind.update(body, payload, livewall.env);
    return null;
  }

  function drawAll() {
    for (const element of document.querySelectorAll("[data-word]")) dom.text(element, livewall.t(element.dataset.word));
    document.querySelectorAll("[data-part]").forEach(draw);
    check();
  }

  // --- what can be read: the angle that a letter has for the eye --------------------------------------------------
  const asked = new URLSearchParams(window.location.search);
  const number = (name, fallback, low, high) => {
    const given = Number(asked.get(name));
    return asked.get(name) && Number.isFinite(given) ? Math.min(Math.max(given, low), high) : fallback;
  };
  // Height of a letter as a part of its font size: capitals and digits, Chinese characters.
  const CAPITAL = 0.72;
  const HAN = 0.92;
  const LINES = 108; // rem: the height of a wall's picture, whatever its pixels
  // [selector, minutes of arc, part of the distance]; the first that fits. docs/how-to/read-from-afar.md has the sources.
  const RULES = [
    [".hero-digits, .kpi-number .n-number, .countdown-digits", 10, 1],
    [".tile-sub, .n-unit, .n-prefix, .hero-prefix, .against, .legend, .hover-card, .cell-note, .cell-head, .change, .rank-moved", 5, 0.5],
    [".tile-note, .tile-blank, .swatch, .map-legend, .map-inset-label, .pick-chip, .segment, .chart, .alert-foot, .rank-place", 5, 0.5],
    [".alert-cause, .alert-action, .alert-figures, .alert-head, .order-what, .order-time, .countdown-foot", 5, 0.5],
    [".countdown-note, .countdown-label, .hero-goal-text, .funnel-worst, .split-share, .split-change, .funnel-rate, .screen-cell, .screens-head", 5, 0.5],
    ["*", 5, 1], // titles, names, figures in rows, alert names: all that a wall must tell
  ];

  function measure(inch, metres) {
    const height = (inch * 25.4 * 9) / Math.hypot(16, 9); // mm of a 16:9 screen
    const found = [];
    for (const section of document.querySelectorAll("[data-part]")) {
      const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.textContent.trim();
        const element = node.parentElement;
        if (!text || element.closest(".hidden-text, title, [hidden]") || !element.getClientRects().length) continue;
        if (getComputedStyle(element).visibility === "hidden") continue;
        const rem = parseFloat(getComputedStyle(element).fontSize) / livewall.env.rem();
        const letter = rem * (/[\u3400-\u9fff]/.test(text) ? HAN : CAPITAL) * (height / LINES);
        const [, least, part] = RULES.find(([selector]) => element.closest(selector));
        const angle = (2 * Math.atan(letter / 2 / (metres * part * 1000)) * 180 * 60) / Math.PI;
        found.push({ where: section.dataset.part, mark: element.className.baseVal || element.className, text: text.slice(0, 40), rem, angle, least, part });
      }
    }
    return found;
  }

  // --- colours: contrast (WCAG 2.2) and difference under deficient colour vision (Machado et al. 2009, severity 1) ----
  const SEEN_AS = {
    normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
  };
  const RAMPS = {
    sequential: ["--seq-1", "--seq-2", "--seq-3", "--seq-4", "--seq-5"],
    diverging: ["--div-low-2", "--div-low-1", "--div-mid", "--div-high-1", "--div-high-2"],
  };
  const APART = 8; // ΔE (OKLab × 100) between neighbours: well above what is just noticeable side by side (about 2)
  const MARKS = ["--accent", "--good", "--bad", "--amber", "--critical", "--cat-0", "--cat-1", "--cat-2", "--cat-3", "--cat-4"];

  const linear = (colour) =>
    [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const seen = (rgb, m) => [0, 3, 6].map((r) => Math.min(1, Math.max(0, m[r] * rgb[0] + m[r + 1] * rgb[1] + m[r + 2] * rgb[2])));
  function oklab([r, g, b]) {
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  }
  const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  function contrast(one, other) {
    const [low, high] = [luminance(linear(one)), luminance(linear(other))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  function colours() {
    const problems = [];
    for (const [ramp, names] of Object.entries(RAMPS)) {
      const steps = names.map((name) => linear(livewall.env.token(name)));
      for (const [eye, matrix] of Object.entries(SEEN_AS)) {
        for (let at = 1; at < steps.length; at += 1) {
          const [a, b] = [oklab(seen(steps[at - 1], matrix)), oklab(seen(steps[at], matrix))];
          const apart = 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
          if (apart < APART) problems.push(`${ramp} ${names[at - 1]} / ${names[at]} · ${eye} · ΔE ${apart.toFixed(1)} < ${APART}`);
        }
      }
    }
    const panel = livewall.env.token("--panel");
    for (const name of MARKS) {
      const found = contrast(livewall.env.token(name), panel);
      if (found < 3) problems.push(`${name} on --panel · ${found.toFixed(2)} < 3`);
    }
    return problems;
  }

  // --- the list on the page, and `livewall.checked` for tests ------------------------------------------------------
  function check() {
    if (asked.get("check") !== "1") return;
    const [inch, m] = [number("inch", 65, 10, 1000), number("m", 10, 0.3, 200)];
    const all = measure(inch, m);
    const small = all.filter((one) => one.angle < one.least);
    const wrong = colours();
    livewall.checked = { inch, m, texts: all.length, small, colours: wrong };
    const { t } = livewall;
    const box = document.querySelector('[data-gallery="check"]');
    box.className = "gallery-check";
    box.replaceChildren();
    dom.make("h2", "", box, t("gallery.check.title", { inch, m }));
    dom.make("p", "", box, t("gallery.check.rule", { m }));
    dom.make("p", "", box, small.length ? t("gallery.check.small", { count: small.length }) : t("gallery.check.well", { count: all.length }));
    if (small.length) {
      const table = dom.make("table", "", box);
      const head = dom.make("tr", "", table);
      for (const name of ["where", "text", "angle", "wanted"]) dom.make("th", "", head, t(`gallery.check.${name}`));
      const shown = new Set();
      for (const one of small) {
        const key = `${one.where} ${one.mark}`;
        if (shown.has(key)) continue;
        shown.add(key);
        const row = dom.make("tr", "", table);
        const link = dom.make("a", "", dom.make("td", "", row), `${one.where} .${one.mark}`);
        link.href = `#${one.where}`;
        dom.make("td", "", row, one.text);
        dom.make("td", "", row, `${one.angle.toFixed(1)}′`);
        dom.make("td", "", row, `${one.least}′ · ${(m * one.part).toFixed(1)} m`);
      }
    }
    dom.make("p", "", box, wrong.length ? wrong.join("\n") : t("gallery.check.colours_well"));
  }

  const controls = document.querySelector('[data-gallery="controls"]');
  const NEXT = { lang: ["zh", "en"], theme: ["dark", "light"], updown: ["cn", "intl"] };
  function marks() {
    const { locale, theme, updown } = livewall.screen;
    const now = { lang: locale, theme, updown };
    dom.keyed(
      controls,
      Object.keys(NEXT).map((name) => ({ name })),
      (choice) => choice.name,
      ({ name }) => {
        const button = dom.make("button", "control");
        button.type = "button";
        button.addEventListener("click", () => {
          const values = NEXT[name];
          livewall.screen.choose(name, values[(values.indexOf({ lang: livewall.screen.locale, theme: livewall.screen.theme, updown: livewall.screen.updown }[name]) + 1) % 2]);
        });
        return button;
      },
      (button, { name }) => dom.text(button, livewall.t(`shell.control.${name}.${now[name]}`)),
    );
  }

  // Charts are done some time after `data-drawn`: who takes pictures waits until each wears the theme.
  livewall.on("drawn", ({ element }) => (element.dataset.wears = livewall.screen.theme));
  livewall.on("screen", () => {
    marks();
    drawAll();
  });
  marks();
  document.fonts.ready.then(() => {
    drawAll();
    requestAnimationFrame(check); // once more, laid out
    root.dataset.drawn = "";
  });
})();
