/** Cells as people read them: values, marks, and what an edit changed. Pure; knows no DOM. */

import { cellOf, foldKey, keyOfName, rowName } from "../fold/keys.js";
import { rowsOf } from "../fold/table.js";

const GROUPED_FROM = 4;
const WIDEST = 36;
const NARROWEST = 9;
const MEASURED = 400;
const WHOLE = /^(-?)(\d+)(.*)$/s;

/** What is no state, and still something to look for. */
export const CHANGED = "changed";
export const MISSING = "missing";

/** How each state of a cell is marked, called and explained. */
export const STATES = {
  conflict: ["!", "conflict", "Sub-agents disagree, and no rule has settled it."],
  unverified: ["?", "unverified", "Nothing that was read shows this value."],
  empty: ["–", "empty", "Nothing was found."],
  locked: ["*", "locked", "Set by hand; no later work changes it."],
  edited: ["~", "edited", "Set by hand, and unlocked again."],
  settled: ["≠", "settled", "Sub-agents said otherwise, and a rule chose this value."],
  filled: ["", "filled", "The quote stands in a source that the sub-agent read."],
};

const NOTHING = { value: "", raw: "", source: "", quote: "", agent: "", step: 0, confidence: "",
  state: "empty" };

/** A cell with all its fields; an empty one where there is none. */
export function cellIn(row, column) {
  return { ...NOTHING, ...(row && cellOf(row, column)) };
}

/** What sub-agents disagreed on in a cell of a line, or undefined. */
export function conflictAt(table, line, column) {
  if (table.conflicts.size === 0 || !line.row) return undefined;
  return table.conflicts.get(`[${line.key},${JSON.stringify(column)}]`);
}

/** The state of a cell; `settled` where it was decided which of several values stands. */
export function stateOf(table, line, column) {
  const { state } = cellIn(line.row, column);
  return state === "filled" && conflictAt(table, line, column) ? "settled" : state;
}

/** A value with the thousands of a long number set off, as the terminal shows it. */
export function shownValue(value, column) {
  const found = column.type === "number" ? WHOLE.exec(value) : null;
  if (!found || (found[3] && !found[3].startsWith("."))) return value;
  const [, sign, digits, rest] = found;
  const isGrouped = column.unit || digits.length > GROUPED_FROM;
  return sign + (isGrouped ? BigInt(digits).toLocaleString("en-US") : digits) + rest;
}

/** A column's kind in a few words: `number, km2`. '' for plain text. */
export function kindOf(column) {
  const options = (column.options ?? []).join(" | ");
  const kind = (column.type ?? "text") === "text" && !column.unit ? "" : column.type;
  return [kind, column.unit, options].filter(Boolean).join(", ");
}

/** A column's kind for its head: the unit, else the type. */
function shortKind(column) {
  return column.unit || ((column.type ?? "text") === "text" ? "" : column.type);
}

/**
 * The lines of a table: its rows in order, then those that were assigned and are not there.
 * @returns {Array<{key: string, name: string, row: Object|null}>} `row` is null for a missing one
 */
export function linesOfTable(table) {
  const { contract } = table;
  if (!contract) return [];
  const keys = new Map([...table.placed].map(([key, { row }]) => [row, key]));
  const rows = rowsOf(table);
  const there = rows.map((row) => ({ key: keys.get(row), name: rowName(contract, row), row }));
  const missing = contract.key.length > 1 ? [] : [...table.expected.values()].filter(
    (name) => !table.placed.has(JSON.stringify(keyOfName(contract, name))));
  const lines = missing.map((name) => ({ key: `missing ${foldKey(name)}`, name, row: null }));
  return [...there, ...lines];
}

/**
 * What the last edit changed.
 * @param {Object} state
 * @returns {function(string, string): (Object|null)} for a line's key and a column the cell as it
 *   was before, where it is another now; null where nothing changed
 */
export function changesOf(state) {
  const { table } = state;
  if (!table.generation) return () => null;
  const started = state.generations.find((each) => each.number === table.generation);
  const before = new Map();
  for (const { op, column, to } of started?.operations ?? []) {
    if (op === "rename_column") before.set(to, before.get(column) ?? column);
  }
  return (key, column) => {
    const now = cellIn(table.placed.get(key)?.row, column);
    const then = cellIn(table.before.get(key)?.row, before.get(column) ?? column);
    return isSame(now, then) ? null : then;
  };
}

function isSame(one, other) {
  const isBare = !one.value && !other.value;
  return isBare || (one.value === other.value && one.state === other.state);
}

/** What is shown where there is no table. */
export const NO_TABLE = { contract: null, columns: [], lines: [], widths: [], table: null,
  agents: new Map(), changed: () => null, hasMissing: false, generation: 0, why: "" };

/**
 * All that is shown of a table.
 * @param {Object} state of the run
 * @param {Object} before what was read the last time
 * @param {string} why why it cannot be edited
 */
export function readTable(state, before, why) {
  const { table } = state;
  const { contract } = table;
  if (!contract) return { ...NO_TABLE, table, why };
  const isSame = before.contract === contract;
  const columns = isSame ? before.columns : contract.columns.map((column) => ({
    ...column, kind: shortKind(column), isKey: contract.key.includes(column.name),
  }));
  const lines = linesOfTable(table);
  const agents = new Map();
  const hasMissing = lines.some((line) => !line.row);
  if (hasMissing) {
    const byName = new Map(lines.filter((l) => !l.row).map((line) => [line.name, line.key]));
    for (const agent of state.agents.values()) {
      if (byName.has(agent.item)) agents.set(byName.get(agent.item), agent);
    }
  }
  const widths = widthsOf(columns, lines, isSame ? before.widths : []);
  return { contract, columns, lines, table, why, agents, hasMissing, widths,
    changed: changesOf(state), generation: table.generation };
}

/** How wide each column is, in characters. They only grow, so that nothing jumps. */
function widthsOf(columns, lines, before) {
  return columns.map((column, index) => {
    let widest = Math.max(NARROWEST, column.name.length + column.kind.length + 3);
    for (const line of lines.slice(0, MEASURED)) {
      const text = line.row ? shownValue(cellIn(line.row, column.name).value, column) : line.name;
      if (line.row || index === 0) widest = Math.max(widest, text.length + 6);
    }
    return Math.max(before[index] ?? 0, Math.min(WIDEST, widest));
  });
}
