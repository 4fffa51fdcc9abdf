// Applies what changed to what the screen has: the other end of layouts/patch.py, where the format is described.
(function () {
  "use strict";
  const livewall = window.livewall;

  function wrong() {
    throw new Error("the patch was made for another frame");
  }

  function objects(old, patch) {
    if (old === null || typeof old !== "object" || Array.isArray(old)) wrong();
    const dropped = new Set(patch.d || []);
    for (const key of dropped) if (!(key in old)) wrong();
    const made = {};
    for (const key of Object.keys(old)) if (!dropped.has(key)) made[key] = old[key];
    for (const [key, inner] of Object.entries(patch.k || {})) made[key] = apply(made[key], inner);
    return made;
  }

  function lists(old, patch) {
    if (!Array.isArray(old)) wrong();
    const head = patch.h || 0;
    const kept = old.slice(head, patch.n === undefined ? undefined : head + patch.n);
    for (const [index, inner] of Object.entries(patch.i || {})) {
      if (!(index in kept)) wrong();
      kept[index] = apply(kept[index], inner);
    }
    return kept.concat(patch.t || []);
  }

  // The value that the patch was built for; `old` stays as it is, and what did not change is shared with it.
  function apply(old, patch) {
    if ("r" in patch) return patch.r;
    if ("k" in patch || "d" in patch) return objects(old, patch);
    return Object.keys(patch).length ? lists(old, patch) : old;
  }

  livewall.patched = apply;
})();
