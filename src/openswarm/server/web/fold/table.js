/**
 * The table of a run as a fold over its events: contract, rows, conflicts, earlier generations.
 *
 * Maps are copied when they are first changed after a copy of the table was taken, so that a copy
 * costs nothing.
 */

import { cellOf, foldKey, keyOf, keyOfName } from "./keys.js";

const EMPTY_CELL = {
  value: "",
  raw: "",
  source: "",
  quote: "",
  agent: "",
  step: 0,
  confidence: "",
  state: "empty",
};
const OWNED = ["placed", "conflicts", "expected"];

/** A table before the first event. */
export function emptyTable() {
  return {
    contract: null,
    /** Key → {place, row}. */
    placed: new Map(),
    /** The table before any report of this generation came. */
    base: new Map(),
    /** Key and column → {key, column, kept, others, rule}. */
    conflicts: new Map(),
    /** What rows were assigned: folded name → name. */
    expected: new Map(),
    /** The rows that this generation began with. */
    before: new Map(),
    generation: 0,
    /** Another number whenever the table is another. */
    version: 0,
    earlier: [],
    shared: new Set(),
  };
}

/** A table that goes on by itself from here. */
export function copyTable(table) {
  for (const name of OWNED) table.shared.add(name);
  return { ...table, earlier: [...table.earlier], shared: new Set(OWNED) };
}

/** The rows in the order in which they were assigned. */
export function rowsOf(table) {
  return [...table.placed.values()].sort(byPlace).map((entry) => entry.row);
}

/** What sub-agents disagreed on in one cell, or undefined. */
export function conflictOf(table, row, column) {
  if (table.conflicts.size === 0) return undefined;
  return table.conflicts.get(cellKey(keyOf(table.contract, row), column));
}

/** Takes one event. */
export function applyToTable(table, event) {
  const change = CHANGES[event.type];
  if (!change) return;
  change(table, event);
  table.version = event.seq;
}

const CHANGES = {
  run_started(table, { task }) {
    table.contract = task.contract ?? null;
    const rows = task.rows ?? [];
    put(
      table,
      rows,
      rows.map((_, place) => [0, place]),
    );
    keepBase(table);
  },
  contract_declared(table, event) {
    table.contract = event.contract;
  },
  task_assigned(table, { agent, item }) {
    if (agent.startsWith("root/") && item) own(table, "expected").set(foldKey(item), item);
  },
  rows_merged(table, event) {
    put(table, event.rows, event.places);
  },
  conflict_found(table, { key, column, kept, other, more, rule }) {
    const conflict = { key, column, kept, others: [other, ...(more ?? [])], rule };
    own(table, "conflicts").set(cellKey(key, column), conflict);
  },
  generation_started(table, event) {
    for (const name of OWNED) table.shared.add(name);
    const { contract, placed, conflicts, expected, before, generation } = table;
    table.earlier.push({ contract, placed, conflicts, expected, before, generation });
    table.generation = event.number;
    table.before = placed;
    keepBase(table);
  },
  edited(table, event) {
    if (event.contract) reshape(table, event.contract, event.renamed ?? {});
    if (event.removed?.length) remove(table, new Set(event.removed.map(keyName)));
    put(table, event.rows ?? [], event.places ?? []);
    for (const conflict of event.conflicts ?? []) {
      own(table, "conflicts").set(cellKey(conflict.key, conflict.column), conflict);
    }
    keepBase(table);
  },
  undone(table, event) {
    while (table.earlier.length && table.generation >= event.generation) {
      Object.assign(table, table.earlier.pop());
    }
    for (const name of OWNED) table.shared.add(name);
    keepBase(table);
  },
};

function keepBase(table) {
  table.base = table.placed;
  table.shared.add("placed");
}

/** The map of that name, as one that may be changed. */
function own(table, name) {
  if (table.shared.delete(name)) table[name] = new Map(table[name]);
  return table[name];
}

function put(table, rows, places) {
  if (table.contract === null) return;
  rows.forEach((row, index) => {
    const key = keyOf(table.contract, row);
    own(table, "placed").set(keyName(key), { place: places[index], row });
    if (table.conflicts.size) forgetConflicts(table, key, row);
  });
}

/** A conflict is over when something else than what it kept stands in its cell. */
function forgetConflicts(table, key, row) {
  for (const [column, cell] of Object.entries(row.cells)) {
    const conflict = table.conflicts.get(cellKey(key, column));
    if (conflict && !isSameCell(conflict.kept, cell)) {
      own(table, "conflicts").delete(cellKey(key, column));
    }
  }
}

function reshape(table, contract, renamed) {
  const before = (name) => (Object.hasOwn(renamed, name) ? renamed[name] : name);
  const names = contract.columns.map((column) => column.name);
  const after = new Map(names.map((name) => [before(name), name]));
  table.contract = contract;
  const conflicts = [...table.conflicts.values()]
    .filter((conflict) => after.has(conflict.column))
    .map((conflict) => ({ ...conflict, column: after.get(conflict.column) }));
  table.conflicts = new Map(conflicts.map((each) => [cellKey(each.key, each.column), each]));
  const entries = [...table.placed.values()].map(({ place, row }) => {
    const cells = names.map((name) => [name, cellOf(row, before(name)) ?? EMPTY_CELL]);
    return { place, row: { cells: Object.fromEntries(cells) } };
  });
  table.placed = new Map(entries.map((entry) => [keyName(keyOf(contract, entry.row)), entry]));
}

function remove(table, keys) {
  const without = (map, isGone) => new Map([...map].filter(([key, value]) => !isGone(key, value)));
  table.placed = without(table.placed, (key) => keys.has(key));
  table.expected = without(table.expected, (_, name) =>
    keys.has(keyName(keyOfName(table.contract, name))),
  );
  table.conflicts = without(table.conflicts, (_, conflict) => keys.has(keyName(conflict.key)));
}

function keyName(key) {
  return JSON.stringify(key);
}

function cellKey(key, column) {
  return JSON.stringify([key, column]);
}

function isSameCell(one, other) {
  return Object.entries(EMPTY_CELL).every(
    ([name, nothing]) => (one[name] ?? nothing) === (other[name] ?? nothing),
  );
}

function byPlace(one, other) {
  const [a, b] = [one.place, other.place];
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    if (a[index] !== b[index]) return a[index] - b[index];
  }
  return a.length - b.length;
}
