"""What is different between two generations of a table."""

from collections.abc import Sequence
from typing import NamedTuple

from openswarm.core.events import AnyEvent, Edited, GenerationStarted, Undone
from openswarm.core.operations import Operation
from openswarm.core.table import Cell
from openswarm.journal.fold import RunView, fold


class CellChange(NamedTuple):
    """One cell before and after."""

    row: str
    column: str
    before: Cell
    after: Cell


class TableDiff(NamedTuple):
    """What changed from one table to another."""

    generation: int
    operations: tuple[Operation, ...]
    wish: str
    columns_added: tuple[str, ...]
    columns_dropped: tuple[str, ...]
    columns_renamed: tuple[tuple[str, str], ...]
    """(old, new)."""
    rows_added: tuple[str, ...]
    rows_removed: tuple[str, ...]
    cells: tuple[CellChange, ...]
    """Cells of rows that are in both, and of new columns; an empty cell is equal to none."""
    answer_changed: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not any((*self[3:9], self.answer_changed))


def diff_of(events: Sequence[AnyEvent], generation: int | None = None) -> TableDiff | None:
    """What a generation changed, by default the one that the table is of; None if it had none."""
    wanted = generation if generation is not None else fold(events).tables.generation
    began = next((i for i, event in enumerate(events) if _begins(event, wanted)), None)
    if began is None:
        return None
    later = enumerate(events[began + 1 :], began + 1)
    ended = (i for i, event in later if isinstance(event, GenerationStarted | Undone))
    before, after = fold(events[:began]), fold(events[: next(ended, len(events))])
    started = events[began]
    assert isinstance(started, GenerationStarted)
    renamed = _renamed(events[began:], wanted)
    return _diff(before, after, started, renamed)


def _begins(event: AnyEvent, number: int) -> bool:
    return isinstance(event, GenerationStarted) and event.number == number


def _renamed(events: Sequence[AnyEvent], number: int) -> dict[str, str]:
    """New names of columns and what they were called before the generation."""
    renamed: dict[str, str] = {}
    for event in events:
        if isinstance(event, GenerationStarted) and event.number != number:
            break
        if isinstance(event, Edited):
            renamed |= {new: renamed.pop(old, old) for new, old in event.renamed.items()}
    return renamed


def _diff(
    before: RunView, after: RunView, started: GenerationStarted, renamed: dict[str, str]
) -> TableDiff:
    old, new = before.table, after.table
    assert old is not None
    assert new is not None
    taken = set(renamed.values())
    old_names = {
        name: renamed.get(name, "" if name in taken else name) for name in new.contract.names
    }
    rows = {key: placed.row for key, placed in before.tables.placed.items()}
    found = {key: placed.row for key, placed in after.tables.placed.items()}
    cells = [
        CellChange(row.name(new.contract), name, was, row.cells[name])
        for row in new.rows
        if (key := row.key(new.contract)) in rows
        for name in new.contract.names
        if (was := rows[key].cells.get(old_names[name], Cell())) != row.cells[name]
        and (was.value or row.cells[name].value or was.state != row.cells[name].state)
    ]
    return TableDiff(
        generation=started.number,
        operations=started.operations,
        wish=started.wish,
        columns_added=tuple(n for n, o in old_names.items() if o not in old.contract.names),
        columns_dropped=tuple(n for n in old.contract.names if n not in old_names.values()),
        columns_renamed=tuple((o, n) for n, o in old_names.items() if o and o != n),
        rows_added=tuple(r.name(new.contract) for k, r in found.items() if k not in rows),
        rows_removed=tuple(r.name(old.contract) for k, r in rows.items() if k not in found),
        cells=tuple(cells),
        answer_changed=before.answer != after.answer,
    )
