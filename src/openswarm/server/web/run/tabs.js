/** The tabs of a run: one tab stop, arrows go from one to the next. */

import { h, setProp, setText } from "../dom.js";
import { whole } from "../format.js";

const NAMES = { tree: "Agents", table: "Table", timeline: "Timeline", answer: "Answer" };

/**
 * @param {{panel: HTMLElement, onTab: function(string): void}} options
 * @returns {{element: HTMLElement, select: function(string): void, update: function(Object): void}}
 */
export function createTabs({ panel, onTab }) {
  const counts = {};
  const buttons = Object.entries(NAMES).map(([name, words]) => {
    counts[name] = h("span", { class: "tab-count" });
    return h(
      "button",
      {
        type: "button",
        class: "tab",
        role: "tab",
        id: `tab-${name}`,
        "data-name": name,
        "aria-controls": panel.id,
        onclick: () => onTab(name),
      },
      words,
      counts[name],
    );
  });

  function move(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    const at = buttons.indexOf(document.activeElement);
    const ends = { Home: 0, End: buttons.length - 1 };
    const next =
      ends[event.key] ?? (at + (steps[event.key] ?? NaN) + buttons.length) % buttons.length;
    if (Number.isNaN(next)) return;
    event.preventDefault();
    buttons[next].focus();
    buttons[next].click();
  }

  return {
    element: h(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Views of the run", onkeydown: move },
      buttons,
    ),
    select(name) {
      for (const button of buttons) {
        const isShown = button.dataset.name === name;
        setProp(button, "aria-selected", String(isShown));
        setProp(button, "tabindex", isShown ? "0" : "-1");
      }
      setProp(panel, "aria-labelledby", `tab-${name}`);
    },
    update(state) {
      setText(counts.tree, state.agents.size ? whole(state.agents.size) : "");
      setText(counts.table, state.table.contract ? whole(state.table.placed.size) : "");
    },
  };
}
