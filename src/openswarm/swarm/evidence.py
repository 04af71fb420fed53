"""The evidence of a table as data for people and files: sources by cell, and numbered."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from openswarm.core.table import Cell, Conflict, Row, Table

NOT_KEPT = "conflict (not kept)"
"""The state of a value that lost to another one."""


def table_object(table: Table) -> dict[str, Any]:
    """`{columns: [name], rows: [{name: value}], cells: [{name: cell}]}`."""
    names = table.contract.names
    return {
        "columns": list(names),
        "rows": [{name: row.cells[name].value for name in names} for row in table.rows],
        "cells": [{name: row.cells[name].model_dump() for name in names} for row in table.rows],
    }


class Source(NamedTuple):
    """Where one value comes from; the fields are the columns of the files that list sources."""

    key: str
    column: str
    value: str
    raw: str
    state: str
    confidence: str
    source: str
    quote: str
    agent: str
    step: str
    rule: str
    """How a conflict was settled; '' where there was none."""


def sources_of(table: Table) -> Iterator[Source]:
    """The evidence of every cell that is not part of the key, row by row; after a cell that
    sub-agents disagreed on come the values that were not kept."""
    for row, conflicts in rows_with_conflicts(table):
        key = row.name(table.contract)
        for column in table.contract.asked:
            cell, conflict = row.cells[column.name], conflicts.get(column.name)
            rule = conflict.rule if conflict else ""
            yield _source(key, column.name, cell, cell.state, rule)
            for other in conflict.others if conflict else ():
                yield _source(key, column.name, other, NOT_KEPT, rule)


def rows_with_conflicts(table: Table) -> Iterator[tuple[Row, dict[str, Conflict]]]:
    """Each row with its conflicts by column."""
    found: dict[tuple[str, ...], dict[str, Conflict]] = {}
    for conflict in table.conflicts:
        found.setdefault(conflict.key, {})[conflict.column] = conflict
    for row in table.rows:
        yield row, found.get(row.key(table.contract), {}) if found else {}


def number_sources(table: Table) -> dict[str, int]:
    """Each source with its number, in the order of first use."""
    used = (cell.source for row in table.rows for cell in row.cells.values() if cell.source)
    return {source: number for number, source in enumerate(dict.fromkeys(used), 1)}


def _source(key: str, column: str, cell: Cell, state: str, rule: str) -> Source:
    return Source(
        key=key,
        column=column,
        value=cell.value,
        raw=cell.raw,
        state=state,
        confidence=cell.confidence,
        source=cell.source,
        quote=cell.quote,
        agent=cell.agent,
        step=str(cell.step or ""),
        rule=rule,
    )
