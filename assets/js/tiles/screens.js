// The list of screens, the worst first, and at a desk a panel beside it that tells one screen what to do.
(function () {
  "use strict";
  const livewall = window.livewall;
  const { dom } = livewall;
  const t = (key, values) => livewall.t(`tile.screens.${key}`, values);
  const COLUMNS = ["state", "name", "board", "size", "age", "paint", "heap", "build", "heard", "command"];
  const DENSE = 22; // rows that fit one column of a wall at a size to be read
  const LASTS = [30, 60, 300, 900, 3600, 14400];
  const KEY = "livewall.desk"; // of sessionStorage: a key does not outlive its tab

  // What is told of a board: its title in the language of this screen.
  const boardTitle = (board) => {
    const titles = livewall.config.titles[board];
    return titles ? titles[livewall.screen.locale] : board || "—";
  };

  function createRow(body) {
    const row = dom.make("div", "screen-row");
    row.setAttribute("role", "row");
    for (const column of COLUMNS) {
      row[column] = dom.make("div", `screen-cell screen-${column}`, row);
      row[column].setAttribute("role", "cell");
    }
    row.mark = dom.make("span", "screen-mark", row.state);
    row.called = dom.make("b", "screen-title", row.name);
    row.kindOf = dom.make("span", "screen-role", row.name);
    row.where = dom.make("span", "screen-where", row.board);
    row.filter = dom.make("span", "screen-filter", row.board);
    row.spark = dom.sparkline(row.heap);
    row.megabytes = dom.make("span", "", row.heap);
    row.version = dom.make("span", "", row.build);
    row.said = dom.make("span", "screen-said", row.command);
    row.steer = dom.make("button", "screen-steer", row.command);
    row.steer.type = "button";
    row.steer.addEventListener("click", () => open(body, row.dataset.screen));
    return row;
  }

  function updateRow(body, row, screen) {
    dom.attr(row, "data-screen", screen.key);
    dom.attr(row, "data-state", screen.state);
    dom.attr(row, "data-viewer", screen.wall ? null : "");
    dom.attr(row, "data-chosen", body.chosen === screen.key ? "" : null);
    dom.text(row.mark, screen.state_label);
    dom.text(row.called, screen.name);
    dom.attr(row.name, "title", `${screen.name} · ${t("up", { time: screen.up })}`);
    dom.text(row.kindOf, screen.role);
    dom.text(row.where, boardTitle(screen.board));
    dom.text(row.filter, screen.filter);
    dom.attr(row.filter, "title", screen.query || null);
    dom.text(row.size, screen.size);
    dom.text(row.age, screen.age);
    dom.text(row.paint, screen.paint);
    dom.attr(row.paint, "title", screen.errors ? `${t("errors", { count: screen.errors })}: ${screen.last_error}` : t("paint_note"));
    dom.attr(row.paint, "data-bad", screen.errors ? "" : null);
    dom.text(row.megabytes, screen.heap);
    dom.attr(row.heap, "data-bad", screen.heap_grows ? "" : null);
    dom.attr(row.heap, "title", screen.heap_grows ? t("heap_grows") : null);
    dom.setSparkline(row.spark, screen.spark);
    dom.text(row.version, screen.build);
    dom.attr(row.build, "data-old", screen.old ? t("old") : null);
    dom.text(row.heard, screen.heard);
    dom.text(row.said, screen.command ? screen.command.text : "");
    dom.attr(row.said, "title", screen.command ? screen.command.text : null);
    dom.attr(row.said, "data-state", screen.command ? screen.command.state : null);
    dom.text(row.steer, t("steer"));
    dom.attr(row.steer, "aria-label", t("steer_label", { name: screen.name }));
    dom.attr(row.steer, "aria-expanded", String(body.chosen === screen.key));
  }

  // --- the panel ----------------------------------------------------------------------------------------------------
  // It stands beside the rows, not in them: rows change places while somebody types.
  function field(parent, word, element, className = "") {
    const label = dom.make("label", `desk-field ${className}`, parent);
    label.word = dom.make("span", "", label, t(word));
    label.append(element);
    return element;
  }
  function select(options) {
    const box = document.createElement("select");
    for (const [value, text] of options) dom.make("option", "", box, text).value = value;
    return box;
  }
  function input(type, placeholder, maxLength) {
    return Object.assign(document.createElement("input"), { type, placeholder, maxLength, autocomplete: "off", spellcheck: false });
  }
  const lasts = (seconds) =>
    seconds < 60 ? t("seconds", { count: seconds }) : seconds < 3600 ? t("minutes", { count: seconds / 60 }) : t("hours", { count: seconds / 3600 });

  function button(parent, word, act, kind = "submit") {
    const made = dom.make("button", "desk-button", parent, t(word));
    made.type = kind;
    if (kind === "button") made.addEventListener("click", act);
    return made;
  }
  function form(parent, act) {
    const made = dom.make("form", "desk-form", parent);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      act();
    });
    return made;
  }

  function build(body, screen) {
    const panel = body.panel;
    panel.replaceChildren();
    panel.locale = livewall.screen.locale;
    const head = dom.make("div", "desk-head", panel);
    panel.name = dom.make("h3", "", head, screen.name);
    panel.tabIndex = -1;
    dom.attr(panel, "aria-label", t("steer_label", { name: screen.name }));
    const close = dom.make("button", "desk-close", head, "×");
    close.type = "button";
    close.setAttribute("aria-label", t("close"));
    close.addEventListener("click", () => shut(body));
    panel.facts = dom.make("p", "desk-facts", panel);

    if (livewall.config.steering === "off") {
      dom.make("p", "desk-off", panel, t("off"));
      return;
    }
    if (livewall.config.steering === "key") {
      const key = field(panel, "desk_key", input("password", "", 200));
      key.value = readKey();
      key.addEventListener("input", () => writeKey(key.value));
      panel.key = key;
    }
    const showing = form(panel, () => tell(body, "show", { board: board.value, query: filter.value.trim() }));
    const titles = livewall.config.boards.map((name) => [name, boardTitle(name)]);
    const board = field(showing, "board", select(titles));
    board.value = livewall.config.boards.includes(screen.board) ? screen.board : livewall.config.boards[0];
    const filter = field(showing, "filter", input("text", t("filter_hint"), 2000));
    filter.value = screen.query;
    button(showing, "show");

    const saying = form(panel, () =>
      tell(body, "message", { text: text.value.trim(), seconds: Number(long.value), severity: severity.value }),
    );
    const text = field(saying, "message", input("text", t("message_hint"), 240));
    text.required = true;
    const long = field(saying, "lasts", select(LASTS.map((seconds) => [seconds, lasts(seconds)])), "desk-half");
    const severity = field(
      saying,
      "severity.label",
      select(["info", "warning", "critical"].map((name) => [name, t(`severity.${name}`)])),
      "desk-half",
    );
    long.value = "60";
    button(saying, "send");
    button(saying, "clear", () => tell(body, "clear", {}), "button");

    const rest = dom.make("div", "desk-form", panel);
    button(rest, "reload", () => tell(body, "reload", {}), "button");
    button(rest, "forget", () => forget(body), "button");
    panel.result = dom.make("p", "desk-result", panel);
    panel.result.setAttribute("role", "status");
  }

  function readKey() {
    try {
      return window.sessionStorage.getItem(KEY) || "";
    } catch {
      return "";
    }
  }
  function writeKey(value) {
    try {
      window.sessionStorage.setItem(KEY, value);
    } catch {
      // asked for again on the next page
    }
  }

  function open(body, key) {
    const screen = body.screens.get(key);
    if (!screen || livewall.screen.kiosk) return;
    body.chosen = key;
    body.given = null;
    dom.hide(body.panel, false);
    dom.attr(body, "data-desk", "");
    build(body, screen);
    draw(body);
    (body.panel.querySelector("input:not([type=password]), select") || body.panel).focus();
  }
  function shut(body) {
    const row = [...body.rows.children].find((child) => child.dataset.screen === body.chosen);
    body.chosen = null;
    dom.hide(body.panel, true);
    dom.attr(body, "data-desk", null);
    draw(body);
    if (row && row.isConnected) row.steer.focus();
  }

  async function post(path, content) {
    const headers = { "Content-Type": "application/json" };
    if (livewall.config.steering === "key") {
      if (!/^[\x20-\x7e]*$/.test(readKey())) return { error: t("desk_key") };
      headers["X-Desk-Key"] = readKey();
    }
    try {
      const answer = await window.fetch(`/screens/v1/${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(content),
        signal: AbortSignal.timeout(10000),
      });
      return await answer.json();
    } catch {
      return { error: t("unreachable") };
    }
  }
  function result(body, text, bad) {
    dom.text(body.panel.result, text);
    dom.attr(body.panel.result, "data-bad", bad ? "" : null);
  }
  async function tell(body, kind, more) {
    const chosen = body.chosen;
    body.given = null;
    result(body, t("working"), false);
    const answer = await post("command", { screen: chosen, kind, ...more });
    if (body.chosen !== chosen) return;
    if (answer.error && livewall.config.steering === "key") body.panel.key.focus();
    body.given = answer.id || null;
    result(body, answer.error || t("given"), Boolean(answer.error));
  }
  async function forget(body) {
    const { name } = body.screens.get(body.chosen) || { name: "" };
    const answer = await post("forget", { screen: body.chosen });
    result(body, answer.error || t("forgotten", { name }), Boolean(answer.error));
  }

  // --- the tile -----------------------------------------------------------------------------------------------------
  function draw(body) {
    const { payload } = body;
    const held = document.activeElement;
    body.screens = new Map(payload.rows.map((screen) => [screen.key, screen]));
    dom.attr(body, "data-dense", payload.rows.length > DENSE ? "" : null);
    dom.attr(body, "data-few", payload.rows.length <= 6 ? "" : null);
    dom.style(body, "--rows", String(Math.ceil(payload.rows.length / 2)));
    dom.keyed(
      body.rows,
      payload.rows,
      (screen) => screen.key,
      () => createRow(body),
      (row, screen) => updateRow(body, row, screen),
    );
    // a row that changed its place loses the focus with it
    if (held !== document.activeElement && held && held.isConnected && body.contains(held)) held.focus();
    const screen = body.chosen && body.screens.get(body.chosen);
    if (!screen || body.panel.hidden) return;
    dom.text(body.panel.facts, [screen.state_label, screen.size, screen.build, t("up", { time: screen.up })].join(" · "));
    const settled = screen.command && screen.command.id === body.given && screen.command.state !== "waiting";
    if (settled) result(body, screen.command.text, ["failed", "expired"].includes(screen.command.state));
  }

  livewall.kind("screens", {
    mount(body) {
      const head = dom.make("div", "screens-head", body);
      body.summary = dom.make("span", "screens-summary", head);
      body.counts = dom.make("span", "screens-counts", head);
      body.more = dom.make("span", "screens-more", head);
      const box = dom.make("div", "screens-box", body);
      body.list = dom.make("div", "screens-list", box);
      body.list.setAttribute("role", "table");
      body.heads = [0, 1].map(() => {
        const line = dom.make("div", "screen-row screen-heads", body.list);
        line.setAttribute("role", "row");
        for (const column of COLUMNS) {
          line[column] = dom.make("div", `screen-cell screen-${column}`, line);
          line[column].setAttribute("role", "columnheader");
        }
        return line;
      });
      dom.attr(body.heads[1], "data-second", "");
      body.rows = dom.make("div", "screens-rows", body.list);
      body.rows.setAttribute("role", "rowgroup");
      body.panel = dom.make("aside", "desk", box);
      body.panel.hidden = true;
      body.panel.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        shut(body);
      });
    },
    update(body, payload) {
      if (!payload.rows) return;
      body.payload = payload;
      dom.text(body.summary, payload.summary);
      dom.text(body.more, payload.more);
      dom.keyed(
        body.counts,
        payload.counts,
        (count) => count.state,
        () => dom.make("span", "screens-count"),
        (mark, count) => {
          dom.attr(mark, "data-state", count.state);
          dom.text(mark, count.text);
        },
      );
      for (const line of body.heads) for (const column of COLUMNS) dom.text(line[column], t(`head.${column}`));
      draw(body);
      const screen = body.screens.get(body.chosen);
      if (screen && body.panel.locale !== livewall.screen.locale) build(body, screen);
    },
  });
})();
