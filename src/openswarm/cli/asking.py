"""Answers with their cells, what a cell stands on, and the coverage of a table, on the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from openswarm.cli.exits import say
from openswarm.cli.result import output, print_grid, shown_value
from openswarm.cli.tables import grid
from openswarm.cli.text import clean, count, dollars, one_line, tokens
from openswarm.core.contract import Contract
from openswarm.core.errors import UserError
from openswarm.core.result import Citation
from openswarm.core.table import Cell, Table
from openswarm.swarm.coverage import Coverage

if TYPE_CHECKING:
    from openswarm.modes.questions import Answer

CONTEXT_CHARS = 400
"""So much of a document is shown before and after a quote."""


def print_answer(answer: "Answer", contract: Contract | None) -> None:
    """The answer to a question, and the cells that it names."""
    page = output()
    page.print(Text(clean(answer.text)), soft_wrap=not page.is_terminal)
    if contract is not None:
        print_citations(page, answer.citations, contract)
    page.file.flush()
    cost = f", {dollars(answer.cost_usd)}" if answer.cost_usd is not None else ""
    used = tokens(answer.tokens.total_tokens)
    say(f"{count(answer.steps, 'step')}, {used} tokens{cost}")


def print_citations(page: Console, citations: Sequence[Citation], contract: Contract) -> None:
    """The cells that an answer names, each with its source and quote."""
    if not citations:
        return
    page.print()
    page.print(Text("Cells", "bold"))
    for citation in citations:
        cell = citation.cell
        where = f"{one_line(citation.row, 80)}, {one_line(citation.column, 60)}"
        value = shown_value(cell, contract.column(citation.column))
        line = f"[{citation.mark}] {where}: {one_line(value, 200)}"
        page.print(Text(f"{line}{_evidence(cell)}"), soft_wrap=True)


def _evidence(cell: Cell) -> str:
    quote = f" “{one_line(cell.quote, 300)}”" if cell.quote else ""
    return f" — {one_line(cell.source, 200)}{quote and f':{quote}'}" if cell.source else quote


def print_cell(page: Console, table: Table, row: str, column: str, around: str) -> None:
    """One cell with everything that is known of it; `around` is where its quote stands."""
    cell = next(r for r in table.rows if r.name(table.contract) == row).cells[column]
    page.print(Text(f"{one_line(row)}, {one_line(column)}", "bold"))
    facts = [
        ("value", cell.value), ("as handed in", cell.raw if cell.raw != cell.value else ""),
        ("state", cell.state), ("confidence", cell.confidence),
        ("by", f"{cell.agent}, step {cell.step}" if cell.step else cell.agent),
        ("source", cell.source), ("quote", cell.quote),
    ]  # fmt: skip
    for name, value in facts:
        if value:
            page.print(Text(f"{name:>13}  {one_line(value, 1000)}"), soft_wrap=True)
    found = next((r for r in table.rows if r.name(table.contract) == row), None)
    conflict = table.conflict(found, column) if found else None
    for other in conflict.others if conflict else ():
        page.print(Text(f"{'not kept':>13}  {one_line(other.value, 400)}{_evidence(other)}"))
    if conflict:
        page.print(Text(f"{'rule':>13}  {one_line(conflict.rule)}"))
    if around:
        page.print()
        page.print(Text(clean(around), "dim"))


def around_quote(text: str, quote: str) -> str:
    """The part of a document in which a quote stands; '' where it does not stand as it is."""
    at = text.find(quote)
    if at < 0 or not quote:
        return ""
    start, end = max(0, at - CONTEXT_CHARS), at + len(quote) + CONTEXT_CHARS
    return f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}"


def cited(citations: Sequence[Citation], mark: str) -> Citation:
    """The citation of a mark such as `c3`. Raises `UserError`."""
    wanted = mark.strip().strip("[]").lower()
    for citation in citations:
        if citation.mark == wanted or str(citation.number) == wanted:
            return citation
    raise UserError(f"the answer has no mark {mark[:20]!r}; it has {len(citations)}, c1 and on")


def print_coverage(page: Console, coverage: Coverage) -> None:
    """Rows and cells that were expected, found, and are missing."""
    rows = f"{coverage.found} of {count(coverage.expected, 'row')} found"
    page.print(Text(f"{rows}; {count(coverage.missing_cells, 'cell')} missing", "bold"))
    figures = ("found", "unverified", "conflict", "by hand", "empty")
    made = grid(page, ("column",), figures, "empty in")
    for column in coverage.columns:
        states = column.states
        by_hand = states.get("locked", 0) + states.get("edited", 0)
        unsure = (states.get("unverified", 0), states.get("conflict", 0))
        counts = (column.found, *unsure, by_hand, len(column.missing))
        missing = Text(one_line(", ".join(column.missing), 200))
        made.add_row(Text(one_line(column.name, 60)), *map(str, counts), missing)
    print_grid(page, made)
    for name in coverage.missing_rows:
        page.print(Text(f"no row for {one_line(name)}", "yellow"))
    for cell in coverage.lacking:
        page.print(Text(f"required and empty: {one_line(cell)}", "yellow"))


def coverage_object(coverage: Coverage) -> dict[str, Any]:
    """The coverage as JSON."""
    return {
        "expected_rows": coverage.expected,
        "found_rows": coverage.found,
        "missing_rows": coverage.missing_rows,
        "missing_cells": coverage.missing_cells,
        "required_but_empty": coverage.lacking,
        "columns": [
            {"name": c.name, "found": c.found, "states": dict(c.states), "missing": c.missing}
            for c in coverage.columns
        ],
    }
