"""The evidence of a table as data for people and files: sources by cell, and numbered."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from openswarm.core.contract import Contract
from openswarm.core.table import Row, Table


def table_object(table: Table) -> dict[str, Any]:
    """`{columns: [name], rows: [{name: value}], cells: [{name: cell}]}`."""
    names = table.contract.names
    return {
        "columns": list(names),
        "rows": [{name: row.cells[name].value for name in names} for row in table.rows],
        "cells": [{name: row.cells[name].model_dump() for name in names} for row in table.rows],
    }


class Source(NamedTuple):
    """Where one value comes from."""

    key: str
    column: str
    value: str
    state: str
    source: str
    quote: str
    agent: str


def sources_of(table: Table) -> Iterator[Source]:
    """The evidence of every cell that is not part of the key, row by row."""
    for row in table.rows:
        for column in table.contract.asked:
            cell = row.cells[column.name]
            yield Source(
                key=key_text(row, table.contract),
                column=column.name,
                value=cell.value,
                state=cell.state,
                source=cell.source,
                quote=cell.quote,
                agent=cell.agent,
            )


def key_text(row: Row, contract: Contract) -> str:
    """The row's key as it is shown."""
    return " / ".join(row.cells[name].value for name in contract.key)


def number_sources(table: Table) -> dict[str, int]:
    """Each source with its number, in the order of first use."""
    used = (cell.source for row in table.rows for cell in row.cells.values() if cell.source)
    return {source: number for number, source in enumerate(dict.fromkeys(used), 1)}
