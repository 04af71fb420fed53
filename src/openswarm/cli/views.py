"""Views of `openswarm show` that are about the table: an edit, the coverage, one cell."""

from rich.console import Console

from openswarm.cli.asking import (
    around_quote,
    cited,
    coverage_object,
    print_cell,
    print_coverage,
)
from openswarm.cli.differences import diff_object, print_diff
from openswarm.cli.load import LoadedRun, journal_of
from openswarm.cli.result import print_json, print_table
from openswarm.core.errors import UserError
from openswarm.core.table import Table
from openswarm.swarm.diff import diff_of
from openswarm.swarm.look_up import material
from openswarm.swarm.rows import find_row


def show_table(page: Console, loaded: LoadedRun) -> None:
    """The table alone."""
    print_table(page, _table(loaded))


def _table(loaded: LoadedRun) -> Table:
    found = loaded.followed.view.table
    if found is None:
        name = loaded.folder.name
        raise UserError(f"run {name} has no table; its answer: openswarm show {name}")
    return found


def show_diff(page: Console, loaded: LoadedRun, generation: int | None, *, as_json: bool) -> None:
    """What an edit changed, by default the last one."""
    found = diff_of(loaded.events, generation)
    if found is None:
        known = loaded.followed.view.tables.generations
        which = "no edit" if generation is None else f"no edit {generation}"
        there = f"; its edits are 1 to {known}" if known else ""
        raise UserError(f"run {loaded.folder.name} has {which}{there}")
    if as_json:
        print_json(diff_object(found))
    else:
        print_diff(page, found, loaded.result.answer)


def show_coverage(page: Console, loaded: LoadedRun, *, as_json: bool) -> None:
    """What of the table is there."""
    _table(loaded)
    found = loaded.followed.coverage()
    assert found is not None
    if as_json:
        print_json(coverage_object(found))
    else:
        print_coverage(page, found)


def show_cell(page: Console, loaded: LoadedRun, which: str) -> None:
    """A cell, named by a mark of the answer or by row and column, and where its quote stands."""
    table = _table(loaded)
    row, column = _named(loaded, which)
    cell = next(r for r in table.rows if r.name(table.contract) == row).cells[column]
    read = material(journal_of(loaded), loaded.events) if cell.quote else []
    texts = (around_quote(d.text, cell.quote) for d in read if d.source == cell.source)
    print_cell(page, table, row, column, next(filter(None, texts), ""))


def _named(loaded: LoadedRun, which: str) -> tuple[str, str]:
    if ":" not in which:
        citation = cited(loaded.result.citations, which)
        return citation.row, citation.column
    tables = loaded.followed.view.tables
    name, _, column = which.rpartition(":")
    assert tables.contract is not None
    _, row = find_row(tables, name.strip())
    return row.name(tables.contract), tables.contract.column(column.strip()).name
