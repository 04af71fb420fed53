"""A table of 1,000 rows × 8 columns: memory, time, journal, live view, edits, export.

Each measurement is a process of its own, with scripted models and the run folder on disk. What has
to be linear is compared between sizes: processor time and bytes a row at 1,000 rows against those
of a small table.

Run as `python -m bench.large ACTION ROWS|RUN` it is such a process, and prints its figures.
"""

import gc
import io
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import anyio
from rich.console import Console

from bench.edits import NUMBER, Register, Story, changed, differences, places, whole_rows
from bench.measure import Figure, Setting, median, run_process
from bench.worker import measured
from openswarm import Column, Limits, operations
from openswarm.cli.followed import Followed
from openswarm.cli.load import load_run
from openswarm.cli.screen import screen
from openswarm.core.events import AnyEvent, TaskAssigned, Tick
from openswarm.core.result import Report
from openswarm.core.table import Table
from openswarm.journal.fold import fold
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.modes.settings import home_folder
from openswarm.swarm.export import export_table
from openswarm.swarm.merge import TableMerge

ROWS, SMALL, QUARTER, HALF = 1000, 100, 250, 500
GROWTH = 1.5
"""Processor time a row at 1,000 rows over that at 100: at most."""
BYTES_GROWTH = 1.1
FRAME_MS = 100.0
BUILD_MB, EDIT_MB = 150.0, 350.0
WARM_ROWS = 20
FRAMES = 20
REPEATS = 5
KINDS = (NUMBER, "kind", NUMBER, "kind", "kind", NUMBER, "kind")
NEW = Column(name="kind of gate", definition="the one to the road")
LIMITS = Limits(max_subagents=ROWS)
FORMATS = ("csv", "xlsx", "json", "parquet")


def register() -> Register:
    """Seven columns beside the key, all on one page."""
    columns = tuple(
        Column(
            name=f"{kind} of thing {n}",
            definition=f"thing {n}, as the register counts it",
            type="number" if kind == NUMBER else "text",
        )
        for n, kind in enumerate(KINDS)
    )
    return Register(columns, pages=1, more=(NEW.name,))


def story(home: Path) -> Story:
    """Runs and edits under a home."""
    read = register()
    return Story(home, read, read, read.model(), limits=LIMITS)


async def build(rows: str) -> dict[str, Any]:
    """A run of so many rows, and an edit of all of them; measured after a small one of each."""
    tale = story(home_folder())
    await warm(tale)
    with measured() as made:
        done = await tale.begin(tale.register, int(rows))
    result = done.result
    return made | {
        "rows": whole_rows(result),
        "outcome": result.outcome,
        "bytes": bytes_of(Path(result.folder)),
        "run": result.run_id,
    }


def bytes_of(folder: Path) -> int:
    """What a run takes on disk."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def edit(run: str) -> dict[str, Any]:
    """A column more for all rows of a run, and undo."""
    tale = story(home_folder())
    await warm(tale)
    tale.run_id = run
    before = load_run(home_folder() / "runs" / run).result
    with measured() as made:
        added = await tale.edit(operations.AddColumn(column=NEW))
    with measured() as taken_back:
        undone = await tale.undo()
    by_hand = operations.SetCell(row=places(1)[0], column=tale.register.columns[1].name, value="x")
    return made | {
        "set_s": (await tale.edit(by_hand)).cpu_s,
        "calls": added.calls,
        "rows": whole_rows(added.result),
        "undo_s": taken_back["cpu_s"],
        "changed": changed(before, added.result),
        "not undone": differences(before, undone.result),
    }


async def warm(tale: Story) -> None:
    """What is loaded at first use is loaded, templates and forms are made."""
    done = await tale.begin(tale.register, WARM_ROWS)
    tale.run_id = done.result.run_id
    await tale.edit(operations.AddColumn(column=NEW))


async def look(run: str) -> dict[str, Any]:
    """What reading, showing, following and exporting a run takes, in processor seconds."""
    folder = home_folder() / "runs" / run
    events = list(read_events(folder / EVENTS_FILE))
    result = load_run(folder).result
    assert result.table is not None
    gc.freeze()  # what is there already is not looked through while others are measured
    small = result.table.model_copy(update={"rows": result.table.rows[:1]})
    figures: dict[str, Any] = {"events": len(events), "frame_s": frames(events)}
    if len(result.table.rows) == ROWS:
        figures["merge"] = merging(result.table)
    figures["fold_s"] = min(seconds(partial(fold, events)) for _ in range(REPEATS))
    figures["read_s"] = seconds(lambda: load_run(folder).result)
    figures["take_s"] = seconds(lambda: follow(events))
    figures["ticks_s"] = seconds(lambda: follow(ticks(events), following=follow(events[:1])))
    for suffix in FORMATS:
        path = home_folder() / f"table.{suffix}"
        export_table(small, path)
        figures[suffix] = seconds(partial(export_table, result.table, path))
    return figures


def merging(table: Table) -> dict[str, float]:
    """Seconds of merging a report into a table that is nearly empty, and nearly whole; then of one
    that disputes every cell of its row, the first ones and the last. The best of several each."""
    asked = [column.name for column in table.contract.asked]
    doubt = {"value": "another one"}
    disputing = [
        row.put({name: row.cells[name].model_copy(update=doubt) for name in asked})
        for row in table.rows
    ]
    reports = [
        Report(agent=f"root/{n}", outcome="completed", rows=(row,))
        for n, row in enumerate((*table.rows, *disputing), 1)
    ]
    best = dict.fromkeys(("empty", "whole", "undisputed", "disputed"), 1.0)
    for _ in range(REPEATS):
        merge = TableMerge(MemoryJournal(), table.contract)
        for half, (first, last) in enumerate((("empty", "whole"), ("undisputed", "disputed"))):
            part = reports[half * ROWS : (half + 1) * ROWS]
            took = [
                seconds(partial(add_all, merge, part[at : at + SMALL]))
                for at in range(0, ROWS, SMALL)
            ]
            best[first] = min(best[first], took[0] / SMALL)
            best[last] = min(best[last], took[-1] / SMALL)
    return best


def add_all(merge: TableMerge, reports: list[Report]) -> None:
    """Merges reports."""
    for report in reports:
        merge.add(int(report.agent.rpartition("/")[2]), report)


def frames(events: list[AnyEvent]) -> float:
    """The dearest frame of a run that is half done and of one that is over."""
    half = Followed()
    assigned = max(n for n, event in enumerate(events) if isinstance(event, TaskAssigned))
    follow(events[: (assigned + len(events)) // 2], following=half)
    return max(frame(half), frame(follow(events)))


def frame(followed: Followed) -> float:
    """Processor seconds of drawing it once: the median of several."""
    console = Console(file=io.StringIO(), width=120, height=40, force_terminal=True)
    now = followed.view.last_at
    drawn = (partial(draw, followed, console, now + n) for n in range(FRAMES))
    return median([seconds(action) for action in drawn])


def draw(followed: Followed, console: Console, now: float) -> None:
    """One frame."""
    console.print(screen(followed, console, now))


def follow(events: list[Any], following: Followed | None = None) -> Followed:
    """A run followed to the end of these events."""
    followed = following or Followed()
    for event in events:
        followed.take(event)
    return followed


def ticks(events: list[AnyEvent]) -> list[Tick]:
    """As many signs of life as there are events."""
    return [Tick(agent=event.agent, kind="text", text="and so on ") for event in events]


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of an action."""
    began = time.process_time()
    action()
    return time.process_time() - began


def child(setting: Setting, home: Path, action: str, argument: str | int) -> dict[str, Any]:
    """One of the actions above in a process of its own."""
    command = [sys.executable, "-m", "bench.large", action, str(argument)]
    return json.loads(run_process(command, setting.environment(home)))


def run(setting: Setting) -> list[Figure]:
    """All sizes in turn, as often as the setting says; then all that is done with the largest."""
    home = setting.scratch / "large"
    made: dict[int, list[dict[str, Any]]] = {SMALL: [], QUARTER: [], HALF: [], ROWS: []}
    edits: dict[int, list[dict[str, Any]]] = {SMALL: [], ROWS: []}
    for number in range(setting.rounds):
        for rows, built in made.items():
            built.append(child(setting, home, "build", rows))
            if rows in edits:
                edits[rows].append(child(setting, home, "edit", built[-1]["run"]))
        costs = ", ".join(f"{n}: {b[-1]['cpu_s'] / n * 1000:.2f} ms" for n, b in made.items())
        setting.say(f"round {number + 1}: processor time a row of {costs}")
    looks = {
        rows: [child(setting, home, "look", built["run"]) for built in made[rows]] for rows in edits
    }
    shown = show(setting, home, made[ROWS][-1]["run"])
    return [*built_figures(made), *edit_figures(edits), *look_figures(looks, shown)]


def show(setting: Setting, home: Path, run_id: str) -> float:
    """Processor seconds of `openswarm show`, its start included."""
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "openswarm", "show", run_id]
    run_process(command, setting.environment(home))
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of(made: list[dict[str, Any]], name: str) -> float:
    """A figure, the median of the rounds."""
    return median([entry[name] for entry in made])


def built_figures(made: dict[int, list[dict[str, Any]]]) -> list[Figure]:
    """Whether it is whole, its memory and time, and what grows faster than it."""
    large = made[ROWS]
    cpu = of(large, "cpu_s")
    a_row = {rows: of(built, "bytes") / rows for rows, built in made.items()}
    sizes = ", ".join(f"{rows}: {size:,.0f}" for rows, size in a_row.items())
    lacking = max(ROWS - entry["rows"] for entry in large)
    return [
        Figure(f"{ROWS} rows × 8: rows that are not whole", lacking, 0, note=large[-1]["outcome"]),
        Figure(f"{ROWS} rows × 8: peak memory", of(large, "rss_mb"), BUILD_MB, "MB"),
        Figure(
            f"{ROWS} rows × 8: processor time", cpu, None, "s",
            note=f"{cpu / ROWS * 1000:.2f} ms a row; {of(large, 'wall_s'):.1f} s wall",
        ),
        growth("processor time", made, "cpu_s"),
        Figure(
            f"bytes a row of the journal, {ROWS} rows over {QUARTER}",
            a_row[ROWS] / a_row[QUARTER], BYTES_GROWTH, "×", note=sizes,
        ),
    ]  # fmt: skip


def growth(what: str, made: dict[int, list[dict[str, Any]]], name: str) -> Figure:
    """What a row costs at 1,000 rows over what it costs at 100."""
    small, large = (of(made[rows], name) / rows for rows in (SMALL, ROWS))
    note = f"{large * 1000:.2f} ms over {small * 1000:.2f} ms"
    return Figure(f"{what} a row, {ROWS} rows over {SMALL}", large / small, GROWTH, "×", note=note)


def edit_figures(edits: dict[int, list[dict[str, Any]]]) -> list[Figure]:
    """A column more for 1,000 rows, and undo."""
    large = edits[ROWS]
    last = large[-1]
    cells = f"{last['calls']} calls, {last['rows']} rows whole after it"
    return [
        Figure(f"add a column to {ROWS} rows: processor time", of(large, "cpu_s"), None, "s",
               note=cells),
        Figure(f"add a column to {ROWS} rows: peak memory", of(large, "rss_mb"), EDIT_MB, "MB"),
        growth("add a column: processor time", edits, "cpu_s"),
        Figure("add a column: other cells that changed", of(large, "changed"), 0),
        Figure("undo it: processor time", of(large, "undo_s"), None, "s"),
        Figure("then set one cell: processor time", of(large, "set_s"), None, "s"),
        Figure("undo it: differences of table and answer", of(large, "not undone"), 0),
    ]  # fmt: skip


def look_figures(looks: dict[int, list[dict[str, Any]]], shown: float) -> list[Figure]:
    """Merging, reading it back, showing and following it, exporting it."""
    large = looks[ROWS]
    events = large[0]["events"]
    taken, ticked = (events / of(large, name) for name in ("take_s", "ticks_s"))
    writing = [Figure(f"export as {kind}", of(large, kind), None, "s") for kind in FORMATS]
    empty, whole, undisputed, disputed = (
        median([look["merge"][name] for look in large]) for name in large[0]["merge"]
    )
    note = f"{whole * 1000:.2f} ms, with each cell disputed {disputed * 1000:.2f} ms"
    return [
        Figure(f"merging a report, into {ROWS} rows over into none",
               max(whole / empty, disputed / undisputed), GROWTH, "×", note=note),
        growth("folding the journal of both", looks, "fold_s"),
        Figure("live view, a frame: processor time", of(large, "frame_s") * 1000, FRAME_MS, "ms",
               note=f"{ROWS + 1} agents and more, {ROWS} rows, 120 × 40"),
        Figure("live view: events taken a second", round(taken), None, note=f"of {events}"),
        Figure("live view: signs of life taken a second", round(ticked), None),
        Figure("read back for showing: processor time", of(large, "read_s"), None, "s",
               note=f"the fold alone {of(large, 'fold_s'):.2f} s"),
        Figure("openswarm show: processor time, its start included", shown, None, "s"),
        *writing,
    ]  # fmt: skip


if __name__ == "__main__":
    ACTIONS = {"build": build, "edit": edit, "look": look}
    print(json.dumps(anyio.run(ACTIONS[sys.argv[1]], sys.argv[2])))
