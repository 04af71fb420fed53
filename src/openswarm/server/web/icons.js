/**
 * The few shapes of the view, and the mark that says how work stands: shape, colour and word.
 */

import { h, svg, setProp, setText } from "./dom.js";

const RING = "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 1 0 0-11.5";
const SHAPES = {
  done: [{ d: "M8 6.2a1.8 1.8 0 1 0 0 3.6a1.8 1.8 0 1 0 0-3.6", fill: true }],
  queued: [{ d: RING, dash: "2 2.5" }],
  running: [{ d: RING, faint: true }, { d: "M8 2.25a5.75 5.75 0 0 1 5.75 5.75" }],
  suspended: [{ d: RING }, { d: "M6.4 6v4M9.6 6v4" }],
  stopping: [{ d: RING }, { d: "M6.25 6.25h3.5v3.5h-3.5z", fill: true }],
  completed: [{ d: RING }, { d: "M5.3 8.2l1.9 1.9l3.5-3.9" }],
  partial: [{ d: RING }, { d: "M8 4.2a3.8 3.8 0 0 1 0 7.6z", fill: true }],
  failed: [{ d: RING }, { d: "M5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2" }],
  cancelled: [{ d: RING }, { d: "M4.2 11.8l7.6-7.6" }],
  empty: [{ d: RING }],
  interrupted: [{ d: RING, dash: "5 3" }, { d: "M8 5v3.4M8 10.6v.2" }],
  damaged: [{ d: "M8 2.5l6 10.8h-12z" }, { d: "M8 6.6v3M8 11.4v.2" }],
  close: [{ d: "M4 4l8 8M12 4l-8 8" }],
  open: [{ d: "M6 3.5l4.5 4.5l-4.5 4.5" }],
  down: [{ d: "M3.5 6l4.5 4.5l4.5-4.5" }],
  play: [{ d: "M5 3.2l7.5 4.8l-7.5 4.8z", fill: true }],
  pause: [{ d: "M5.5 3.5v9M10.5 3.5v9", wide: true }],
  search: [{ d: "M7 2.75a4.25 4.25 0 1 0 0 8.5a4.25 4.25 0 1 0 0-8.5M10.2 10.2l3.3 3.3" }],
  plus: [{ d: "M8 3v10M3 8h10" }],
  theme: [{ d: RING }, { d: "M8 2.25a5.75 5.75 0 0 1 0 11.5z", fill: true }],
  more: [{ d: "M3.5 8h.01M8 8h.01M12.5 8h.01", wide: true }],
  file: [{ d: "M4 1.8h5l3 3v9.4h-8zM9 1.8v3h3" }],
  lock: [{ d: "M4 7.2h8v6h-8zM5.6 7.2v-2a2.4 2.4 0 0 1 4.8 0v2" }],
  undo: [{ d: "M3 6.5h6.5a3.25 3.25 0 0 1 0 6.5h-3M5.8 3.5l-3 3l3 3" }],
};

/** A shape of 16 by 16, hidden from screen readers: words stand beside it. */
export function icon(name, className = "") {
  return svg(
    "svg",
    { class: ["icon", className], viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    pathsOf(name),
  );
}

/** What says how work stands: the outcome where it is done, else the state. */
export function standing(state, outcome) {
  return state === "done" && outcome ? outcome : outcome && !state ? outcome : state || "queued";
}

/**
 * A mark of shape and word that can be changed in place.
 * @param {string} name a state or an outcome
 * @param {string} [word] what is written beside the shape; the name by default
 * @returns {{element: HTMLElement, set: function(string, string=): void}}
 */
export function createMark(name = "queued", word = name) {
  const shape = icon(name);
  const text = h("span", { class: "mark-word" }, word);
  const element = h("span", { class: "mark", "data-is": name }, shape, text);
  let shown = name;
  return {
    element,
    set(wanted, words = wanted) {
      setText(text, words);
      if (wanted === shown) return;
      shown = wanted;
      setProp(element, "data-is", wanted);
      shape.replaceChildren(...pathsOf(wanted));
    },
  };
}

/** A mark that stays as it is. */
export function mark(name, word = name) {
  return createMark(name, word).element;
}

function pathsOf(name) {
  return (SHAPES[name] ?? SHAPES.empty).map(({ d, dash, fill, faint, wide }) =>
    svg("path", {
      d,
      "stroke-dasharray": dash,
      class: [fill && "icon-fill", faint && "icon-faint", wide && "icon-wide"],
    }),
  );
}
