"""What edits of a table come to: changes that are made at once, and cells for sub-agents.

A plan is made in full before anything happens, on a copy of the table, so that one impossible
operation leaves all undone. Planning the same operations on the same table gives the same plan,
which is how an interrupted edit is taken up.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from openswarm.core.contract import fold_key
from openswarm.core.errors import UserError
from openswarm.core.events import Edited, FillReason
from openswarm.core.operations import (
    AddColumn,
    AddRows,
    Complete,
    DropColumn,
    JoinRows,
    Operation,
    RemoveRows,
    RenameColumn,
    RetryCell,
    RetryFailed,
    RetryRow,
    Reword,
    SetCell,
    SplitRow,
    Unlock,
)
from openswarm.core.table import Key, Row
from openswarm.journal.tables import TableFold
from openswarm.swarm import rows as rowwise
from openswarm.swarm.coverage import missing_names
from openswarm.swarm.fill import Fill
from openswarm.swarm.rows import Change


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What operations come to."""

    operations: tuple[Operation, ...]
    changes: tuple[Edited, ...]
    """One for each operation, in order; some change nothing at once."""
    fills: tuple[Fill, ...]
    reword: Reword | None

    @property
    def num_cells(self) -> int:
        """How many cells sub-agents will work on."""
        return sum(len(fill.columns) for fill in self.fills)


@dataclass(slots=True)
class _Pending:
    """Cells of one row that are to be worked on."""

    key: tuple[str, ...]
    reason: FillReason
    columns: set[str]
    kin: Key = ()


def plan_edit(
    operations: Sequence[Operation], tables: TableFold, failed: Collection[str] = ()
) -> EditPlan:
    """The plan for a table as it stands. `failed` names rows whose sub-agents came to nothing.

    Raises `UserError` or `ContractError` that says what is wrong and what there is instead.
    """
    if tables.contract is None:
        raise UserError("the run has no table; edits work on the cells of one")
    if not operations:
        raise UserError("no operation given; say what is to be changed")
    planner = _Planner(tables.copy(), failed)
    changes = [planner.take(operation) for operation in operations]
    rewords = [operation for operation in operations if isinstance(operation, Reword)]
    return EditPlan(
        tuple(operations), tuple(changes), planner.fills(), rewords[-1] if rewords else None
    )


@dataclass(slots=True)
class _Planner:
    tables: TableFold
    failed: Collection[str]
    pending: dict[Key, _Pending] = field(default_factory=dict)

    def take(self, operation: Operation) -> Edited:
        """Plans one operation on what those before it have left."""
        change = self._change(operation)
        event = Edited(operation=operation, **change.fields())
        self.tables.apply(event)
        for old, new in change.moved.items():
            if old in self.pending:
                pending = self.pending.pop(old)
                into = self.pending.setdefault(new, pending)
                into.columns |= pending.columns
        renamed = {old: new for new, old in change.renamed.items()}
        for pending in self.pending.values():
            names = {renamed.get(name, name) for name in pending.columns}
            pending.columns = names.intersection(self._asked)
        for key in change.removed:
            if key not in self.tables.placed:
                self.pending.pop(key, None)
        self._note_work(operation)
        return event

    def _change(self, operation: Operation) -> Change:
        """What happens to the table at once."""
        tables = self.tables
        match operation:
            case AddColumn():
                return rowwise.add_column(tables, operation)
            case DropColumn():
                return rowwise.drop_column(tables, operation)
            case RenameColumn():
                return rowwise.rename_column(tables, operation)
            case AddRows():
                return rowwise.add_rows(tables, operation)
            case RemoveRows():
                return rowwise.remove_rows(tables, operation)
            case SetCell():
                return rowwise.set_cell(tables, operation)
            case Unlock():
                return rowwise.unlock(tables, operation)
            case SplitRow():
                return rowwise.split_row(tables, operation)
            case JoinRows():
                return rowwise.join_rows(tables, operation)
            case _:
                return Change()

    def _note_work(self, operation: Operation) -> None:
        """What sub-agents will have to do for it."""
        match operation:
            case AddColumn(column=column):
                for key, placed in self.tables.placed.items():
                    self._ask(key, placed.row, [column.name], "column")
            case AddRows(rows=names):
                self._ask_named(names, "rows")
            case SplitRow(row=name, into=names):
                self._ask_named(names, "split", kin=rowwise.key_of(self.tables, name))
            case SetCell(row=name, column=column):
                self._drop(name, column)
            case _:
                self._note_retry(operation)

    def _note_retry(self, operation: Operation) -> None:
        match operation:
            case RetryRow(row=name):
                self._retry_row(name)
            case RetryCell(row=name, column=column):
                self._retry_cell(name, column)
            case RetryFailed():
                self._retry_failed()
            case Complete():
                self._complete()
            case _:
                pass

    def _ask(
        self, key: Key, row: Row, columns: Sequence[str], reason: FillReason, kin: Key = ()
    ) -> None:
        """Adds cells of a row to the work; locked ones are left out."""
        assert self.tables.contract is not None
        names = rowwise.key_values(self.tables, row)
        open_ = {name for name in columns if row.cells[name].state != "locked"}
        if open_:
            pending = self.pending.setdefault(key, _Pending(names, reason, set(), kin))
            pending.columns |= open_

    def _ask_named(self, names: Sequence[str], reason: FillReason, kin: Key = ()) -> None:
        for name in names:
            key, row = rowwise.find_row(self.tables, name)
            self._ask(key, row, self._asked, reason, kin)

    def _ask_missing(self, names: Sequence[str], reason: FillReason) -> None:
        """Rows of which nothing is there."""
        assert self.tables.contract is not None
        for name in names:
            values = self.tables.contract.parts(name)
            key = self.tables.contract.fold(values)
            if key in self.tables.placed:
                self._ask(key, self.tables.placed[key].row, self._asked, reason)
            elif values:
                pending = self.pending.setdefault(key, _Pending(values, reason, set()))
                pending.columns |= set(self._asked)

    def _retry_row(self, name: str) -> None:
        contract = rowwise.contract_of(self.tables)
        key = rowwise.key_of(self.tables, name)
        if key not in self.tables.placed:
            missing = {contract.key_of(n): n for n in missing_names(self.tables, set())}
            if key in missing:
                self._ask_missing([missing[key]], "retry")
                return
        key, row = rowwise.find_row(self.tables, name)
        self._ask(key, row, self._asked, "retry")
        if key not in self.pending:
            raise UserError(f"every cell of {name} is locked; unlock what may be worked on again")

    def _retry_cell(self, name: str, column: str) -> None:
        key, row = rowwise.find_row(self.tables, name)
        known = rowwise.asked_column(self.tables, column)
        if row.cells[known].state == "locked":
            raise UserError(f"{known} of {name} is locked; unlock it first")
        self._ask(key, row, [known], "retry")

    def _retry_failed(self) -> None:
        known = (name for name in self.failed if self._is_known(name))
        names = [*missing_names(self.tables, set()), *known]
        self._ask_missing(list(dict.fromkeys(names)), "retry")
        key_of = rowwise.contract_of(self.tables).key_of
        if not any(key_of(name) in self.pending for name in names):
            raise UserError("no sub-agent of this run failed; name the row: --row KEY")

    def _is_known(self, name: str) -> bool:
        """Whether a row of that name is there, or was assigned; it may have been removed."""
        key = rowwise.contract_of(self.tables).key_of(name)
        return key in self.tables.placed or fold_key(name) in self.tables.expected

    def _complete(self) -> None:
        self._ask_missing(missing_names(self.tables, set()), "complete")
        for key, placed in self.tables.placed.items():
            empty = [name for name in self._asked if not placed.row.cells[name].value]
            self._ask(key, placed.row, empty, "complete")
        if not self.pending:
            raise UserError("nothing is missing: every row is there and every cell has a value")

    def _drop(self, name: str, column: str) -> None:
        pending = self.pending.get(rowwise.key_of(self.tables, name))
        if pending is not None:
            pending.columns.discard(rowwise.contract_of(self.tables).column(column).name)

    @property
    def _asked(self) -> tuple[str, ...]:
        assert self.tables.contract is not None
        return tuple(column.name for column in self.tables.contract.asked)

    def fills(self) -> tuple[Fill, ...]:
        """The work, row by row in the order of the table."""
        placed = self.tables.placed
        ordered = sorted(self.pending, key=lambda k: placed[k].place if k in placed else (1 << 30,))
        made = []
        for key in ordered:
            pending = self.pending[key]
            row = placed[key].row if key in placed else None
            cells = row.cells if row else {}
            locked = {name for name, cell in cells.items() if cell.state == "locked"}
            columns = tuple(n for n in self._asked if n in pending.columns and n not in locked)
            values = rowwise.key_values(self.tables, row) if row else ()
            if columns:
                made.append(Fill(values or pending.key, columns, pending.reason, pending.kin))
        return tuple(made)
