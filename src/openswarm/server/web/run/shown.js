/** What of a table is on the screen: the lines that fit a filter, and each cell as it is drawn. */

import { oneLine } from "../format.js";
import { standing } from "../icons.js";
import { CHANGED, MISSING, STATES, cellIn, shownValue, stateOf } from "./values.js";

/**
 * Whether a line is shown.
 * @param {Object} known what `readTable` gave
 * @param {Object} line
 * @param {{state: string, words: string}} filter a state, CHANGED, MISSING or ''; words in lower
 *   case
 */
export function fits(known, line, { state, words }) {
  if (words && !textOf(line).includes(words)) return false;
  if (!state) return true;
  if (state === MISSING || !line.row) return state === MISSING && !line.row;
  return known.columns.some(({ name }) => state === CHANGED
    ? known.changed(line.key, name) : stateOf(known.table, line, name) === state);
}

/** A cell as the grid draws it: {text, mark, words, state, isChanged}. */
export function cellShown(known, line, column) {
  if (!line.row) return missingCell(known, line, column);
  const cell = cellIn(line.row, column.name);
  const state = stateOf(known.table, line, column.name);
  const [mark, word] = STATES[state] ?? STATES.empty;
  const isChanged = Boolean(known.changed(line.key, column.name));
  const said = [state !== "filled" && word, isChanged && "changed by the last edit"];
  return {
    text: oneLine(shownValue(cell.value, column), 400),
    mark: cell.value || state === "empty" ? mark : "–",
    words: said.filter(Boolean).map((each) => `, ${each}`).join(""),
    state,
    isChanged,
  };
}

function missingCell({ agents, columns }, line, column) {
  const nothing = { text: "", mark: "", words: "", state: "missing", isChanged: false };
  if (columns[0] === column) {
    return { ...nothing, text: oneLine(line.name, 400), words: ", nothing is there" };
  }
  if (columns[1] !== column) return nothing;
  const agent = agents.get(line.key);
  return { ...nothing, text: agent ? standing(agent.state, agent.outcome) : "missing" };
}

function textOf(line) {
  const cells = line.row ? Object.values(line.row.cells) : [];
  return [line.name, ...cells.map((cell) => cell.value ?? "")].join("\n").toLowerCase();
}
