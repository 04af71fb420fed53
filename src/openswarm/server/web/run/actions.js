/** What can be done to a table from its view, as operations; `edits` carries them out. */

import { field, lineOf } from "../fields.js";
import { columnForm, pickForm, rowsForm } from "./forms.js";

/**
 * The actions.
 * @param {{edits: Object, dialog: Object, table: function(): {names: string[], columns: Object[]}}}
 *   options `table` gives the rows' names and the columns as they stand
 */
export function createActions({ edits, dialog, table }) {
  const apply = (operation, options) => edits.apply([operation], options);

  return {
    set: (line, column, value, options) =>
      apply({ op: "set_cell", row: line.name, column: column.name, value }, options),
    retryCell: (line, column) => apply({ op: "retry_cell", row: line.name, column: column.name }),
    retryRow: (line) => apply({ op: "retry_row", row: line.name }),
    retryFailed: () => apply({ op: "retry_failed" }),
    complete: () => apply({ op: "complete" }),
    unlock: (line, column) => apply({ op: "unlock", row: line.name, column: column.name }),
    unlockRow: (line) => apply({ op: "unlock", row: line.name }),
    unlockColumn: (column) => apply({ op: "unlock", column: column.name }),
    unlockAll: () => apply({ op: "unlock" }, { ask: true }),
    drop: (column) => apply({ op: "drop_column", column: column.name }, { ask: true }),
    remove: (rows) => apply({ op: "remove_rows", rows }, { ask: true }),

    async rename(column) {
      const to = await dialog.prompt({ title: `Rename ${column.name}`, label: "New name",
        value: column.name, verb: "Rename", maxlength: 80 });
      if (!to?.trim() || to.trim() === column.name) return;
      apply({ op: "rename_column", column: column.name, to: to.trim() });
    },

    addColumn() {
      const names = table().columns.map(({ name }) => name);
      columnForm(dialog, names, (column, after) => {
        apply({ op: "add_column", column, ...(after && { after }) });
      });
    },

    addRows() {
      rowsForm(dialog, { title: "Add rows", label: "Rows", hint: "One a line, named by their key.",
        verb: "Add" }, (rows) => apply({ op: "add_rows", rows }));
    },

    split(line) {
      rowsForm(dialog, { title: `Split ${line.name}`, label: "Into", hint: "One row a line.",
        verb: "Split", least: 2 }, (into) => apply({ op: "split_row", row: line.name, into }));
    },

    /** Rows become one, under the name of `line` unless another is given. */
    join(line) {
      const into = field({ label: "Name of the one row", control: lineOf(line?.name ?? "") });
      pickForm(dialog, { title: "Join rows", verb: "Join", names: table().names,
        chosen: line ? [line.name] : [], least: 2, more: [into] }, (rows) => {
        const name = into.control.value.trim();
        apply({ op: "join_rows", rows, ...(name && { into: name }) }, { ask: true });
      });
    },

    removeRows() {
      pickForm(dialog, { title: "Remove rows", verb: "Remove", names: table().names, least: 1 },
        (rows) => apply({ op: "remove_rows", rows }, { ask: true }));
    },

    async reword() {
      const instruction = await dialog.prompt({ title: "Write the answer anew",
        label: "What is to be different", verb: "Write", lines: 3,
        hint: "Such as: shorter, in French. It can be left empty." });
      if (instruction === null) return;
      apply({ op: "reword", instruction: instruction.trim() });
    },
  };
}
