/** Files that are uploaded for a run: chosen or dropped, several at once, each taken back alone. */

import { h, replace, setProp, setText } from "../dom.js";
import { sentence } from "../api.js";
import { clean, size } from "../format.js";
import { icon } from "../icons.js";

/**
 * A place for files.
 * @param {Object} options
 * @param {Object} options.api
 * @param {Object[]} options.files {id, filename, bytes}, changed in place
 * @param {string} options.label
 * @param {string} [options.accept]
 * @param {boolean} [options.several] whether more than one is taken
 * @param {function(): void} options.changed
 * @returns {{element: HTMLElement, fail: function(string): void}}
 */
export function uploads({ api, files, label, accept = "", several = true, changed }) {
  const coming = new Set();
  const list = h("ul", { class: "file-list" });
  const said = h("p", { class: "error", role: "alert", hidden: true });
  const input = h("input", { type: "file", class: "visually-hidden", multiple: several, accept,
    tabindex: -1, "aria-hidden": "true", onchange: () => add(input.files) });
  const button = h("button", { type: "button", class: "button button-small",
    onclick: () => input.click() }, icon("file"), label);
  const element = h("div", { class: "drop", ondragover: over, ondragleave: leave, ondrop: drop },
    h("div", { class: "row" }, button, h("span", { class: "hint" }, "or drop them here"), input),
    list, said);

  async function add(chosen) {
    const taken = several ? [...chosen] : [...chosen].slice(0, 1);
    fail("");
    await Promise.all(taken.map(upload));
    input.value = "";
  }

  async function upload(file) {
    const entry = { filename: file.name, bytes: file.size };
    coming.add(entry);
    draw();
    try {
      const { id, filename, bytes } = await api.upload(file);
      if (!several) files.length = 0;
      files.push({ id, filename, bytes });
    } catch (error) {
      fail(`${clean(file.name)}: ${sentence(error)}`);
    }
    coming.delete(entry);
    draw();
    changed();
  }

  function fail(text) {
    setText(said, text);
    setProp(said, "hidden", !text);
  }

  function remove(file) {
    files.splice(files.indexOf(file), 1);
    draw();
    button.focus();
    changed();
  }

  function draw() {
    const items = [...files, ...coming].map((file) => {
      const name = clean(file.filename);
      return h("li", { class: "file" }, icon("file"), h("span", { class: "cut" }, name),
        h("span", { class: "muted small" }, coming.has(file) ? "uploading…" : size(file.bytes)),
        !coming.has(file) && h("button", { type: "button", class: "button-icon",
          "aria-label": `Take back ${name}`, onclick: () => remove(file) }, icon("close")));
    });
    replace(list, items);
    setProp(list, "hidden", items.length === 0);
  }

  function over(event) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    setProp(element, "data-over", true);
  }

  function leave(event) {
    if (!element.contains(event.relatedTarget)) setProp(element, "data-over", null);
  }

  function drop(event) {
    setProp(element, "data-over", null);
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  }

  draw();
  return { element, fail };
}
