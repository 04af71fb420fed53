"""What is printed when a run is over: the object of `--json`, or answer, table and figures.

The answer and the table go to standard output, all about the run to standard error.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from openswarm.cli.artifacts import made_lines
from openswarm.cli.followed import Followed, agent_label
from openswarm.cli.text import clean, count, dollars, duration, one_line, tokens
from openswarm.core.contract import Column
from openswarm.core.result import RunResult
from openswarm.core.table import Cell, CellState, Table
from openswarm.journal.fold import AgentView
from openswarm.swarm.coverage import Coverage
from openswarm.swarm.evidence import number_sources, table_object
from openswarm.swarm.export import export_answer, export_table

MARKS: dict[CellState, str] = {
    "filled": "",
    "unverified": " ?",
    "conflict": " !",
    "empty": "–",
    "edited": " ~",
    "locked": " *",
}
LEGEND: dict[CellState, str] = {
    "unverified": "? the quote was not found in what the sub-agent read",
    "conflict": "! sub-agents found different values",
    "empty": "– nothing was found",
    "locked": "* set by hand and locked",
    "edited": "~ set by hand, and unlocked",
}
GROUPED_FROM = 4
"""Numbers with a unit, or with more digits, have their thousands set off; years have not."""
SHOWN = 20
"""Of failures, missing rows and sources so many are listed."""
UNBOUNDED = 10_000
"""The width of a page that is no terminal: nothing is folded or cut."""


def result_object(result: RunResult) -> dict[str, Any]:
    """The one object of `--json`, with exactly these keys."""
    stats = result.stats
    table = table_object(result.table) if result.table else None
    return {
        "run_id": result.run_id,
        "mode": result.mode,
        "mode_reason": result.mode_reason,
        "answer": result.answer,
        "table": table and {"columns": table["columns"], "rows": table["rows"]},
        "cells": table["cells"] if table else [],
        "outcome": result.outcome,
        "sub_agents": stats.sub_agents,
        "stages": stats.stages,
        "critical_steps": stats.critical_steps,
        "total_steps": stats.total_steps,
        "parallelism": stats.parallelism,
        "tokens": {
            "input": stats.tokens.input_tokens,
            "output": stats.tokens.output_tokens,
            "cached": stats.tokens.cached_tokens,
        },
        "cost_usd": stats.cost_usd,
        "wall_s": stats.wall_s,
        "failures": [failure.model_dump() for failure in result.failures],
    }


def print_json(value: Any) -> None:
    """One JSON value on standard output, readable by people where the terminal can show it."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=plain)
    typer.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def print_result(result: RunResult, followed: Followed, about: Console | None = None) -> None:
    """The answer and the table; then, on `about` (standard error), the figures, what is missing,
    and where to go on."""
    page = output()
    if result.answer:
        page.print(Text(clean(result.answer)), soft_wrap=not page.is_terminal)
    if result.table is not None:
        page.print()
        print_table(page, result.table)
    if result.table is not None:
        from openswarm.cli.asking import print_citations

        print_citations(page, result.citations, result.table.contract)
    page.file.flush()
    print_about(result, followed, about)


def print_about(result: RunResult, followed: Followed, about: Console | None = None) -> None:
    """On `about` (standard error): the figures, what is missing, and where to go on."""
    about = about or Console(stderr=True, highlight=False, markup=False, emoji=False)
    about.print()
    for line in _about(result, followed):
        about.print(line, soft_wrap=True)


def output() -> Console:
    """Standard output; what is not a terminal is not folded."""
    terminal = sys.stdout.isatty()
    return Console(
        width=None if terminal else UNBOUNDED, highlight=False, markup=False, emoji=False
    )


def print_table(page: Console, table: Table) -> None:
    """The table with marks for what is not sure, its legend, and its sources by number."""
    numbers = number_sources(table)
    terminal = page.is_terminal
    style = box.SIMPLE_HEAD if terminal else box.MARKDOWN
    grid = Grid(box=style, show_edge=not terminal, header_style="bold")
    for column in table.contract.columns:
        right = column.type == "number"
        grid.add_column(Text(one_line(column.name)), justify="right" if right else "left")
    columns = table.contract.columns
    for row in table.rows:
        grid.add_row(
            *(
                Text(one_line(row.cells[c.name].value, 400))
                if c.name in table.contract.key
                else _cell(row.cells[c.name], c, numbers)
                for c in columns
            )
        )
    print_grid(page, grid)
    states = {cell.state for row in table.rows for cell in row.cells.values()}
    for state, meaning in LEGEND.items():
        if state in states:
            page.print(Text(meaning, "dim"))
    _print_sources(page, numbers)


def print_grid(page: Console, grid: Grid) -> None:
    """A grid; on a page that is no terminal without the blank lines around it."""
    if page.is_terminal:
        page.print(grid)
        return
    with page.capture() as captured:
        page.print(grid)
    lines = (line.rstrip() for line in captured.get().splitlines())
    page.print("\n".join(filter(None, lines)), soft_wrap=True)


def _cell(cell: Cell, column: Column, numbers: dict[str, int]) -> Text:
    style = {"conflict": "yellow", "unverified": "yellow", "locked": "cyan"}.get(cell.state, "")
    text = Text(one_line(shown_value(cell, column), 400), style)
    text.append(MARKS[cell.state] if cell.value or cell.state == "empty" else "–")
    if cell.source:
        text.append(f" [{numbers[cell.source]}]", "dim")
    return text


def shown_value(cell: Cell, column: Column) -> str:
    """A value as people read it: the thousands of a long number are set off."""
    whole, point, rest = cell.value.partition(".")
    digits = whole.lstrip("-")
    if column.type != "number" or not cell.value.isascii() or not digits.isdecimal():
        return cell.value
    grouped = f"{int(digits):,}" if column.unit or len(digits) > GROUPED_FROM else digits
    return f"{'-' if whole.startswith('-') else ''}{grouped}{point}{rest}"


def _print_sources(page: Console, numbers: dict[str, int]) -> None:
    if not numbers:
        return
    page.print()
    page.print(Text("Sources", "bold"))
    shown = list(numbers.items())[: SHOWN if page.is_terminal else None]
    for source, number in shown:
        page.print(Text(f"[{number}] {one_line(source, 400)}"))
    if len(numbers) > len(shown):
        page.print(Text(f"… {len(numbers) - len(shown)} more; all are in an exported file", "dim"))


def _about(result: RunResult, followed: Followed) -> list[Text]:
    style = {"completed": "green", "failed": "red"}.get(result.outcome, "yellow")
    head = Text(result.outcome, f"bold {style}")
    head.append(f": {one_line(result.why, 600)}" if result.why else "", style)
    lines = [head, Text(figures(result), "dim")]
    if coverage := followed.coverage():
        lines.append(Text(coverage_line(coverage), "dim"))
    missing = followed.missing()
    if missing:
        lines.append(Text(f"{count(len(missing), 'row')} missing:", "yellow"))
        lines += [Text(f"  {line}") for line in _by_reason(missing)]
    if result.failures:
        lines.append(Text(f"{count(len(result.failures), 'failure')}:", "red"))
        lines += [Text(f"  {line}") for line in _failures(result, followed)]
    return [*lines, *made_lines(result), *_where(result)]


def _by_reason(missing: list[AgentView]) -> Iterator[str]:
    """Items that are missing for the same reason, in one line."""
    groups: dict[str, list[str]] = {}
    for agent in missing:
        outcome = agent.outcome or "not finished"
        told = agent.why.startswith(outcome) or not agent.why
        reason = agent.why or outcome if told else f"{outcome} ({agent.why})"
        groups.setdefault(one_line(reason, 200), []).append(one_line(agent.item, 60))
    for reason, items in groups.items():
        more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
        yield f"{', '.join(items[:SHOWN])}{more}: {reason}"


def _failures(result: RunResult, followed: Followed) -> Iterator[str]:
    for failure in result.failures[:SHOWN]:
        agent = followed.view.agents.get(failure.agent)
        who = one_line(agent_label(agent) if agent else failure.agent, 80)
        yield f"{who}: {failure.boundary} {failure.kind}: {one_line(failure.message, 300)}"


def coverage_line(coverage: Coverage) -> str:
    """What of a table is there, in one line."""
    short = [c for c in coverage.columns if c.missing]
    parts = [f"table: {coverage.found} of {count(coverage.expected, 'row')}"]
    parts += [f"{c.found} of {coverage.found} {one_line(c.name, 40)}" for c in short[:SHOWN]]
    return "; ".join(parts)


def figures(result: RunResult) -> str:
    """The figures of a run in one line."""
    stats = result.stats
    used = stats.tokens
    cached = f" ({tokens(used.cached_tokens)} cached)" if used.cached_tokens else ""
    parts = [
        f"{result.mode} mode",
        count(stats.sub_agents, "sub-agent") if stats.sub_agents else "",
        count(stats.stages, "stage") if stats.sub_agents else "",
        f"{stats.critical_steps} critical of {count(stats.total_steps, 'step')}",
        f"parallelism {stats.parallelism:.1f}" if stats.sub_agents else "",
        f"{tokens(used.total_tokens)} tokens{cached}",
        dollars(stats.cost_usd) if stats.cost_usd is not None else "",
        duration(stats.wall_s) if stats.wall_s >= 60 else f"{stats.wall_s:.1f} s",
    ]
    return " · ".join(part for part in parts if part)


def _where(result: RunResult) -> list[Text]:
    run = result.run_id
    lines = [Text(f"run {run} in {result.folder}" if result.folder else f"run {run}", "dim")]
    suffix = "xlsx" if result.table else "md"
    commands = [f"openswarm show {run}", f"openswarm export {run} --out FILE.{suffix}"]
    if result.table is not None:
        commands.append(f'openswarm edit {run} "…"')
    if result.outcome != "completed" and not result.generation:
        commands.append(f"openswarm resume {run}")
    return [*lines, *(Text(f"  {command}", "dim") for command in commands)]


def export_result(result: RunResult, path: Path, *, sources: bool = False) -> None:
    """Writes the table, or the answer of a run that made none. Raises `UserError`."""
    if result.table is None:
        export_answer(result.answer, path, run_id=result.run_id)
    else:
        export_table(
            result.table,
            path,
            answer=result.answer,
            citations=result.citations,
            run_id=result.run_id,
            sources=sources,
        )
