/** The menu that hands a run on: as a table, as text, or whole. */

import { h } from "../dom.js";
import { runPath, sentence } from "../api.js";
import { createMenu } from "./menu.js";

/** Format, words, what is in it, whether it needs a table. */
const FORMATS = [
  ["csv", "CSV", "the table", true],
  ["xlsx", "Excel", "table, answer, sources", true],
  ["json", "JSON", "all cells with evidence", false],
  ["md", "Markdown", "answer and table", false],
  ["parquet", "Parquet", "typed columns", true],
  ["zip", "ZIP", "the run itself", false],
];

/**
 * The menu.
 * @returns {{element: HTMLElement, update: function(Object): void, destroy: function(): void}}
 */
export function exportMenu(store, context) {
  let shown = null;
  const menu = createMenu("Export", FORMATS.map(([format, words, hint]) => ({
    words, hint, onchoose: () => save(format),
  })));

  async function save(format) {
    try {
      const path = `${runPath(store.run, "export")}?format=${format}`;
      const { blob, name } = await context.api.bytes(path);
      offer(blob, name || `${store.run}.${format}`);
    } catch (error) {
      context.toast.fail(sentence(error));
    }
  }

  return {
    element: menu.element,
    update(state) {
      const hasTable = Boolean(state.table.contract);
      if (hasTable === shown) return;
      shown = hasTable;
      menu.setDisabled(FORMATS.map(([, , , needsTable]) => needsTable && !hasTable));
    },
    destroy() {
      menu.element.open = false;
    },
  };
}

/** Hands bytes to the browser as a download: a link cannot carry the token, a fetch can. */
function offer(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
