// The header of the page: clock, day, chips, watermark and lag, link to the server, notes, and the controls.
(function () {
  "use strict";
  const livewall = window.livewall;
  const root = document.documentElement;
  const NOTE = 8000; // ms a note stays
  const t = (key, values) => livewall.t(key, values);
  const part = (name) => document.querySelector(`[data-part="${name}"]`);

  function put(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  // Words the server drew in the default language, in the language of this screen.
  function words() {
    for (const element of document.querySelectorAll("[data-word]")) put(element, t(element.dataset.word));
    for (const element of document.querySelectorAll("[data-word-label]")) {
      element.setAttribute("aria-label", t(element.dataset.wordLabel));
      element.title = t(element.dataset.wordLabel);
    }
    const { names, titles } = livewall.config;
    put(part("name"), names[livewall.screen.locale]);
    put(part("board-title"), titles[livewall.scope.board()][livewall.screen.locale]);
    document.title = `${names[livewall.screen.locale]} · ${titles[livewall.scope.board()][livewall.screen.locale]}`;
  }

  function duration(seconds) {
    if (seconds < 10) return t("shell.lag.seconds", { count: seconds.toFixed(1) });
    if (seconds < 90) return t("shell.lag.seconds", { count: Math.round(seconds) });
    if (seconds < 5400) return t("shell.lag.minutes", { count: Math.round(seconds / 60) });
    return t("shell.lag.hours", { count: Math.round(seconds / 3600) });
  }

  function lag(frame) {
    const { lag_s: measured, watermark } = frame.head;
    // the ledger stands still for as long as no frame says otherwise: two ticks are the usual way of one
    const view = livewall.viewOf(frame.board);
    const since = (Date.parse(frame.now) - Date.parse(frame.as_of) + livewall.ran() - view.at) / 1000;
    const quiet = Math.max(0, since - 2 * livewall.tick());
    const known = frame.live && measured !== null && measured !== undefined;
    put(part("watermark"), watermark ? t("shell.watermark", { time: watermark }) : t("shell.no_data"));
    put(part("lag"), known ? t("shell.lag.label", { lag: duration(measured + quiet) }) : "");
    const state = !known ? "none" : measured + quiet > livewall.config.late ? "late" : "ok";
    if (part("lag").dataset.state !== state) part("lag").dataset.state = state;
  }

  function second() {
    if (!livewall.config) return;
    const frame = livewall.frame();
    if (!frame) return;
    put(part("clock"), frame.live ? livewall.clock.time(livewall.clock.now()) : frame.head.until || "");
    lag(frame);
  }

  // Chips are kept by key: a tick that changes nothing moves nothing, and a click between two ticks is not lost.
  function chips(frame) {
    const wanted = frame.head.chips.map((chip) => ({ ...chip, id: `${chip.dimension}=${chip.code}` }));
    const box = part("chips");
    const present = new Map([...box.children].map((element) => [element.dataset.id, element]));
    for (const chip of wanted) {
      let element = present.get(chip.id);
      present.delete(chip.id);
      if (!element) {
        element = document.createElement("button");
        element.className = "chip";
        element.type = "button";
        element.dataset.id = chip.id;
        element.dataset.filter = chip.dimension;
        element.dataset.code = chip.code;
        element.append(document.createElement("span"), document.createElement("b"), document.createElement("i"));
        element.lastChild.textContent = "×";
      }
      put(element.children[0], chip.name);
      put(element.children[1], chip.label);
      element.setAttribute("aria-label", t("shell.chip.remove", { label: `${chip.name} ${chip.label}` }));
      if (element !== box.children[wanted.indexOf(chip)]) box.append(element);
    }
    present.forEach((element) => element.remove());
  }

  let noted = "";
  let noteTimer = null;
  function note(texts) {
    const key = `${livewall.scope.query()}|${texts.join("|")}`;
    if (key === noted) return; // said once for this address; closed notes stay closed
    noted = key;
    const box = part("notes");
    box.replaceChildren(
      ...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text, className: "note" })),
    );
    clearTimeout(noteTimer);
    if (texts.length) noteTimer = setTimeout(() => box.replaceChildren(), NOTE);
  }

  function head(frame) {
    put(part("day"), frame.head.day);
    root.toggleAttribute("data-past", !frame.live);
    put(part("mode"), frame.live ? "" : t("shell.past"));
    const firing = frame.head.firing || 0;
    const alerts = part("alerts");
    put(alerts, firing ? t("shell.alerts", { count: firing }) : "");
    alerts.hidden = !firing;
    if (firing) alerts.dataset.severity = frame.head.worst;
    chips(frame);
    note([...(frame.head.notes || []), ...livewall.rotation.notes()]);
    fillDay(frame);
    second();
  }

  // --- controls -------------------------------------------------------------------------------------------------
  const dayInput = () => document.querySelector('[data-control="day"] input[type=date]');
  const timeInput = () => document.querySelector('[data-control="day"] input[type=time]');

  function mountDay() {
    const box = document.querySelector('[data-control="day"]');
    if (!box || box.firstChild) return;
    const day = Object.assign(document.createElement("input"), { type: "date", required: true });
    const time = Object.assign(document.createElement("input"), { type: "time" });
    day.dataset.wordLabel = "shell.control.day";
    time.dataset.wordLabel = "shell.control.at";
    const choose = () => {
      if (day.value && !day.validity.badInput) livewall.scope.set({ day: day.value, at: time.value });
    };
    day.addEventListener("change", choose);
    time.addEventListener("change", choose);
    box.append(day, time);
  }

  function fillDay(frame) {
    const [day, time] = [dayInput(), timeInput()];
    if (!day || [day, time].includes(document.activeElement)) return;
    if (frame.head.iso_day && day.value !== frame.head.iso_day) day.value = frame.head.iso_day;
    const at = livewall.scope.get("at") || "";
    if (time.value !== at) time.value = at;
  }

  function marks() {
    const { locale, themeChoice, updown } = livewall.screen;
    const now = { lang: locale, theme: themeChoice, updown };
    for (const button of document.querySelectorAll("[data-choose]")) {
      const value = now[button.dataset.choose];
      put(button.firstElementChild || button, t(`shell.control.${button.dataset.choose}.${value}`));
    }
  }

  const next = { lang: { zh: "en", en: "zh" }, theme: { dark: "light", light: "auto", auto: "dark" }, updown: { cn: "intl", intl: "cn" } };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose], [data-act]");
    if (!button) return;
    const { choose, act } = button.dataset;
    const { locale, themeChoice, updown } = livewall.screen;
    if (choose) livewall.screen.choose(choose, next[choose][{ lang: locale, theme: themeChoice, updown }[choose]]);
    if (act === "live") livewall.scope.set({ day: "", at: "" });
    if (act === "full") livewall.toggleFull();
    if (act === "help") livewall.help();
  });

  // Dash draws the layout after this file has run: what needs its elements waits for `boot`.
  livewall.on("boot", () => {
    mountDay();
    words();
    marks();
    setInterval(() => livewall.emit("second"), 1000);
    second();
  });
  livewall.on("screen", () => {
    words();
    marks();
    second();
  });
  livewall.on("scope", () => words());
  livewall.on("frame", head);
  livewall.on("answer", second);
  livewall.on("second", second);
})();
