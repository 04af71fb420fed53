"""What work on a finished table costs: a column for 100 rows against a new run, single cells, undo.

The sub-agents look a row up in a register of several pages, one call a page, until they have seen
all that they are asked for, and report then. Whether an edit has to look anything up again is thus
openswarm's doing: it shows a sub-agent what was read about its row before.
"""

import json
import re
import time
import zlib
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio

import openswarm
from bench.measure import Figure, Setting
from openswarm import Column, Contract, Limits, RunResult, Say, ScriptedModel, operations
from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import Usage
from openswarm.core.table import Cell
from openswarm.llm.model import OnDelta, Reply, Request, ignore
from openswarm.tools.tool import Tool

ROWS = 100
CALLS_RATIO = 0.3
TOKENS_RATIO = 0.5
FAILED = 5
BYTES_A_TOKEN = 4
TASK = "Take the register's entry of every place into the table."
TEXT, NUMBER = "text", "number"
_ROW = re.compile(r"place = (.+?)\.? *(?:Find |\n|$)")
_FILLER = "It lies where the road bends, and was last counted by the office in its usual way. "


@dataclass(frozen=True, slots=True)
class Register:
    """An invented register: pages about places, and sub-agents that read it."""

    columns: tuple[Column, ...]
    """What is asked of each place."""
    pages: int = 3
    """Each has an equal share of the facts, and of the sub-agent's calls."""
    more: tuple[str, ...] = ()
    """Facts that stand in it although nobody asks for them yet."""
    broken: set[str] = field(default_factory=set)
    """Places whose sub-agents fail when they are to report."""

    @property
    def contract(self) -> Contract:
        """The table: a place and what is asked of it."""
        place = Column(name="place", definition="as it is called in the register")
        return Contract(columns=(place, *self.columns), key=("place",))

    def page(self, place: str, number: int) -> str:
        """A page, fenced as pages are that a tool reads somewhere."""
        names = [*(column.name for column in self.columns), *self.more]
        lines = [_line(place, name) for name in names[number :: self.pages]]
        text = "\n\n".join(f"{_FILLER * 4}\n{line}" for line in lines)
        return f'<document source="register/{place}#{number + 1}">\n{text}\n</document>'

    def tool(self) -> Tool:
        """The tool that gives a page."""

        @openswarm.tool
        async def look_up(place: str, page: int) -> str:
            """Gives a page of the register about a place; pages count from 0."""
            return self.page(place, page)

        return look_up

    def model(self) -> "CountedModel":
        """An orchestrator that asks for all rows, and the sub-agents."""
        return CountedModel({"orchestrator": lead, "researcher": self.subagent})

    def subagent(self, request: Request) -> Say:
        """Reads pages until all that is asked was seen, then reports."""
        brief = next(message.text for message in request.history if message.role == "user")
        place = _ROW.search(brief)[1]  # type: ignore[index]
        asked = _asked(request)
        read = "\n".join(message.text for message in request.history)
        turn = sum(message.role == "assistant" for message in request.history)
        if turn < self.pages and not all(_line(place, name) in read for name in asked):
            return Say(calls=(("look_up", {"place": place, "page": turn}),))
        if place in self.broken:
            error = ModelError(Fault.REFUSED, "the endpoint refuses this conversation")
            return Say(error=error)
        return Say(calls=(("report", {name: _cell(place, name) for name in asked}),))


def places(count: int) -> list[str]:
    """The rows."""
    return [f"Place {number:04d}" for number in range(count)]


def value(place: str, name: str) -> str:
    """What the register says."""
    number = zlib.crc32(f"{place} {name}".encode())
    return f"{number % 1_000_000}" if name.startswith(NUMBER) else f"kind {number % 97}"


def _line(place: str, name: str) -> str:
    return f"The {name} of {place} is {value(place, name)}."


def _cell(place: str, name: str) -> dict[str, str]:
    return {"value": value(place, name), "quote": _line(place, name), "confidence": "high"}


def _asked(request: Request) -> list[str]:
    """The columns that the report tool has for this sub-agent."""
    form = next(tool.parameters for tool in request.tools if tool.name == "report")
    return list(json.loads(form)["properties"])


def lead(request: Request) -> Say:
    """Assigns every row of the task at once, then answers."""
    if any(message.role == "assistant" for message in request.history):
        return Say("Every place was looked up.")
    brief = next(message.text for message in request.history if message.role == "user")
    items = places(int(brief.rpartition(" ")[2]))
    batch = {"agent": "researcher", "prompt_template": "Look up {{item}}.", "items": items}
    return Say(calls=(("assign_batch", batch),))


@dataclass(slots=True)
class CountedModel(ScriptedModel):
    """A scripted model that bills what it is sent, and keeps none of it."""

    calls: int = 0
    tokens: int = 0

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        self.calls += 1
        reply = await ScriptedModel.reply(self, request, on_delta)
        self.requests.clear()
        sent = sum(_size(message.text, message.tool_calls) for message in request.history)
        sent += sum(len(tool.parameters) + len(tool.description) for tool in request.tools)
        said = _size(reply.message.text, reply.message.tool_calls)
        usage = Usage(input_tokens=sent // BYTES_A_TOKEN, output_tokens=1 + said // BYTES_A_TOKEN)
        self.tokens += usage.total_tokens
        return replace(reply, usage=usage)


def _size(text: str, calls: Any) -> int:
    return len(text) + sum(len(call.name) + len(call.arguments) for call in calls)


@dataclass(slots=True)
class Spent:
    """What an action cost."""

    calls: int
    tokens: int
    cpu_s: float
    result: RunResult


@dataclass(slots=True)
class Story:
    """A run, its edits, and the run anew that a column would be without them."""

    home: Path
    register: Register
    wider: Register
    model: CountedModel
    run_id: str = ""
    limits: Limits | None = None

    async def spent(self, action: Awaitable[RunResult]) -> Spent:
        """Awaits an action and says what it cost."""
        calls, tokens, cpu = self.model.calls, self.model.tokens, time.process_time()
        result = await action
        cpu = time.process_time() - cpu
        return Spent(self.model.calls - calls, self.model.tokens - tokens, cpu, result)

    async def begin(self, register: Register, rows: int = ROWS) -> Spent:
        """A run over all rows."""
        self.model.scripts = register.model().scripts
        done = openswarm.run(
            f"{TASK} Places: {rows}",
            model=self.model,
            mode="swarm",
            columns=register.contract,
            tools=[register.tool()],
            home=self.home,
            limits=self.limits,
        )
        return await self.spent(done)

    async def edit(self, *wish: operations.Operation) -> Spent:
        """An edit of the run."""
        options: dict[str, Any] = {"model": self.model, "tools": [self.register.tool()]}
        return await self.spent(openswarm.edit(self.run_id, wish, home=self.home, **options))

    async def undo(self) -> Spent:
        """Takes the last edit back."""
        return await self.spent(openswarm.undo(self.run_id, home=self.home))


def run(setting: Setting) -> list[Figure]:
    """The whole story, in this process, with the run folder on disk."""
    asked = tuple(
        Column(name=name, definition="as counted", type=kind)
        for name, kind in (
            ("number of wells", NUMBER),
            ("kind of roof", TEXT),
            ("number of carts", NUMBER),
        )
    )
    column = Column(name="kind of gate", definition="the one to the road")
    register = Register(asked, more=(column.name,))
    wider = Register((*asked, column))
    story = Story(setting.scratch / "edits", register, wider, register.model())
    return anyio.run(tell, story, column, setting)


async def tell(story: Story, column: Column, setting: Setting) -> list[Figure]:
    """A run with failures, what mends it, a column more, and work by hand."""
    await story.begin(story.register, 3)  # what is loaded at first use is loaded
    names = places(ROWS)
    story.register.broken.update(names[:: ROWS // FAILED])
    first = await story.begin(story.register)
    story.register.broken.clear()
    story.run_id = first.result.run_id
    mended = await story.edit(operations.RetryFailed())
    before = mended.result
    added = await story.edit(operations.AddColumn(column=column))
    undone = await story.undo()
    anew = await story.begin(story.wider)
    setting.say(
        f"a column for {ROWS} rows: {added.calls} calls, {added.tokens} tokens,"
        f" {added.cpu_s:.2f} s processor; anew {anew.calls}, {anew.tokens}, {anew.cpu_s:.2f} s"
    )
    return [
        *costs(added, anew),
        Figure("add a column: other cells that changed", changed(before, added.result), 0),
        Figure("add a column: cells left empty", empty(added.result, column.name), 0),
        Figure("undo it: differences of table and answer", differences(before, undone.result), 0),
        Figure(
            f"{FAILED} rows failed at their report: calls of retrying them", mended.calls, FAILED,
            note=f"{len(first.result.failures)} failed, {len(before.failures)} after it",
        ),
        Figure("rows that are not whole after it", ROWS - whole_rows(before), 0, note=before.why),
        *await by_hand(story, names, undone.result),
    ]  # fmt: skip


def costs(added: Spent, anew: Spent) -> list[Figure]:
    """A column more against a run with all columns."""
    subs = f"{added.result.stats.sub_agents} sub-agents"
    return [
        Figure(
            "add a column: calls over a new run's", added.calls / anew.calls, CALLS_RATIO, "×",
            note=f"{added.calls} of {anew.calls} calls, {subs}",
        ),
        Figure(
            "add a column: tokens over a new run's", added.tokens / anew.tokens, TOKENS_RATIO, "×",
            note=f"{added.tokens:,} of {anew.tokens:,} tokens",
        ),
        Figure(
            "add a column: processor time over a new run's", added.cpu_s / anew.cpu_s, None, "×",
            note=f"{added.cpu_s:.2f} of {anew.cpu_s:.2f} s",
        ),
    ]  # fmt: skip


async def by_hand(story: Story, names: list[str], before: RunResult) -> list[Figure]:
    """One cell again, and what takes no model at all; the run is as before afterwards."""
    cell = operations.RetryCell(row=names[7], column="kind of roof")
    again = await story.edit(cell)
    free = [
        await story.edit(operations.SetCell(row=names[8], column="kind of roof", value="slate")),
        await story.edit(operations.RenameColumn(column="kind of roof", to="roof")),
        await story.edit(operations.DropColumn(column="number of carts")),
        *[await story.undo() for _ in range(4)],
    ]
    return [
        Figure("work on one cell again: calls", again.calls, 1),
        Figure("set, rename, drop, and undo of all: calls", sum(s.calls for s in free), 0),
        Figure("after those undos: differences", differences(before, free[-1].result), 0),
    ]


def changed(before: RunResult, after: RunResult) -> int:
    """Cells of `before` that are another or gone afterwards, their evidence and state included."""
    other = cells(after)
    return sum(other.get(place) != cell for place, cell in cells(before).items())


def differences(before: RunResult, after: RunResult) -> int:
    """In how many cells, and in what else a person sees, two results differ."""
    one, other = cells(before), cells(after)
    parts = ("table", "answer", "citations", "outcome", "why", "failures")
    apart = sum(getattr(before, part) != getattr(after, part) for part in parts)
    return apart + sum(one.get(place) != other.get(place) for place in one | other)


def cells(result: RunResult) -> dict[tuple[str, str], Cell]:
    """The cells by row and column, in their order."""
    assert result.table is not None
    contract = result.table.contract
    return {
        (row.name(contract), name): cell
        for row in result.table.rows
        for name, cell in row.cells.items()
    }


def whole_rows(result: RunResult) -> int:
    """Rows in which every cell is there, with evidence that was verified."""
    assert result.table is not None
    rows = (row.cells.values() for row in result.table.rows)
    return sum(all(cell.state == "filled" for cell in row) for row in rows)


def empty(result: RunResult, column: str) -> int:
    """Cells of a column without a value."""
    return sum(not cell.value for (_, name), cell in cells(result).items() if name == column)
