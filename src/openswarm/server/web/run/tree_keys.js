/** The keys of a treegrid: arrows, Home and End, pages, Enter. */

/**
 * Does what a key asks for.
 * @param {KeyboardEvent} event
 * @param {{items: Object[], active: string, page: number, activate: function(number): void,
 *   toggle: function(Object, boolean=): void, open: function(Object): void}} tree
 */
export function walkTree(event, { items, active, page, activate, toggle, open }) {
  if (event.target.closest("button, input, select") || event.ctrlKey || event.metaKey) return;
  const at = items.findIndex((item) => item.key === active);
  if (at < 0) return;
  const item = items[at];
  const last = items.length - 1;
  const moves = {
    ArrowDown: () => activate(Math.min(last, at + 1)),
    ArrowUp: () => activate(Math.max(0, at - 1)),
    PageDown: () => activate(Math.min(last, at + page)),
    PageUp: () => activate(Math.max(0, at - page)),
    Home: () => activate(0),
    End: () => activate(last),
    ArrowRight: () => (item.isOpen ? activate(at + 1) : toggle(item, true)),
    ArrowLeft: () => (item.isOpen ? toggle(item, false) : activate(parentOf(items, at))),
    Enter: () => open(item),
    " ": () => (item.isOpen === null ? open(item) : toggle(item)),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
}

function parentOf(items, at) {
  for (let index = at - 1; index >= 0; index -= 1) {
    if (items[index].level < items[at].level) return index;
  }
  return at;
}
