// Which board is on the stage: one is shown, at most one waits behind it with its numbers drawn, the others hold nothing.
(function () {
  "use strict";
  const livewall = window.livewall;
  const FADE = 700; // ms, a little more than the style's transition
  let leaving = null; // {board, timer}

  const boards = () => [...document.querySelectorAll("[data-board]")];
  const find = (board) => boards().find((main) => main.dataset.board === board);

  function put(main, state) {
    main.hidden = state === "away";
    if (state === "shown") delete main.dataset.stage;
    else main.dataset.stage = state;
    main.inert = state !== "shown";
  }

  function clear(main) {
    put(main, "away");
    livewall.release(main.dataset.board);
  }

  function left() {
    if (!leaving) return;
    clearTimeout(leaving.timer);
    const main = find(leaving.board);
    leaving = null;
    if (main && main.dataset.board !== livewall.stage.shown) clear(main);
  }

  livewall.stage = {
    shown: null,
    // Bring a board to the front. What it replaces fades and then lets go of everything it held.
    show(board) {
      if (this.shown === board) return;
      left();
      const before = this.shown;
      const main = find(board);
      if (!main) return;
      const warm = main.dataset.stage === "warm";
      this.shown = board;
      put(main, "shown");
      for (const other of boards()) {
        if (other === main) continue;
        if (warm && other.dataset.board === before && !livewall.env.calm) {
          put(other, "leaving");
          leaving = { board: before, timer: setTimeout(left, FADE) };
        } else if (!other.hidden || before === null) {
          clear(other);
        }
      }
    },
    // Have a board laid out behind the shown one, so that its charts have their size before anybody sees them.
    warm(board) {
      const main = find(board);
      if (main && board !== this.shown && main.dataset.stage !== "warm") {
        if (leaving && leaving.board === board) left();
        put(main, "warm");
      }
    },
    // Let go of a board that was warmed up and is not wanted any more.
    cool(board) {
      const main = find(board);
      if (main && main.dataset.stage === "warm") clear(main);
    },
  };
})();
