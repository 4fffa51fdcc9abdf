// Alerts: one card each, the firing ones first; a card opens the trend of its metric. Calm when nothing is wrong.
(function () {
  "use strict";
  const { dom } = window.livewall;

  function create() {
    const card = dom.make("article", "alert-card");
    const head = dom.make("div", "alert-head", card);
    card.state = dom.make("span", "alert-state", head);
    card.since = dom.make("span", "alert-since", head);
    card.line = dom.make("div", "alert-line", card);
    card.name = dom.make("span", "alert-name", card.line);
    card.where = dom.make("span", "alert-where", card.line);
    card.cause = dom.make("div", "alert-cause", card);
    const figures = dom.make("div", "alert-figures", card);
    card.value = dom.make("b", "", figures);
    card.limit = dom.make("span", "", figures);
    card.owner = dom.make("span", "alert-owner", figures);
    card.action = dom.make("div", "alert-action", card);
    return card;
  }

  // What its tile has no room for is not shown in part: it goes to a column beside the cards, which nobody sees.
  function count(body) {
    const { unlisted, words } = body.payload;
    let left = unlisted;
    for (const card of body.cards.children) {
      card.inert = card.offsetLeft > 0;
      left += card.inert ? 1 : 0;
    }
    dom.text(body.more, left ? words.more.replace("{count}", left) : "");
  }

  window.livewall.kind("alerts", {
    mount(body) {
      body.cards = dom.make("div", "alert-cards", body);
      body.quiet = dom.make("div", "alert-quiet", body);
      dom.make("i", "alert-quiet-mark", body.quiet);
      body.quietText = dom.make("span", "", body.quiet);
      const foot = dom.make("div", "alert-foot", body);
      body.more = dom.make("span", "alert-more", foot);
      body.watching = dom.make("span", "alert-watching", foot);
      const recount = () => body.payload && body.cards.isConnected && count(body);
      new ResizeObserver(recount).observe(body.cards);
      document.fonts.ready.then(recount); // cards are as high as their letters
    },
    update(body, payload) {
      if (!payload.rows) return;
      dom.attr(body, "data-firing", payload.firing ? "" : null);
      dom.hide(body.quiet, !payload.quiet);
      dom.text(body.quietText, payload.quiet);
      body.payload = payload;
      dom.text(body.watching, payload.watching);
      dom.keyed(
        body.cards,
        payload.rows,
        (alert) => alert.key,
        create,
        (card, alert) => {
          dom.pick(card, "focus", alert.metric, alert.focused, false);
          dom.attr(card, "data-state", alert.state);
          dom.attr(card, "data-severity", alert.severity);
          dom.text(card.state, alert.state === "firing" ? alert.severity_label : alert.state_label);
          dom.text(card.since, alert.since);
          dom.text(card.name, alert.name);
          dom.text(card.where, alert.where);
          dom.attr(card.line, "title", [alert.name, alert.where].filter(Boolean).join(" "));
          dom.text(card.cause, alert.cause);
          dom.attr(card.cause, "title", alert.cause);
          dom.text(card.value, `${payload.words.value} ${alert.value}`);
          dom.text(card.limit, `${payload.words.limit} ${alert.limit}`);
          dom.text(card.owner, alert.owner);
          dom.text(card.action, alert.action && `${payload.words.action} · ${alert.action}`);
          dom.attr(card.action, "title", alert.action);
        },
      );
      count(body);
    },
  });
})();
