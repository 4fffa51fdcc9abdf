// What the screen looks at stands in the URL and nowhere else: reload, share and the back button just work.
(function () {
  "use strict";
  const livewall = window.livewall;
  const SCREEN = ["kiosk", "lang", "theme", "updown", "board", "play", "name"]; // the screen's own keys, not the data's
  const SINGLE = ["step", "focus", "day", "at"]; // keys with one value
  const KEPT = ["day", "at"]; // not filters: Esc keeps them

  const read = () => new URLSearchParams(window.location.search);
  const write = (search) => search.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  const values = (search, name) => (search.get(name) || "").split(",").filter(Boolean);

  function go(search) {
    const text = write(search);
    const target = window.location.pathname + (text ? `?${text}` : "");
    if (target === window.location.pathname + window.location.search) return;
    window.history.pushState(null, "", target);
    livewall.emit("scope");
    livewall.ask();
  }

  livewall.scope = {
    // The part of the URL that the server reads; the screen's own keys are left out, so that screens share frames.
    query() {
      const search = read();
      SCREEN.forEach((name) => search.delete(name));
      return write(search);
    },
    board() {
      const { boards, board } = livewall.config;
      const path = window.location.pathname.split("/").filter(Boolean).pop();
      return [livewall.rotation.board(), read().get("board"), path, board].find((name) => boards.includes(name));
    },
    has: (name, code) => values(read(), name).includes(code),
    get: (name) => read().get(name),
    toggle(name, code) {
      const search = read();
      const before = values(search, name);
      let after = before.includes(code) ? before.filter((other) => other !== code) : [...before, code];
      if (SINGLE.includes(name)) after = before.includes(code) ? [] : [code];
      if (after.length) search.set(name, after.sort().join(","));
      else search.delete(name);
      go(search);
    },
    // Set several keys at once; an empty value removes its key.
    set(wanted) {
      const search = read();
      for (const [name, value] of Object.entries(wanted)) {
        if (value) search.set(name, value);
        else search.delete(name);
      }
      go(search);
    },
    clear() {
      const search = read();
      [...search.keys()].filter((name) => !SCREEN.includes(name) && !KEPT.includes(name)).forEach((name) => search.delete(name));
      go(search);
    },
  };

  function toggleFrom(event) {
    const target = event.target.closest && event.target.closest("[data-filter][data-code]");
    if (!target) return;
    event.preventDefault();
    livewall.scope.toggle(target.dataset.filter, target.dataset.code);
  }

  // One listener for all tiles: elements come and go on ticks, the listener stays.
  document.addEventListener("click", toggleFrom);
  document.addEventListener("keydown", (event) => {
    if (event.target.matches && event.target.matches("input, select, textarea")) return;
    if (event.key === "Enter" || event.key === " ") toggleFrom(event);
    if (event.key === "Escape") livewall.scope.clear();
  });
  window.addEventListener("popstate", () => {
    livewall.applyScreen();
    livewall.emit("scope");
    livewall.ask();
  });
  livewall.on("screen", () => livewall.ask());
})();
