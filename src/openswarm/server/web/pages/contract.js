/**
 * A table's columns as they are typed, and as the line of text that `--columns` takes. Pure; knows
 * no DOM.
 */

export const TYPES = ["text", "number", "date", "url", "boolean", "enum"];

/** A column of which nothing is said. */
export function emptyColumn() {
  return { name: "", type: "text", definition: "", unit: "", key: false, required: false,
    source: false };
}

/**
 * Columns as text.
 * @param {Object[]} columns
 * @returns {{text: string, key: string[], problem: string}} `problem` is a sentence, '' for none
 */
export function columnsText(columns) {
  const named = columns.filter((column) => column.name.trim());
  const nameless = columns.find((c) => !c.name.trim() && (c.definition.trim() || c.unit.trim()));
  const problem = nameless ? "A column has no name." : named.map(problemOf).find(Boolean) ?? "";
  const key = named.filter((column) => column.key).map((column) => column.name.trim());
  return { text: named.map(columnText).join("; "), key, problem };
}

/** One column as text: `area (number, km2, required): total area`. */
export function columnText(column) {
  const unit = column.unit.trim();
  const facts = [
    (column.type !== "text" || unit) && column.type,
    unit,
    column.required && "required",
    column.source && "with source",
  ].filter(Boolean);
  const definition = column.definition.trim();
  return column.name.trim() + (facts.length ? ` (${facts.join(", ")})` : "") +
    (definition ? `: ${definition}` : "");
}

function problemOf(column) {
  const name = column.name.trim();
  if (/[:;()]/.test(name)) return `The name ${name} may not have : ; ( or ) in it.`;
  if (column.definition.includes(";")) return `The definition of ${name} may not have ; in it.`;
  if (/[;()]/.test(column.unit)) return `The unit of ${name} may not have ; ( or ) in it.`;
  if (column.type === "enum" && column.unit.split("|").filter((o) => o.trim()).length < 2) {
    return `Say what ${name} may be, such as open | closed.`;
  }
  return "";
}
