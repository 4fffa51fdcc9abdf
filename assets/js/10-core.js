// The ground of the page: tile kinds, words, preferences, the server's clock, and what a tile is given (`env`).
(function () {
  "use strict";

  const kinds = new Map();
  const listeners = new Map();
  const root = document.documentElement;
  const query = () => new URLSearchParams(window.location.search);

  const livewall = (window.livewall = {
    config: null, // {board, boards, build, tick, locale, locales, words, zone, kiosk}; from the layout, once
    kinds,
    kind(name, parts) {
      kinds.set(name, parts);
    },
    on(name, listen) {
      listeners.set(name, [...(listeners.get(name) || []), listen]);
    },
    // One listener that throws must not keep the others from hearing.
    emit(name, value) {
      for (const listen of listeners.get(name) || []) {
        try {
          listen(value);
        } catch (problem) {
          console.warn("livewall:", name, problem);
        }
      }
    },
  });

  // What a person chose on this screen. A browser that forbids storage still gets a wall.
  livewall.prefs = {
    get(name, fallback = null) {
      try {
        const text = window.localStorage.getItem(`livewall.${name}`);
        return text === null ? fallback : JSON.parse(text);
      } catch {
        return fallback;
      }
    },
    set(name, value) {
      try {
        window.localStorage.setItem(`livewall.${name}`, JSON.stringify(value));
      } catch {
        // private mode: the choice lasts as long as the page
      }
    },
  };

  // The screen's own settings: the URL wins, then what was chosen here, then the default.
  const allowed = { lang: ["zh", "en"], theme: ["dark", "light", "auto"], updown: ["cn", "intl"] };
  const chosen = {}; // read once: a choice in another tab does not flip this one under its reader
  for (const name of Object.keys(allowed)) chosen[name] = livewall.prefs.get(name);
  function setting(name, fallback) {
    const known = (value) => (allowed[name].includes(value) ? value : null);
    return known(query().get(name)) || known(chosen[name]) || fallback;
  }
  livewall.screen = {
    get locale() {
      return setting("lang", (livewall.config && livewall.config.locale) || "zh");
    },
    // dark or light: what is drawn
    get theme() {
      const wanted = setting("theme", "dark");
      return wanted === "auto" ? livewall.themeOfHour() : wanted;
    },
    get themeChoice() {
      return setting("theme", "dark");
    },
    // Up is red for who reads Chinese and green for the others, unless somebody chose.
    get updown() {
      return setting("updown", livewall.screen.locale === "zh" ? "cn" : "intl");
    },
    get kiosk() {
      const text = query().get("kiosk");
      return text !== null && text !== "0";
    },
    choose(name, value) {
      if (!allowed[name] || !allowed[name].includes(value)) return;
      chosen[name] = value;
      livewall.prefs.set(name, value);
      const search = query();
      if (search.has(name)) {
        // the address would overrule the choice just made
        search.set(name, value);
        window.history.replaceState(null, "", `${window.location.pathname}?${search}`);
      }
      livewall.applyScreen();
      livewall.emit("screen", name);
    },
  };
  // Light from the first to the second time of `config.light` ("07:00-19:00", business zone), dark else; over midnight too.
  livewall.themeOfHour = () => {
    if (!livewall.config) return "dark";
    const [from, to] = livewall.config.light.split("-");
    const time = livewall.clock.time(new Date(livewall.clock.millis()), false);
    const light = from <= to ? from <= time && time < to : time >= from || time < to;
    return light ? "light" : "dark";
  };

  livewall.applyScreen = () => {
    root.lang = livewall.screen.locale === "zh" ? "zh-CN" : "en";
    root.dataset.theme = livewall.screen.theme;
    root.dataset.updown = livewall.screen.updown;
    root.toggleAttribute("data-kiosk", livewall.screen.kiosk);
  };
  livewall.applyScreen();

  livewall.on("second", () => {
    if (root.dataset.theme === livewall.screen.theme) return;
    livewall.applyScreen();
    livewall.emit("screen", "theme");
  });

  // Words of the locale by dotted key, `{name}` places filled. A missing word shows its key: visible, not fatal.
  // A `count` of 1 takes `key_one`, in languages that write one thing differently from many.
  livewall.t = (key, values = {}) => {
    const words = (livewall.config && livewall.config.words[livewall.screen.locale]) || {};
    const found = String(values.count) === "1" && words[`${key}_one`] !== undefined ? `${key}_one` : key;
    const text = words[found] === undefined ? key : words[found];
    return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? values[name] : place));
  };

  // Milliseconds that passed since the page began, and also while the machine slept: `performance.now()` stands then.
  let slept = 0;
  livewall.ran = () => performance.now() + slept;
  livewall.sleptFor = (milliseconds) => {
    slept += milliseconds;
  };

  // The server's clock: the wall box's own may be wrong. Set by each answer, run by the browser's monotonic clock.
  let offset = null;
  livewall.clock = {
    skew: 0, // seconds that this machine's clock is ahead of the server's
    set(iso) {
      offset = Date.parse(iso) - livewall.ran();
      livewall.clock.skew = (Date.now() - Date.parse(iso)) / 1000;
    },
    now: () => (offset === null ? null : new Date(offset + livewall.ran())),
    // Milliseconds of the server's clock, before its first answer of this machine's.
    millis: () => (offset === null ? Date.now() : offset + livewall.ran()),
    // "14:02:31" of a moment in the store's business time zone.
    time(moment, seconds = true) {
      if (!moment) return "";
      const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: livewall.config.zone };
      if (seconds) shape.second = "2-digit";
      return new Intl.DateTimeFormat("en-GB", shape).format(moment);
    },
  };

  // What a tile is given beside its body and payload. One object for all; its answers are always current.
  livewall.env = {
    get locale() {
      return livewall.screen.locale;
    },
    get theme() {
      return livewall.screen.theme;
    },
    get kiosk() {
      return livewall.screen.kiosk;
    },
    get zone() {
      return livewall.config.zone;
    },
    t: (key, values) => livewall.t(key, values),
    prefs: livewall.prefs,
    token: (name) => getComputedStyle(root).getPropertyValue(name).trim(),
    rem: () => parseFloat(getComputedStyle(root).fontSize),
    get calm() {
      return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    },
  };

  // A tile's title: what follows the first " · " (a window, a count, a rate) is a detail and written smaller.
  livewall.title = (element, text) => {
    const cut = text.indexOf(" · ");
    if (element.textContent === text && (cut < 0) === !element.firstElementChild) return;
    element.textContent = cut < 0 ? text : text.slice(0, cut);
    if (cut < 0) return;
    const detail = document.createElement("span");
    detail.className = "tile-sub";
    detail.textContent = text.slice(cut);
    element.append(detail);
  };

  livewall.boot = (config) => {
    if (livewall.config || !config) return;
    livewall.config = config;
    livewall.applyScreen();
    livewall.emit("boot", config);
  };
})();
