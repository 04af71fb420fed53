"""A run that is cut off at any moment and resumed comes to the same end, and pays nothing twice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from recorded import (
    arguments_in,
    calls_in,
    lines_of,
    record,
    replies_in,
)

import openswarm
from openswarm.agent.context import SUMMARISE
from openswarm.core.errors import Fault, JournalError, ModelError
from openswarm.core.events import ContextCompacted, DocumentsOpened, ReportReceived
from openswarm.core.limits import Limits
from openswarm.core.messages import Usage
from openswarm.core.settings import Settings
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.tools.documents import Document, fence
from swarm_scripts import (
    COLUMNS,
    FULL,
    assign,
    batch,
    brief,
    calls,
    create,
    declare,
    hand_in,
    of,
    scripted,
    told,
    turn,
)

pytestmark = pytest.mark.anyio


def tools(done: list[str]) -> Sequence[Any]:
    """A tool that reads, and one with an effect: it must not run twice for one call."""

    @openswarm.tool(read_only=True)
    async def read(name: str) -> str:
        """Reads a document."""
        return fence(Document(f"{name}.md", f"Capital: {name} City\nPopulation: 1,000"))

    @openswarm.tool
    async def send(at: str) -> str:
        """Sends something."""
        done.append(at)
        return "sent"

    return [read, send]


def country(request: Request) -> Say:
    """Reads and sends at once, then hands in; some of them not at the first attempt."""
    name, step = brief(request).split()[1].rstrip("."), turn(request)
    if step == 0:
        return calls(("read", {"name": name}), ("send", {"at": name}))
    if name == "Laos":
        return Say(error=ModelError(Fault.REFUSED, "not about Laos"))
    if name == "Peru" and step == 1:
        return Say("The capital is Peru City.")
    wrong = name == "Chad" and step == 1
    return hand_in(
        capital={"value": f"{name} City", "source": "", "quote": f"Capital: {name} City"},
        population="many" if wrong else "1,000",
    )


def wide() -> ScriptedModel:
    """Two stages with a contract: one sub-agent fails, one is nudged, one has to repair."""
    return scripted(
        [
            calls(batch(["Chile", "Peru", "Chad", "Laos"]), text="I begin."),
            calls(create("checker", "You check."), assign("Check Chile again.", agent="checker")),
            Say("All but Laos."),
        ],
        researcher=country,
        checker=lambda _: calls(
            ("report", {"rows": [{"country": "Chile", "capital": "Santiago", "population": ""}]})
        ),
    )


@pytest.mark.requirement("swarm.resume")
@pytest.mark.requirement("bad.half-run")
async def test_a_wide_run_cut_at_any_event_comes_to_the_same_end() -> None:
    run = await record(wide, tools, mode="swarm", columns=COLUMNS)
    whole = run.result
    assert (whole.outcome, whole.why) == ("partial", "1 row is missing: Laos")
    assert len(whole.table.rows) == 3
    arguments = arguments_in(run.cut(b"".join(run.lines)))
    paid: set[int] = set()
    for data in run.cuts(torn=True):
        events = run.cut(data)
        replies, reported = replies_in(events)
        paid.add(sum(replies.values()))
        resumed = await run.resumed()
        result = resumed.result
        where = f"cut after event {len(events)}: {events[-1]}"
        assert (result.answer, result.table) == (whole.answer, whole.table), where
        assert (result.outcome, result.why) == (whole.outcome, whole.why), where
        assert result.failures == whole.failures, where
        same = {"wall_s", "max_in_flight"}
        assert result.stats.model_dump(exclude=same) == whole.stats.model_dump(exclude=same), where
        for name, times in run.asked.items():
            left = 0 if name in reported else times - replies[name]
            assert resumed.asked[name] == left, f"{where}; asked: {name}"
        assert not calls_in(events, arguments) & set(resumed.done), where
    assert paid == set(range(14))


def declaring() -> ScriptedModel:
    """The orchestrator declares the table itself, in the turn of the first assignment."""

    def answer(request: Request) -> Say:
        declared, assigned = told(request.history)
        assert declared == "The table is declared; every sub-agent will be given it."
        assert assigned.startswith("2 of 2 completed.")
        return Say("Both.")

    made = calls(declare("town", "river", key="town"), batch(["Rome", "Bonn"]))
    return scripted(
        [made, answer],
        researcher=lambda request: hand_in(river=f"The one of {brief(request)[3:7]}"),
    )


@pytest.mark.requirement("swarm.resume")
async def test_a_run_that_declares_its_table_comes_to_the_same_end() -> None:
    run = await record(declaring, lambda _: (), mode="swarm")
    whole = run.result
    assert (whole.outcome, len(whole.table.rows)) == ("completed", 2)
    for data in run.cuts():
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert resumed.result.answer == whole.answer, where
        assert resumed.result.table == whole.table, where
        assert resumed.asked == run.asked - replies, where


def in_two_goes() -> ScriptedModel:
    """Brings nothing at first; told to go on, it assigns the work once more."""

    def work(request: Request) -> Say:
        if "again" in brief(request):
            return hand_in(capital="Santiago", population="1")
        return Say("Nothing.")

    return scripted(
        [
            calls(batch(["Chile"])),
            Say("Nothing on Chile."),
            calls(batch(["Chile"], template="Do {{item}} again.")),
            Say("Now there is."),
        ],
        researcher=work,
    )


@pytest.mark.requirement("swarm.resume")
async def test_a_partial_run_goes_on_and_its_second_go_may_be_cut_anywhere_too() -> None:
    run = await record(in_two_goes, lambda _: (), mode="swarm", columns=COLUMNS)
    assert (run.result.outcome, run.result.answer) == ("partial", "Nothing on Chile.")
    first = len(run.lines)
    whole = (await run.resumed()).result
    assert (whole.outcome, whole.answer) == ("completed", "Now there is.")
    run.lines = lines_of(whole)
    run.asked.update({"Do it all.": 2, "Do Chile again.\n\nYour row: country = Chile": 1})
    for data in run.cuts(first):
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert (resumed.result.outcome, resumed.result.answer) == (whole.outcome, whole.answer), (
            where
        )
        assert resumed.result.table == whole.table, where
        assert resumed.asked == run.asked - replies, where


def stopped() -> ScriptedModel:
    """Sub-agents that never come to an end by themselves, and are told to hand back."""

    def work(request: Request) -> Say:
        if not request.tools:
            return Say(f"As far as I came. {FULL}")
        return calls(("read", {"name": f"page {turn(request)}"}))

    return scripted([calls(batch(["Chile", "Peru"])), Say("Done.")], researcher=work)


@pytest.mark.requirement("swarm.resume")
async def test_sub_agents_at_their_limit_hand_back_once_wherever_the_run_was_cut() -> None:
    run = await record(stopped, tools, mode="swarm", limits=Limits(subagent_steps=2))
    whole = run.result
    reports = {"root/1": "partial", "root/2": "partial"}
    for data in run.cuts():
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert (resumed.result.outcome, resumed.result.answer) == ("completed", "Done."), where
        assert resumed.asked == run.asked - replies, where
        ended = {e.agent: e.outcome for e in run.events() if e.type == "report_received"}
        assert ended == reports, where
        assert resumed.result.stats.total_steps == whole.stats.total_steps, where


@dataclass(slots=True)
class Numbering(ScriptedModel):
    """Numbers its calls anew in each reply, as some endpoints do."""

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        reply = await ScriptedModel.reply(self, request, on_delta)
        made = reply.message.tool_calls
        same = tuple(c.model_copy(update={"id": f"{c.name}:{n}"}) for n, c in enumerate(made))
        return replace(reply, message=reply.message.model_copy(update={"tool_calls": same}))


def numbering() -> ScriptedModel:
    """Three stages the calls of which have the same ids."""
    stages = [calls(batch([f"{n}a", f"{n}b"]), assign(f"Do {n}c.")) for n in range(3)]
    return Numbering({"orchestrator": [*stages, Say("All.")], "researcher": [Say(FULL * 20)]})


@pytest.mark.requirement("swarm.resume")
async def test_call_ids_that_come_again_in_later_replies_confuse_no_resume() -> None:
    run = await record(numbering, lambda _: (), mode="swarm")
    assert run.result.stats.sub_agents == 9
    for data in run.cuts():
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert resumed.asked == run.asked - replies, where
        assert resumed.result.stats.sub_agents == 9, where
        assert resumed.result.stats.stages == 3, where
        assert len(of(run.events(), ReportReceived)) == 9, where


def reading() -> ScriptedModel:
    """Reads ten pages, one after the other, in a window that holds but a few."""

    def work(request: Request) -> Say:
        page, usage = page_of(request), Usage(input_tokens=size_of(request), output_tokens=10)
        if SUMMARISE in request.history[-1].text:
            return Say(f"Read up to page {page}.", usage=usage)
        if page == 6:
            return Say(FULL, usage=usage)
        return Say(calls=(("read_page", {"number": page + 1}),), usage=usage)

    return scripted(
        [calls(batch(["Chile"])), Say("Done.")],
        info=ModelInfo(context_tokens=3_000),
        researcher=work,
    )


def page_of(request: Request) -> int:
    """The last page that stands in the conversation."""
    found = re.findall(r"page (\d)", " ".join(m.text for m in request.history))
    return max(map(int, found), default=0)


def size_of(request: Request) -> int:
    """The conversation in tokens."""
    return sum(len(message.text) for message in request.history) // 3


def pages(_: list[str]) -> Sequence[Any]:
    """A tool with long results."""

    @openswarm.tool(read_only=True)
    async def read_page(number: int) -> str:
        """Reads a page."""
        return f"This is page {number}. " + "words " * 500

    return [read_page]


@pytest.mark.requirement("swarm.resume")
@pytest.mark.parametrize("strategy", ["hide_tool_results", "summarise"])
async def test_a_conversation_that_was_shortened_is_taken_up_as_it_stood(strategy: Any) -> None:
    settings = Settings(context_strategy=strategy)
    limits = Limits(subagent_steps=9, reply_tokens=500)
    run = await record(reading, pages, mode="swarm", settings=settings, limits=limits)
    compacted = of(run.cut(b"".join(run.lines)), ContextCompacted)
    assert len(compacted) >= 2
    for data in run.cuts():
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert resumed.asked == run.asked - replies, where
        assert resumed.result.answer == "Done.", where
        assert len(of(run.events(), ContextCompacted)) == len(compacted), where


def looking_up() -> ScriptedModel:
    """Hands in what stands in the page that was opened for it."""
    return scripted(
        [calls(batch(["Chile"])), Say("Done.")],
        researcher=[
            calls(("open", {"document": "chile.md", "page": 1})),
            hand_in(capital="Santiago", population="19,658,839"),
        ],
    )


@pytest.mark.requirement("swarm.resume")
async def test_evidence_is_found_in_what_was_read_before_the_cut(tmp_path: Path) -> None:
    (tmp_path / "chile.md").write_text("# Chile\n\nCapital: Santiago\nPopulation: 19,658,839\n")
    over = [tmp_path / "chile.md"]
    run = await record(looking_up, lambda _: (), mode="swarm", columns=COLUMNS, over=over)
    whole = run.result
    assert whole.table.rows[0].cells["capital"].quote == "Capital: Santiago"
    for data in run.cuts():
        events = run.cut(data)
        replies, _ = replies_in(events)
        resumed = await run.resumed()
        where = f"cut after event {len(events)}: {events[-1]}"
        assert resumed.asked == run.asked - replies, where
        assert resumed.result.table == whole.table, where
        assert len(of(run.events(), DocumentsOpened)) == 1, where


async def test_a_journal_without_its_first_event_is_no_run_to_go_on_with() -> None:
    run = await record(declaring, lambda _: (), mode="swarm")
    for data in (b"", run.lines[0][:40]):
        run.cut(data)
        with pytest.raises(JournalError, match="ended before it began; start it anew"):
            await run.resumed()
