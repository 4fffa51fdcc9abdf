// Keys of a screen, and the card that explains them.
(function () {
  "use strict";
  const livewall = window.livewall;
  const KEYS = ["f", "arrows", "space", "escape", "help"];
  const t = (key) => livewall.t(key);
  let card = null;

  function build() {
    card = document.createElement("dialog");
    card.className = "keys";
    card.append(document.createElement("h2"), document.createElement("dl"));
    for (const name of KEYS) {
      card.lastChild.append(document.createElement("dt"), document.createElement("dd"));
      card.lastChild.lastChild.dataset.key = name;
    }
    card.addEventListener("click", () => card.close());
    document.body.append(card);
  }

  // The card with all keys; a kiosk has nobody to read it.
  livewall.help = () => {
    if (livewall.screen.kiosk) return;
    if (!card) build();
    if (card.open) {
      card.close();
      return;
    }
    card.firstChild.textContent = t("shell.keys.title");
    for (const words of card.querySelectorAll("dd")) {
      words.textContent = t(`shell.keys.${words.dataset.key}`);
      words.previousSibling.textContent = t(`shell.keys.press.${words.dataset.key}`);
    }
    card.showModal();
  };
  livewall.helpOpen = () => Boolean(card && card.open);

  const free = (target) => !(target.closest && target.closest("input, select, textarea, button, [data-filter][data-code]"));

  function press(event) {
    if (!livewall.config || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (livewall.helpOpen()) {
      if (event.key === "Escape") event.stopImmediatePropagation(); // closes the card, and clears no filter
      if (event.key === "?") livewall.help();
      return;
    }
    if (event.target.matches && event.target.matches("input, select, textarea")) return;
    if (event.key === "f" || event.key === "F") livewall.toggleFull();
    else if (event.key === "?") livewall.help();
    else if (!livewall.rotation.active()) return;
    else if (event.key === "ArrowRight") livewall.rotation.move(1);
    else if (event.key === "ArrowLeft") livewall.rotation.move(-1);
    else if (event.key === " " && free(event.target)) livewall.rotation.pause();
    else return;
    event.preventDefault();
  }
  window.addEventListener("keydown", press, { capture: true });
})();
