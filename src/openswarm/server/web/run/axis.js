/** The axis of the timeline: times on the line, moved while the run gets longer. */

import { h, setProp } from "../dom.js";
import { duration } from "../format.js";
import { ticksOf } from "./scale.js";

/**
 * An axis over the lanes of a scroller.
 * @returns {{element: HTMLElement, update: function(number, number): void, destroy: function():
 *   void}} `update` takes the seconds in all and the zoom
 */
export function createAxis(scroller, labelWidth) {
  const ticks = h("div", { class: "axis-ticks" });
  const corner = h("div", { class: "axis-corner" });
  const element = h("div", { class: "axis", "aria-hidden": "true" }, ticks, corner);
  let width = 0;
  const watch = new ResizeObserver(([entry]) => (width = entry.contentRect.width));
  watch.observe(scroller);

  return {
    element,
    update(total, zoom) {
      const times = ticksOf(total, Math.max(0, width - labelWidth) * zoom);
      while (ticks.children.length > times.length) ticks.lastChild.remove();
      while (ticks.children.length < times.length) {
        ticks.append(h("span", { class: "tick small" }, document.createTextNode("")));
      }
      times.forEach((seconds, index) => {
        const tick = ticks.children[index];
        const words = seconds % 1 ? `${seconds.toFixed(1)} s` : duration(seconds);
        if (tick.firstChild.data !== words) tick.firstChild.data = words;
        setProp(tick, "vars", { "--x": `${((seconds / total) * 100).toFixed(2)}%` });
      });
    },
    destroy: () => watch.disconnect(),
  };
}
