/**
 * Text of a model as elements: headings, paragraphs, lists, tables, code, links to http(s). Only
 * these are ever made; everything else stays text.
 */

import { h } from "../dom.js";
import { clean, isAddress } from "../format.js";

const MOST_CHARS = 200_000;
const ITEM = /^(\s*)([-*•+]|\d{1,4}[.)])\s+(.*)$/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const FENCE = /^\s{0,3}(```|~~~)/;
const TABLE = /^\s*\|.*\|\s*$/;
const RULE = /^\s*\|[\s:|-]+\|\s*$/;
const INLINE = new RegExp(
  [
    /(`[^`\n]+`)/,
    /\*\*([^*\n]+)\*\*/,
    /\[([^\]\n]{1,300})\]\((https?:\/\/[^\s()]+)\)/,
    /(https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?])/,
    /\[(c\d+)\]/,
    /\[\[([^[\]|\n]{1,400})\|([^[\]|\n]{1,100})\]\]/,
    /(\[no cell\])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/**
 * The elements of a text.
 * @param {string} text
 * @param {{cite?: function(string): (Node|null), cell?: function(string, string): Node}} [links]
 *   `cite` makes what stands for a mark (`c1`), `cell` what stands for a row and a column
 * @returns {HTMLElement}
 */
export function prose(text, links = {}) {
  const lines = clean(text.slice(0, MOST_CHARS)).split("\n");
  const element = h("div", { class: "prose" });
  let at = 0;
  while (at < lines.length) {
    const [block, next] = blockAt(lines, at, links);
    if (block) element.append(block);
    at = next;
  }
  if (text.length > MOST_CHARS) {
    element.append(h("p", { class: "muted" }, "The rest is too long to be shown here."));
  }
  return element;
}

function blockAt(lines, at, links) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fenced(lines, at);
  const heading = HEADING.exec(line);
  if (heading) return [h("p", { class: "prose-head" }, inline(heading[2], links)), at + 1];
  if (TABLE.test(line)) return tableAt(lines, at, links);
  if (ITEM.test(line)) return listAt(lines, at, links);
  return paragraphAt(lines, at, links);
}

function fenced(lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  return [h("pre", { class: "code" }, lines.slice(at + 1, end).join("\n")), end + 1];
}

function paragraphAt(lines, at, links) {
  let end = at;
  const isPlain = (line) =>
    line.trim() &&
    !FENCE.test(line) &&
    !HEADING.test(line) &&
    !ITEM.test(line) &&
    !TABLE.test(line);
  while (end < lines.length && (end === at || isPlain(lines[end]))) end += 1;
  const parts = lines
    .slice(at, end)
    .flatMap((line, index) => [index > 0 && h("br"), inline(line, links)]);
  return [h("p", null, parts), end];
}

function listAt(lines, at, links) {
  const isNumbered = /\d/.test(ITEM.exec(lines[at])[2]);
  const list = h(isNumbered ? "ol" : "ul");
  let end = at;
  for (; end < lines.length; end += 1) {
    const item = ITEM.exec(lines[end]);
    if (!item || /\d/.test(item[2]) !== isNumbered) break;
    const depth = Math.min(3, Math.floor(item[1].length / 2));
    list.append(h("li", { class: depth ? `deep-${depth}` : null }, inline(item[3], links)));
  }
  return [list, end];
}

function tableAt(lines, at, links) {
  let end = at;
  while (end < lines.length && TABLE.test(lines[end])) end += 1;
  const rows = lines.slice(at, end);
  const hasHead = rows.length > 1 && RULE.test(rows[1]);
  const cells = (row, tag) =>
    row
      .trim()
      .slice(1, -1)
      .split("|")
      .map((cell) => h(tag, null, inline(cell.trim(), links)));
  const body = rows.slice(hasHead ? 2 : 0).filter((row) => !RULE.test(row));
  const table = h(
    "table",
    null,
    hasHead && h("thead", null, h("tr", null, cells(rows[0], "th"))),
    h(
      "tbody",
      null,
      body.map((row) => h("tr", null, cells(row, "td"))),
    ),
  );
  return [
    h("div", { class: "prose-table", tabindex: "0", role: "group", "aria-label": "Table" }, table),
    end,
  ];
}

/** Code, bold, links and marks of one line. */
function inline(text, links) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const made = partOf(found, links);
    if (made === null) continue;
    parts.push(text.slice(at, found.index), made);
    at = found.index + found[0].length;
  }
  return [...parts, text.slice(at)];
}

function partOf([, code, bold, words, target, bare, mark, row, column, none], links) {
  if (code) return h("code", null, code.slice(1, -1));
  if (bold) return h("strong", null, bold);
  if (words && isAddress(target)) return address(target, words);
  if (bare) return address(bare, bare);
  if (mark) return links.cite?.(mark) ?? null;
  if (row) return links.cell?.(row.trim(), column.trim()) ?? null;
  return none
    ? h("span", { class: "no-cell", title: "No cell of the table supports this" }, "no cell")
    : null;
}

/** A link that leads away, telling nobody where from. */
export function address(href, words = href) {
  return h("a", { href, rel: "noopener noreferrer", target: "_blank" }, words);
}
