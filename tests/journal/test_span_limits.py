"""What spans leave out, and that any journal at all comes to a tree of bounded size."""

import json
import random
import time
import tracemalloc
from collections.abc import Iterator
from itertools import count

import pytest
from every_event import every_event
from hypothesis import given, settings
from hypothesis import strategies as st
from span_journals import (
    ANSWER,
    BEGUN,
    START,
    SUB,
    SWARM,
    assigned,
    call,
    reply,
    returned,
    spans,
    stamped,
)

from openswarm.core.events import (
    Answered,
    AnyEvent,
    ApprovalAsked,
    Content,
    Failed,
    GenerationStarted,
    LimitHit,
    ModelReplied,
    Nudged,
    ReportReceived,
    Steered,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
)
from openswarm.core.messages import ToolCall, Usage
from openswarm.core.result import Failure
from openswarm.core.task import Task
from openswarm.journal.span_fold import fold_spans
from openswarm.journal.span_words import Words
from openswarm.journal.spans import MAX_TEXT_CHARS, MAX_WORD_CHARS
from span_trees import check_tree, only

KEPT = [Content(text="w"), Content(blob="0" * 64)]
SAID = "zq-said-zq"
TALK = (
    START.model_copy(update={"task": Task(text=SAID)}), SWARM,
    TaskAssigned(system=Content(text=SAID), brief=Content(text=SAID), label=SAID),
    reply(text=Content(text=SAID), reasoning=Content(text=SAID),
          calls=(ToolCall(id="c1", name="assign_task", arguments=f'{{"prompt":"{SAID}"}}'),)),
    ToolCalled(call_id="c1", name="assign_task", brief=SAID),
    assigned(item=SAID, label=SAID), Steered(agent=SUB, text=SAID, by="user"),
    Nudged(agent=SUB, text=SAID), LimitHit(agent=SUB, limit="stop", message=SAID),
    ApprovalAsked(id="1", call_id="c1", tool="shell", command=SAID),
    ReportReceived(agent=SUB, outcome="failed", why=SAID, text=Content(text=SAID),
                   failure=Failure(agent=SUB, boundary="model", kind="refused", message=SAID)),
    ToolReturned(call_id="c1", name="assign_task", ok=False, text=Content(text=SAID)),
    Failed(boundary="model", kind="refused", message=SAID),
    Answered(outcome="partial", why=SAID, text=Content(text=SAID)),
    GenerationStarted(number=1, operations=(), wish=SAID),
)  # fmt: skip
"""A run in which everything that anybody says is one word."""


@pytest.mark.requirement("telemetry.content")
def test_what_users_models_and_tools_say_is_left_out_by_default() -> None:
    assert SAID not in repr(spans(*TALK))


@pytest.mark.requirement("telemetry.content")
def test_what_they_say_is_there_where_content_is_asked_for() -> None:
    made = spans(*TALK, content=True)
    found = {
        name
        for span in made
        for entry in (span, *span.events)
        for name, value in entry.attributes.items()
        if SAID in str(value)
    }
    assert found == {
        "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
        "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "swarm.item", "swarm.label",
        "swarm.text", "swarm.message", "swarm.command", "swarm.why", "swarm.wish",
    }  # fmt: skip
    assert only(made, "invoke_agent researcher").message == SAID
    said = only(made, "chat kimi-k2.5").attributes["gen_ai.output.messages"]
    assert json.loads(str(said)) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": SAID},
                {"type": "text", "content": SAID},
                {"type": "tool_call", "id": "c1", "name": "assign_task",
                 "arguments": f'{{"prompt":"{SAID}"}}'},
            ],
            "finish_reason": "stop",
        }
    ]  # fmt: skip


def test_the_row_of_a_table_is_no_content_but_an_item_without_a_table_is() -> None:
    contract = every_event("w", KEPT)
    declared = next(event for event in contract if event.type == "contract_declared")
    sub = assigned(item="Chile")
    plain = spans(*BEGUN, call(), sub, ANSWER)
    in_table = spans(*BEGUN, declared, call(), sub, ANSWER)
    assert "swarm.row" not in only(plain, "invoke_agent researcher").attributes
    assert only(in_table, "invoke_agent researcher").attributes["swarm.row"] == "Chile"


def test_long_texts_are_cut() -> None:
    long = Content(text="x" * 100_000)
    made = spans(
        *BEGUN, call(name="n" * 5000), ToolReturned(call_id="c1", name="n", ok=True, text=long),
        ANSWER, content=True,
    )  # fmt: skip
    (tool,) = [span for span in made if span.name.startswith("execute_tool")]
    assert len(str(tool.attributes["gen_ai.tool.call.result"])) == MAX_TEXT_CHARS
    assert len(str(tool.attributes["gen_ai.tool.name"])) == MAX_WORD_CHARS


@pytest.mark.requirement("telemetry.names")
def test_every_name_is_one_of_the_conventions_or_ours() -> None:
    words = Words(lambda kept: kept.text)
    kinds = every_event("w", KEPT)
    made = list(fold_spans(stamped(*BEGUN, *kinds), words))
    check_tree(made, content=True)
    assert {name.split(" ")[0] for name in (span.name for span in made)} == {
        "invoke_workflow", "invoke_agent", "chat", "execute_tool"
    }  # fmt: skip


# any journal

KINDS = every_event("w", KEPT)
PATHS = ("root", "root/1", "root/2", "root/1/1", "ask/1", "answer/0", "")
TIMES = st.one_of(st.floats(), st.floats(0, 100), st.integers(-(10**40), 10**40).map(float))


@st.composite
def journals(draw: st.DrawFn) -> list[AnyEvent]:
    """Events of every type in any order, by anybody, at any time, with numbers of any size."""
    made: list[AnyEvent] = []
    for position in range(draw(st.integers(0, 30))):
        event = draw(st.sampled_from([*KINDS, *BEGUN, call(), returned(), reply(), ANSWER]))
        path = draw(st.sampled_from(PATHS))
        fields = {"agent": path, "parent": path.rpartition("/")[0], "at": draw(TIMES),
                  "seq": position, "run": "r"}  # fmt: skip
        if "call_id" in type(event).model_fields:
            fields["call_id"] = draw(st.sampled_from(("c1", "c2", "")))
        if isinstance(event, ModelReplied):
            fields["latency_s"] = draw(TIMES)
            fields["usage"] = Usage(input_tokens=draw(st.integers()), output_tokens=2**70)
            fields["cost_usd"] = draw(TIMES)
        if "name" in type(event).model_fields:
            fields["name"] = draw(st.sampled_from(("w", "half \ud800", "")))
        made.append(event.model_copy(update=fields))
    return made


@pytest.mark.requirement("telemetry.tree", "telemetry.names")
@settings(max_examples=80, deadline=None)
@given(journals(), st.booleans())
def test_any_events_in_any_order_come_to_a_tree(events: list[AnyEvent], content: bool) -> None:
    words = Words(lambda kept: kept.text) if content else Words()
    check_tree(list(fold_spans(events, words)), content=content)


def test_a_journal_without_events_has_no_spans() -> None:
    assert list(fold_spans([])) == []


def test_agents_that_lie_in_each_other_without_end_do_not_exhaust_the_stack() -> None:
    def nested() -> Iterator[AnyEvent]:
        path = "root/1"
        for number in range(3000):
            yield assigned(path, parent=path.rpartition("/")[0], at=float(number))
            yield call(path).model_copy(update={"at": float(number)})
            path = f"{path}/1" if number < 2000 else f"root/{number}"

    check_tree(list(fold_spans(nested())))


# size


def wide_run(agents: int, calls: int) -> Iterator[AnyEvent]:
    """Sub-agents that all make so many calls, one after the other, side by side."""
    at = count()

    def now(event: AnyEvent) -> AnyEvent:
        return event.model_copy(update={"at": next(at) * 0.001, "run": "wide"})

    names = [f"root/{number}" for number in range(1, agents + 1)]
    yield from map(now, (*BEGUN, call()))
    for name in names:
        yield now(assigned(name).model_copy(update={"parent": "root"}))
    for step in range(calls):
        for name in names:
            yield now(reply(name))
            yield now(call(name, f"t{step}", "fetch"))
            yield now(returned(name, f"t{step}", "fetch"))
    for name in names:
        yield now(ReportReceived(agent=name, outcome="completed"))
    yield from map(now, (returned(), ANSWER))


@pytest.mark.requirement("telemetry.tree")
def test_a_hundred_sub_agents_with_fifteen_hundred_calls_take_about_a_second() -> None:
    events = list(wide_run(100, 15))
    started = time.process_time()
    made = list(fold_spans(events))
    took = time.process_time() - started
    check_tree(made)
    assert len(made) == 100 * (2 * 15 + 1) + 3
    assert took < 1.5


def test_only_what_is_open_is_held_however_long_a_run_is() -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in fold_spans(wide_run(20, 150))) == 6_023
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 300_000


def test_the_order_of_spans_is_children_first() -> None:
    events = list(wide_run(5, 2))
    random.Random(1).shuffle(events)
    seen: set[str] = set()
    for span in fold_spans(events):
        assert span.parent_id not in seen or not span.parent_id
        seen.add(span.span_id)
