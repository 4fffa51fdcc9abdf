// What the tests of the gallery's pictures do in a browser: lay out the gallery for a screenshot, cut it, compare it.
(function () {
  "use strict";
  const SNUG = 8; // px: a tile begins where a block of its picture begins
  const STEP = 16; // kept pictures tell colours apart in such steps, which makes them a quarter as large
  const BLOCK = 4; // px of a picture
  const SEEN = 28; // mean difference of a block that is a change; letters drawn by another rasteriser stay below
  const FLAT = 4; // the same for blocks of a single colour, where no rasteriser makes a difference …
  const FLATS = 6; // … if so many of them changed: the edge of a shape is none
  const COLOURS = 256; // with more of them a picture without loss is five times as large
  const HIGH = 650; // px of a tile that are looked at: the list of screens is empty below
  const snug = (length) => Math.ceil(length / SNUG) * SNUG;
  const drawing = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

  async function canvasOf(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return cut(image, 0, 0, image.width, image.height);
  }

  function cut(from, x, y, width, height) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    drawing(canvas).drawImage(from, x, y, width, height, 0, 0, width, height);
    return canvas;
  }

  // How a block differs: the mean over its pixels, beyond what the steps of a kept picture leave open.
  function difference(one, other, line, left, top) {
    const sums = [0, 0, 0];
    let flat = true;
    const first = (top * line + left) * 4;
    for (let y = top; y < top + BLOCK; y += 1) {
      for (let at = (y * line + left) * 4, end = at + BLOCK * 4; at < end; at += 4) {
        for (let c = 0; c < 3; c += 1) {
          sums[c] += Math.max(0, Math.abs(one[at + c] - other[at + c]) - STEP / 2);
          flat = flat && other[at + c] === other[first + c] && Math.abs(one[at + c] - one[first + c]) <= FLAT;
        }
      }
    }
    return { most: Math.max(...sums) / BLOCK ** 2, flat };
  }

  function compare(one, other, { x, y, width, height }) {
    const [a, b] = [one, other].map((canvas) => drawing(canvas).getImageData(x, y, width, height).data);
    const [edges, flats] = [[], []];
    for (let top = 0; top < height; top += BLOCK) {
      for (let left = 0; left < width; left += BLOCK) {
        const { most, flat } = difference(a, b, width, left, top);
        if (most > SEEN) edges.push({ x: x + left, y: y + top, most });
        else if (flat && most > FLAT) flats.push({ x: x + left, y: y + top, most });
      }
    }
    return flats.length >= FLATS ? [...edges, ...flats] : edges;
  }

  // The colours of a picture in STEPs; of more than COLOURS the rare ones become the nearest of the others.
  function posterise(data) {
    const counts = new Map();
    const colours = new Uint32Array(data.length / 4);
    const step = (value) => Math.round(value / STEP);
    for (let at = 0; at < data.length; at += 4) {
      const colour = (step(data[at]) << 10) | (step(data[at + 1]) << 5) | step(data[at + 2]);
      colours[at / 4] = colour;
      counts.set(colour, (counts.get(colour) || 0) + 1);
    }
    const parts = (colour) => [colour >> 10, (colour >> 5) & 31, colour & 31];
    const far = (one, other) => parts(one).reduce((sum, part, c) => sum + (part - parts(other)[c]) ** 2, 0);
    const known = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
    const common = known.slice(0, COLOURS);
    const become = new Map(common.map((colour) => [colour, colour]));
    for (const colour of known.slice(COLOURS)) {
      become.set(colour, common.reduce((best, one) => (far(one, colour) < far(best, colour) ? one : best)));
    }
    colours.forEach((colour, place) => data.set(parts(become.get(colour)).map((part) => part * STEP), place * 4));
  }

  function marked(canvas, blocks) {
    const copy = cut(canvas, 0, 0, canvas.width, canvas.height);
    drawing(copy).strokeStyle = "#ff00ff";
    for (const { x, y } of blocks) drawing(copy).strokeRect(x - 1.5, y - 1.5, BLOCK + 3, BLOCK + 3);
    return copy;
  }

  const taken = new Map(); // kind -> {canvas, faces: [{face, x, y, width, height}] in it}

  window.pictures = {
    size: [0, 0], // px of the gallery
    boxes: {}, // kind -> faces with their places in the gallery

    // Every tile on whole pixels, and nothing between: a new kind does not move the others by a part of a pixel.
    lay() {
      const style = document.createElement("style");
      style.textContent = `body.gallery { padding: 0; } .gallery figure { position: absolute; }
        .gallery-head, .gallery-kind > h2, .gallery figcaption { display: none; }`;
      document.head.append(style);
      let top = 0;
      for (const section of document.querySelectorAll(".gallery-kind")) {
        const tiles = [...section.querySelectorAll("[data-part]")];
        const box = tiles[0].getBoundingClientRect();
        const [width, height] = [snug(box.width), snug(Math.min(box.height, HIGH))];
        const across = Math.max(1, Math.floor(window.innerWidth / width));
        this.boxes[section.id.replace("kind-", "")] = tiles.map((tile, index) => {
          const [x, y] = [(index % across) * width, top + Math.floor(index / across) * height];
          const place = { left: `${x}px`, top: `${y}px`, height: `${height}px`, overflow: "hidden" };
          Object.assign(tile.closest("figure").style, place);
          return { face: tile.dataset.part.split("-").pop(), x, y, width, height };
        });
        top += Math.ceil(tiles.length / across) * height;
      }
      document.body.style.height = `${top}px`;
      this.size = [window.innerWidth, top];
    },

    // Charts are drawn some time after their numbers came.
    settled() {
      const { theme } = document.documentElement.dataset;
      const charts = [...document.querySelectorAll(".chart")];
      const drawn = charts.length > 0 && charts.every((chart) => chart.dataset.wears === theme);
      return drawn && document.fonts.status === "loaded";
    },

    // One element for each thing that is written, of those that are written alike: whose font can be asked for.
    written() {
      const seen = new Set();
      for (const element of document.querySelectorAll("[data-part] *")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
        const { fontFamily, fontWeight } = getComputedStyle(element);
        const key = `${fontFamily} ${fontWeight} ${text}`;
        if (!text.trim() || seen.has(key)) continue;
        seen.add(key);
        element.dataset.written = "";
      }
    },

    // Cut a screenshot of the gallery into a picture a kind.
    async open(shot, boxes, scale) {
      const whole = await canvasOf(`data:image/png;base64,${shot}`);
      for (const [kind, places] of Object.entries(boxes)) {
        const top = Math.min(...places.map((place) => place.y));
        const faces = places.map(({ face, x, y, width, height }) => {
          const [left, above, wide, high] = [x, y - top, width, height].map((length) => length * scale);
          return { face, x: left, y: above, width: wide, height: high };
        });
        const width = Math.max(...faces.map((face) => face.x + face.width));
        const height = Math.max(...faces.map((face) => face.y + face.height));
        taken.set(kind, { canvas: cut(whole, 0, top * scale, width, height), faces });
      }
    },

    // The picture of a kind as it is kept.
    kept(kind) {
      const { width, height } = taken.get(kind).canvas;
      const canvas = cut(taken.get(kind).canvas, 0, 0, width, height);
      const image = drawing(canvas).getImageData(0, 0, width, height);
      posterise(image.data);
      drawing(canvas).putImageData(image, 0, 0);
      return canvas.toDataURL("image/webp", 1); // 1: without loss
    },

    // Faces of a kind that changed, the picture that was taken and one with the changes marked.
    async changed(kind, url) {
      const [{ canvas, faces }, other] = [taken.get(kind), await canvasOf(url)];
      const shape = ({ width, height }) => `${width}×${height}`;
      const same = shape(canvas) === shape(other);
      const found = same ? faces.map((face) => ({ face: face.face, blocks: compare(canvas, other, face) })) : [];
      const changes = found.filter(({ blocks }) => blocks.length);
      return {
        size: same ? "" : `${shape(canvas)} instead of ${shape(other)} px`,
        faces: changes.map(({ face, blocks }) => [face, blocks.length, Math.max(...blocks.map(({ most }) => most))]),
        taken: same && !changes.length ? "" : canvas.toDataURL(),
        marked: changes.length ? marked(canvas, changes.flatMap(({ blocks }) => blocks)).toDataURL() : "",
      };
    },
  };
})();
