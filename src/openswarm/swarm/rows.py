"""What each operation changes in a table at once: pure functions from a table to a `Change`.

A locked cell is changed by nothing but an operation that names that very cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from openswarm.core.contract import Contract, fold_key, make_column, make_contract
from openswarm.core.errors import UserError
from openswarm.core.normalise import normalise, same_value
from openswarm.core.operations import (
    AddColumn,
    AddRows,
    DropColumn,
    JoinRows,
    RemoveRows,
    RenameColumn,
    SetCell,
    SplitRow,
    Unlock,
)
from openswarm.core.table import Cell, Conflict, Key, Place, Row
from openswarm.journal.tables import TableFold

USER = "user"
"""The agent of cells that a person set."""
JOINED = "rows were joined; the first one's is kept"


@dataclass(frozen=True, slots=True)
class Change:
    """What is different afterwards; the fields of an `Edited` event."""

    contract: Contract | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    removed: tuple[Key, ...] = ()
    rows: tuple[Row, ...] = ()
    places: tuple[Place, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    moved: dict[Key, Key] = field(default_factory=dict)
    """Rows that have another key now; not part of the event."""

    def fields(self) -> dict[str, Any]:
        """The event's own fields."""
        return {
            "contract": self.contract,
            "renamed": self.renamed,
            "removed": self.removed,
            "rows": self.rows,
            "places": self.places,
            "conflicts": self.conflicts,
        }


def contract_of(tables: TableFold) -> Contract:
    """The contract of a table that is there."""
    assert tables.contract is not None
    return tables.contract


def key_values(tables: TableFold, row: Row) -> tuple[str, ...]:
    """The values of a row's key, as they are shown."""
    return tuple(row.cells[name].value for name in contract_of(tables).key)


def key_of(tables: TableFold, name: str) -> Key:
    """The key of a row's name. Raises `UserError` where it has too many or too few parts."""
    contract = contract_of(tables)
    values = contract.parts(name)
    if not values or not all(contract.fold(values)):
        shape = " / ".join(contract.key)
        raise UserError(f"{name[:80]!r} does not name a row; a row is named {shape}")
    key = contract.fold(values)
    if key in tables.placed or fold_key(name) in tables.expected:
        return key
    columns = map(contract.column, contract.key)
    normal = [normalise(value, column) for value, column in zip(values, columns, strict=True)]
    key = contract.fold(tuple(entry.value for entry in normal))
    if not all(key):
        raise UserError(f"{name[:80]!r} does not name a row; it says that there is none")
    return key


def find_row(tables: TableFold, name: str) -> tuple[Key, Row]:
    """The row of that name. Raises `UserError` with the names that come near."""
    key = key_of(tables, name)
    placed = tables.placed.get(key)
    if placed is None:
        names = [row.name(contract_of(tables)) for row in tables.rows]
        near = get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
        if fold_key(name) in tables.expected:
            raise UserError(
                f"row {name[:80]} was assigned and is missing; work on it again first (retry --row)"
            )
        raise UserError(f"there is no row {name[:80]!r}; there are {', '.join(near) or 'none'}")
    return key, placed.row


def asked_column(tables: TableFold, name: str) -> str:
    """The column of that name, which has to be none of the key."""
    contract = contract_of(tables)
    found = contract.column(name).name
    if found in contract.key:
        raise UserError(f"{found} is part of the key: it says which row it is, so nobody finds it")
    return found


def add_column(tables: TableFold, operation: AddColumn) -> Change:
    """An empty column, at the end or after another one."""
    contract = contract_of(tables)
    after = contract.column(operation.after).name if operation.after else contract.names[-1]
    place = contract.names.index(after) + 1
    columns = [*contract.columns[:place], operation.column, *contract.columns[place:]]
    return Change(contract=_with(contract, columns=columns))


def drop_column(tables: TableFold, operation: DropColumn) -> Change:
    """The table without a column."""
    contract, name = contract_of(tables), asked_column(tables, operation.column)
    for row in tables.rows:
        _refuse_locked(row, contract, [name])
    columns = [column for column in contract.columns if column.name != name]
    return Change(contract=_with(contract, columns=columns))


def rename_column(tables: TableFold, operation: RenameColumn) -> Change:
    """The same column under another name."""
    contract = contract_of(tables)
    old, new = contract.column(operation.column).name, operation.to.strip()
    columns = [
        make_column(**column.model_dump() | {"name": new}) if column.name == old else column
        for column in contract.columns
    ]
    key = [new if name == old else name for name in contract.key]
    return Change(contract=_with(contract, columns=columns, key=key), renamed={new: old})


def add_rows(tables: TableFold, operation: AddRows) -> Change:
    """Rows with a key and nothing else, at the end."""
    last = max((placed.place for placed in tables.placed.values()), default=(0, 0))
    places = [(last[0], last[1] + number) for number in range(1, len(operation.rows) + 1)]
    return _put_new(tables, operation.rows, places)


def remove_rows(tables: TableFold, operation: RemoveRows) -> Change:
    """The table without these rows."""
    keys = []
    for name in operation.rows:
        key, row = find_row(tables, name)
        _refuse_locked(row, contract_of(tables))
        keys.append(key)
    return Change(removed=tuple(dict.fromkeys(keys)))


def set_cell(tables: TableFold, operation: SetCell) -> Change:
    """A cell with a value that a person gave. In a key column the row gets another name."""
    contract = contract_of(tables)
    key, row = find_row(tables, operation.row)
    column = contract.column(operation.column)
    value, problem = normalise(operation.value, column)
    if problem:
        raise UserError(f"{column.name}: {problem}")
    cell = by_hand(value, operation.value)
    changed = row.put({column.name: cell})
    new = changed.key(contract)
    if not all(new):
        raise UserError(f"{column.name} is part of the key and cannot be empty")
    if new != key and new in tables.placed:
        raise UserError(f"there is a row {value} already; join the two instead")
    place = tables.placed[key].place
    if new == key:
        return Change(rows=(changed,), places=(place,))
    own = (conflict for (owner, _), conflict in tables.conflicts.items() if owner == key)
    return Change(
        removed=(key,),
        rows=(changed,),
        places=(place,),
        conflicts=tuple(conflict.model_copy(update={"key": new}) for conflict in own),
        moved={key: new},
    )


def by_hand(value: str, raw: str) -> Cell:
    """A cell that a person set."""
    return Cell(
        value=value, raw=raw, agent=USER, confidence="high" if value else "", state="locked"
    )


def unlock(tables: TableFold, operation: Unlock) -> Change:
    """Cells that later work may change again."""
    contract = contract_of(tables)
    names = [contract.column(operation.column).name] if operation.column else contract.names
    keys = [find_row(tables, operation.row)[0]] if operation.row else list(tables.placed)
    rows, places = [], []
    for key in keys:
        place, row = tables.placed[key]
        freed = {n: _freed(row.cells[n]) for n in names if row.cells[n].state == "locked"}
        if freed:
            rows.append(row.put(freed))
            places.append(place)
    if not rows:
        where = " of ".join(filter(None, (operation.column, operation.row))) or "the table"
        raise UserError(f"nothing in {where} is locked")
    return Change(rows=tuple(rows), places=tuple(places))


def split_row(tables: TableFold, operation: SplitRow) -> Change:
    """Rows with new keys where one row stood."""
    key, row = find_row(tables, operation.row)
    _refuse_locked(row, contract_of(tables))
    place = tables.placed[key].place
    places = [(*place, number) for number in range(len(operation.into))]
    change = _put_new(tables, operation.into, places, instead_of=key)
    return Change(removed=(key,), rows=change.rows, places=change.places)


def join_rows(tables: TableFold, operation: JoinRows) -> Change:
    """One row of several; what was said of any of their names is said of the one from now on."""
    contract = contract_of(tables)
    found = dict(find_row(tables, name) for name in operation.rows)
    if len(found) < 2:
        raise UserError("joining takes two different rows")
    first = next(iter(found))
    name = operation.into or found[first].name(contract)
    key = key_of(tables, name)
    if key in tables.placed and key not in found:
        raise UserError(f"there is a row {name} that is not among those to be joined; add it")
    values = dict(zip(contract.key, contract.parts(name), strict=True))
    cells, conflicts = {}, []
    for column in contract.columns:
        offered = [row.cells[column.name] for row in found.values()]
        if column.name in values:
            made = _key_cell(values[column.name], column)
            same = found[key].cells[column.name] if key in found else made
            cells[column.name] = same if same.value == made.value else made
            continue
        kept, others = _joined(offered, column, name)
        cells[column.name] = kept
        known = [c for k in found if (c := tables.conflicts.get((k, column.name)))]
        every = (cell for c in known for cell in (c.kept, *c.others))
        more = [c for c in every if not same_value(c.value, kept.value, column)]
        if kept.state != "locked" and (others or more):
            rule = JOINED if others else known[0].rule
            conflicts.append((column.name, kept, tuple(dict.fromkeys((*others, *more))), rule))
    aliased = _with_alias(contract, name, [row.name(contract) for row in found.values()])
    new = aliased.fold(tuple(values.values()))
    return Change(
        contract=aliased,
        removed=tuple(found),
        rows=(Row(cells=cells),),
        places=(tables.placed[first].place,),
        conflicts=tuple(
            Conflict(key=new, column=column, kept=kept, others=others, rule=rule)
            for column, kept, others, rule in conflicts
        ),
        moved={old: new for old in found if old != new},
    )


def _joined(offered: Sequence[Cell], column: Any, name: str) -> tuple[Cell, list[Cell]]:
    """The cell that stays and the values that differ from it; a locked one always stays."""
    given = [cell for cell in offered if cell.value]
    locked = [cell for cell in offered if cell.state == "locked"]
    if not given and not locked:
        return offered[0], []
    kept = (locked or given)[0]
    others = [c for c in given if not same_value(c.value, kept.value, column)]
    if any(not same_value(cell.value, kept.value, column) for cell in locked):
        raise UserError(
            f"{column.name} is locked to different values in rows of {name}; unlock one"
        )
    if not others or locked:
        return kept, []
    return kept.model_copy(update={"state": "conflict", "confidence": "low"}), others


def _put_new(
    tables: TableFold,
    names: Sequence[str],
    places: Sequence[Place],
    instead_of: Key | None = None,
) -> Change:
    contract = contract_of(tables)
    rows: dict[Key, Row] = {}
    for name in names:
        key_of(tables, name)
        values = dict(zip(contract.key, contract.parts(name), strict=True))
        cells = {n: _key_cell(values[n], contract.column(n)) if n in values else Cell()
                 for n in contract.names}  # fmt: skip
        key = (row := Row(cells=cells)).key(contract)
        if key in rows or (key in tables.placed and key != instead_of):
            raise UserError(f"there is a row {name} already")
        rows[key] = row
    return Change(rows=tuple(rows.values()), places=tuple(places))


def _key_cell(raw: str, column: Any) -> Cell:
    value, problem = normalise(raw, column)
    if problem:
        raise UserError(f"{column.name}: {problem}")
    return Cell(value=value, raw=raw, agent=USER, confidence="high", state="filled")


def _freed(cell: Cell) -> Cell:
    return cell.model_copy(update={"state": "edited" if cell.value else "empty"})


def _refuse_locked(row: Row, contract: Contract, names: Sequence[str] = ()) -> None:
    """Raises `UserError` where something locked would go."""
    for name in names or [column.name for column in contract.asked]:
        if row.cells[name].state == "locked":
            raise UserError(f"{name} of {row.name(contract)} is locked; unlock it first")


def _with(contract: Contract, **changes: Any) -> Contract:
    """The contract with these changes, checked. Raises `ContractError`."""
    fields = {name: getattr(contract, name) for name in Contract.model_fields}
    return make_contract(**fields | changes)


def _with_alias(contract: Contract, name: str, names: Sequence[str]) -> Contract:
    """The contract that knows the other names, so that later reports on them go into one row."""
    folded = contract.fold((name,))
    others = tuple(other for other in dict.fromkeys(names) if contract.fold((other,)) != folded)
    if len(contract.key) > 1 or not others:
        return contract
    return _with(contract, aliases=(*contract.aliases, {"name": name, "others": others}))
