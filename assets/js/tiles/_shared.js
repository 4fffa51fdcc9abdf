// What the tile kinds build with: elements that are made once and then only change where a value changed.
(function () {
  "use strict";
  const livewall = window.livewall;
  const dom = (livewall.dom = {});

  dom.make = (tag, className, parent, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };

  const SVG = "http://www.w3.org/2000/svg";
  dom.svg = (tag, attributes, parent) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (parent) parent.append(element);
    return element;
  };

  dom.text = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  dom.attr = (element, name, value) => {
    const text = value === null || value === undefined || value === false ? null : String(value);
    if (element.getAttribute(name) === text) return;
    if (text === null) element.removeAttribute(name);
    else element.setAttribute(name, text);
  };

  dom.hide = (element, hidden) => {
    if (element.hidden !== hidden) element.hidden = hidden;
  };

  dom.style = (element, name, value) => {
    if (element.style.getPropertyValue(name) !== String(value)) element.style.setProperty(name, value);
  };

  // One child per row, kept by key: rows that stay keep their element, and only move when their place changed.
  dom.keyed = (parent, rows, keyOf, create, update) => {
    const known = parent.livewallRows || (parent.livewallRows = new Map());
    const wanted = new Set(rows.map(keyOf));
    for (const [key, element] of known) {
      if (wanted.has(key)) continue;
      element.remove();
      known.delete(key);
    }
    let place = parent.firstElementChild;
    rows.forEach((row, index) => {
      const key = keyOf(row);
      let element = known.get(key);
      if (!element) {
        element = create(row);
        known.set(key, element);
      }
      if (element === place) place = place.nextElementSibling;
      else parent.insertBefore(element, place);
      update(element, row, index);
    });
  };

  // A number in parts: sign and currency small before it, the step word (万, M) small after it.
  dom.number = (className, parent) => {
    const box = dom.make("span", `number ${className || ""}`, parent);
    box.parts = ["sign", "prefix", "number", "unit"].map((name) => [name, dom.make("span", `n-${name}`, box)]);
    return box;
  };
  dom.setNumber = (box, parts) => {
    for (const [name, element] of box.parts) dom.text(element, parts[name]);
  };

  // A change: an arrow and a text; the colour follows the direction by CSS (red-up or green-up).
  dom.change = (className, parent) => {
    const box = dom.make("span", `change ${className || ""}`, parent);
    box.words = dom.make("span", "change-text", box);
    return box;
  };
  dom.setChange = (box, change) => {
    dom.hide(box, !change);
    if (!change) return;
    dom.attr(box, "data-direction", change.direction);
    dom.attr(box, "data-good", change.good);
    dom.text(box.words, change.text);
  };

  // Makes an element a filter: the shell listens for clicks and keys on [data-filter][data-code].
  dom.pick = (element, dimension, code, selected, anySelected) => {
    dom.attr(element, "data-filter", code === "" ? null : dimension);
    dom.attr(element, "data-code", code === "" ? null : code);
    dom.attr(element, "role", code === "" ? null : "button");
    dom.attr(element, "tabindex", code === "" ? null : 0);
    dom.attr(element, "aria-pressed", code === "" ? null : String(Boolean(selected)));
    dom.attr(element, "data-dim", anySelected && !selected ? "" : null);
  };

  // A small switch on a tile, remembered on this screen; a board in kiosk shows no switch and keeps the choice.
  dom.segments = (parent, name, onChange) => {
    const box = dom.make("div", "segments", parent);
    box.setAttribute("role", "group");
    box.choices = [];
    box.set = (choices, fallback) => {
      box.choices = choices.map((choice) => choice.code);
      const wanted = livewall.prefs.get(name, fallback);
      box.value = box.choices.includes(wanted) ? wanted : box.choices[0];
      dom.keyed(
        box,
        choices,
        (choice) => choice.code,
        (choice) => {
          const button = dom.make("button", "segment");
          button.type = "button";
          button.addEventListener("click", () => {
            livewall.prefs.set(name, choice.code);
            box.value = choice.code;
            mark();
            onChange(choice.code);
          });
          return button;
        },
        (button, choice) => dom.text(button, choice.label),
      );
      mark();
      return box.value;
    };
    const mark = () =>
      [...box.children].forEach((button, index) => dom.attr(button, "aria-pressed", String(box.choices[index] === box.value)));
    return box;
  };

  // Writes a value as the server would, from the rules the server sent (`scale`): for what is too much to send as text.
  livewall.write = (value, scale) => {
    if (value === null || value === undefined) return "—";
    if (scale.percent) {
      const percent = value * 100;
      return `${percent.toFixed(Math.abs(percent) < 10 ? 2 : 1)}%`;
    }
    const size = Math.abs(value);
    const sign = value < 0 ? "-" : "";
    const grouped = (number, digits) =>
      number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const step = size >= scale.first && scale.steps.find(([limit]) => size >= limit);
    if (!step) {
      const digits = size >= 1000 || Number.isInteger(size) ? 0 : scale.prefix ? 2 : 1;
      return `${sign}${scale.prefix}${grouped(size, digits)}${scale.tail}`;
    }
    const first = step === scale.steps[0];
    return `${sign}${scale.prefix}${grouped(size / step[0], first || size < 10 * step[0] ? 2 : 1)}${step[1]}${scale.tail}`;
  };

  // Rolling digits. The text itself stands hidden beside them, for readers and tests; each digit is a strip 0-9 that
  // CSS moves, so nothing is laid out again. Places are counted from the right: the units stay the units.
  livewall.roll = (element, text) => {
    if (element.dataset.text === text) return;
    element.dataset.text = text;
    if (!element.rollText) {
      element.rollText = dom.make("span", "hidden-text", element);
      element.rollBox = dom.make("span", "roll", element);
      element.rollBox.setAttribute("aria-hidden", "true");
    }
    dom.text(element.rollText, text);
    dom.style(element, "--chars", text.length);
    const characters = [...text].reverse();
    const rows = characters.map((character, index) => ({ character, key: `${index}${/\d/.test(character) ? "d" : character}` }));
    dom.keyed(
      element.rollBox,
      rows.reverse(),
      (row) => row.key,
      (row) => dom.make("i", /\d/.test(row.character) ? "roll-digit" : "roll-mark"),
      (cell, row) => {
        if (cell.className === "roll-digit") dom.style(cell, "--digit", row.character);
        else dom.attr(cell, "data-mark", row.character);
      },
    );
  };

  // A card beside the pointer: a title and rows of {key, label, text, change}. It never catches the pointer itself.
  dom.hoverCard = (parent) => {
    const card = dom.make("div", "hover-card", parent);
    card.hidden = true;
    const name = dom.make("div", "hover-card-name", card);
    const list = dom.make("div", "", card);
    card.fill = (title, rows) => {
      card.hidden = false;
      dom.text(name, title);
      dom.keyed(
        list,
        rows,
        (row) => row.key,
        () => {
          const line = dom.make("div", "hover-card-row");
          line.label = dom.make("span", "", line);
          line.text = dom.make("b", "", line);
          line.moved = dom.change("", line);
          return line;
        },
        (line, row) => {
          dom.text(line.label, row.label);
          dom.text(line.text, row.text || "");
          dom.setChange(line.moved, row.change);
        },
      );
    };
    card.place = ({ clientX, clientY }) => {
      const box = parent.getBoundingClientRect();
      dom.attr(card, "data-side", clientX - box.left > box.width / 2 ? "left" : "right");
      dom.style(card, "left", `${clientX - box.left}px`);
      dom.style(card, "top", `${Math.min(clientY - box.top, box.height * 0.6)}px`);
    };
    return card;
  };

  // A sparkline in a box of any shape: heights 0-1, gaps where there was no number.
  dom.sparkline = (parent) => {
    const box = dom.make("div", "spark", parent);
    const svg = dom.svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }, box);
    box.area = dom.svg("path", { class: "spark-area" }, svg);
    box.line = dom.svg("path", { class: "spark-line", "vector-effect": "non-scaling-stroke" }, svg);
    box.dot = dom.make("i", "spark-dot", box);
    return box;
  };
  dom.setSparkline = (box, heights) => {
    const last = heights.length - 1;
    const points = heights
      .map((height, index) => (height === null ? null : [(index / Math.max(last, 1)) * 100, 94 - height * 88]))
      .filter(Boolean);
    dom.hide(box, points.length < 2);
    if (box.hidden) return;
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(2)},${y.toFixed(2)}`).join("");
    const [endX, endY] = points[points.length - 1];
    dom.attr(box.line, "d", path);
    dom.attr(box.area, "d", `${path}L${endX.toFixed(2)},100L${points[0][0].toFixed(2)},100Z`);
    dom.style(box.dot, "left", `${endX}%`);
    dom.style(box.dot, "top", `${endY}%`);
  };
})();
