"""The spans of a run: what each says, how they lie in each other, and what becomes of what has no
end."""

import pytest
from span_journals import (
    ANSWER,
    BEGUN,
    SUB,
    assigned,
    call,
    reply,
    returned,
    spans,
    stamped,
)

from openswarm.core.contract import Column
from openswarm.core.events import (
    Admitted,
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    Cancelled,
    CapacityChanged,
    Content,
    ContextCompacted,
    Failed,
    GenerationStarted,
    LimitHit,
    Nudged,
    ReportReceived,
    Requeued,
    Resumed,
    Steered,
    Undone,
)
from openswarm.core.messages import Usage
from openswarm.core.operations import AddColumn
from openswarm.core.result import Failure
from openswarm.journal.span_fold import fold_spans
from openswarm.journal.span_words import split_spec
from openswarm.journal.spans import MAX_EVENTS
from span_trees import line_of, only, shown


@pytest.mark.requirement("telemetry.tree")
def test_sub_agents_lie_in_the_call_that_asked_for_them() -> None:
    made = spans(
        *BEGUN, reply(), call(), assigned(), assigned("root/2"), assigned("root/3", call_id=""),
        Admitted(agent=SUB), reply(SUB), ReportReceived(agent=SUB, outcome="completed"),
        ReportReceived(agent="root/2", outcome="empty"),
        ReportReceived(agent="root/3", outcome="cancelled"), returned(), reply(), ANSWER,
    )  # fmt: skip
    parents = {
        s.attributes.get("gen_ai.agent.id"): s.parent_id for s in made if "invoke_agent" in s.name
    }
    at = only(made, "execute_tool assign_batch").span_id
    run = only(made, "invoke_workflow swarm").span_id
    assert parents == {"root": run, "root/1": at, "root/2": at, "root/3": run}
    assert made[-1].span_id == run


@pytest.mark.requirement("telemetry.tree")
def test_a_reply_says_what_it_took_and_which_model_gave_it() -> None:
    made = spans(*BEGUN, reply(latency_s=0.5), ANSWER)
    chat = only(made, "chat kimi-k2.5")
    assert (chat.start, chat.end, chat.kind) == (3.5, 4.0, "client")
    assert chat.attributes == {
        "gen_ai.conversation.id": "run-1",
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "orchestrator",
        "gen_ai.agent.id": "root",
        "gen_ai.provider.name": "moonshot",
        "gen_ai.request.model": "kimi-k2.5",
        "gen_ai.response.model": "kimi-k2.5-0127",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "swarm.cost_usd": 0.01,
        "swarm.step": 1,
    }


@pytest.mark.requirement("telemetry.tree")
def test_a_run_says_how_it_was_done_and_what_it_used() -> None:
    run = only(
        spans(*BEGUN, reply(), call(), assigned(), reply(SUB), ANSWER), "invoke_workflow swarm"
    )
    assert (run.start, run.end, run.kind, run.parent_id) == (1.0, 8.0, "internal", "")
    assert line_of(run) == (
        "invoke_workflow swarm mode=swarm mode_reason=many items width=3 outcome=completed"
        " steps=2 input_tokens=200 output_tokens=20 cached_tokens=80 cost_usd=0.02"
    )


@pytest.mark.parametrize(
    ("spec", "shown_as"),
    [
        ("moonshot/kimi-k2.5", ("moonshot", "kimi-k2.5")),
        ("openrouter/moonshotai/kimi", ("openrouter", "moonshotai/kimi")),
        ("gemini/flash", ("gcp.gemini", "flash")),
        ("http://10.0.0.7:8000/v1#kimi", ("openai_compatible", "kimi")),
        ("scripted:some/folder/replies.json", ("scripted", "scripted")),
        ("kimi", ("", "kimi")),
        ("", ("", "")),
    ],
)
def test_models_are_shown_without_addresses_and_paths(spec: str, shown_as: tuple[str, str]) -> None:
    assert split_spec(spec) == shown_as


@pytest.mark.requirement("telemetry.tree")
def test_a_failed_sub_agent_and_a_failed_call_are_errors_with_their_kind() -> None:
    failure = Failure(agent=SUB, boundary="model", kind="quota", message="no money")
    made = spans(
        *BEGUN, reply(), call(), assigned(), call(SUB, "c2", "fetch"),
        returned(SUB, "c2", "fetch", ok=False),
        ReportReceived(agent=SUB, outcome="failed", failure=failure), returned(), ANSWER,
    )  # fmt: skip
    assert line_of(only(made, "execute_tool fetch")) == "execute_tool fetch FAILED(tool_error)"
    assert only(made, "invoke_agent researcher").error == "quota"
    assert only(made, "invoke_agent researcher").attributes["swarm.boundary"] == "model"
    assert not only(made, "invoke_agent orchestrator").error


def test_a_call_that_was_denied_says_so() -> None:
    asked = ApprovalAsked(id="1", call_id="c1", tool="shell", command="rm -r /")
    denied = ApprovalGiven(id="1", call_id="c1", tool="shell", answer="deny", by="user")
    made = spans(
        *BEGUN, call(name="shell"), asked, denied, returned(name="shell", ok=False), ANSWER
    )
    assert line_of(only(made, "execute_tool shell")) == (
        "execute_tool shell FAILED(denied) ['approval_asked', 'approval_given']"
    )


def test_a_run_whose_model_failed_is_an_error_until_it_is_taken_up_again() -> None:
    failed = (*BEGUN, Failed(boundary="model", kind="unreachable", message="no connection"))
    made = spans(*failed)
    assert shown(made) == (
        "invoke_workflow swarm FAILED(unreachable) mode=swarm mode_reason=many items width=3"
        " boundary=model steps=0 input_tokens=0 output_tokens=0\n"
        "  invoke_agent orchestrator FAILED(unreachable) boundary=model unfinished=True"
        " steps=0 input_tokens=0 output_tokens=0"
    )
    again = spans(*failed, Resumed(), reply(), ANSWER)
    assert not [span for span in again if span.error]
    assert [event.name for event in only(again, "invoke_workflow swarm").events] == [
        "swarm.resumed"
    ]


@pytest.mark.requirement("telemetry.tree")
def test_what_was_at_work_when_the_journal_ends_ends_there_and_is_marked() -> None:
    made = spans(*BEGUN, reply(), call(), assigned(), call(SUB, "c2", "fetch"))
    open_ones = [span for span in made if span.attributes.get("swarm.unfinished")]
    assert [span.name for span in open_ones] == [
        "execute_tool fetch", "invoke_agent researcher", "execute_tool assign_batch",
        "invoke_agent orchestrator", "invoke_workflow swarm",
    ]  # fmt: skip
    assert {span.end for span in open_ones} == {7.0}


@pytest.mark.requirement("telemetry.tree")
def test_a_call_that_an_earlier_process_began_is_one_span_with_two_attempts() -> None:
    made = spans(*BEGUN, reply(), call(), assigned(), Resumed(), call(), call(), returned(), ANSWER)
    at = only(made, "execute_tool assign_batch")
    assert (at.start, at.end, at.attributes["swarm.attempt"]) == (5.0, 10.0, 3)
    assert only(made, "invoke_agent researcher").parent_id == at.span_id


def test_a_call_that_was_given_up_ends_with_the_next_reply() -> None:
    made = spans(*BEGUN, reply(), call(name="fetch"), reply(), ANSWER)
    given_up = only(made, "execute_tool fetch")
    assert (given_up.end, given_up.attributes["swarm.unfinished"]) == (6.0, True)


@pytest.mark.requirement("telemetry.tree")
def test_edits_and_questions_are_trees_of_their_own_in_the_same_trace() -> None:
    column = AddColumn(column=Column(name="river"))
    made = spans(
        *BEGUN, reply(), ANSWER,
        assigned("edit/1", name="editor", stage=0), reply("edit/1"),
        GenerationStarted(number=1, operations=(column,), wish="add rivers"),
        assigned(call_id="", key=("Chile",), columns=("river",), reason="column"),
        ReportReceived(agent=SUB, outcome="completed"),
        assigned("answer/1", name="writer", stage=0), reply("answer/1"), ANSWER,
        Undone(generation=1),
        assigned("ask/1", name="asked", stage=0), reply("ask/1"),
    )  # fmt: skip
    first = only(made, "invoke_workflow swarm")
    assert shown([span for span in made if span.top_id != first.span_id]) == (
        "invoke_agent editor steps=1 input_tokens=100 output_tokens=10 cached_tokens=40"
        " cost_usd=0.01\n"
        "  chat kimi-k2.5 cost_usd=0.01 step=1\n"
        "invoke_workflow edit generation=1 by=user operations=('add_column',) outcome=completed"
        " undone=True steps=1 input_tokens=100 output_tokens=10 cached_tokens=40 cost_usd=0.01\n"
        "  invoke_agent researcher stage=1 reason=column columns=('river',) row=Chile attempt=1"
        " outcome=completed steps=0 input_tokens=0 output_tokens=0\n"
        "  invoke_agent writer steps=1 input_tokens=100 output_tokens=10 cached_tokens=40"
        " cost_usd=0.01\n"
        "    chat kimi-k2.5 cost_usd=0.01 step=1\n"
        "invoke_agent asked steps=1 input_tokens=100 output_tokens=10 cached_tokens=40"
        " cost_usd=0.01\n"
        "  chat kimi-k2.5 cost_usd=0.01 step=1"
    )
    others = [span for span in made if not span.parent_id and span is not first]
    assert [span.links for span in others] == [(first.span_id,)] * 3
    assert first.end == 5.0


def test_an_answer_that_was_not_the_last_word_lengthens_the_run() -> None:
    partial = Answered(outcome="partial", text=Content())
    made = spans(*BEGUN, reply(), partial, Resumed(), reply(), ANSWER)
    run = only(made, "invoke_workflow swarm")
    assert (run.end, run.attributes["swarm.outcome"]) == (8.0, "completed")
    assert only(made, "invoke_agent orchestrator").end == 8.0


def test_what_happens_at_one_moment_is_noted_where_it_happened() -> None:
    made = spans(
        *BEGUN, call(), assigned(), Admitted(agent=SUB),
        Requeued(agent=SUB, reason="throttled", wait_s=2.0), Admitted(agent=SUB),
        CapacityChanged(agent=SUB, resource="https://me:key@host/v1", capacity=20, reason="429"),
        Steered(agent=SUB, text="be quick", by="user"),
        LimitHit(agent=SUB, limit="steps", message="m"),
        ContextCompacted(agent=SUB, strategy="summarise", messages_before=9, messages_after=2,
                         conversation=Content(), usage=Usage(input_tokens=7), cost_usd=0.5),
        Cancelled(agent=SUB, verb="cancel", by="user"), Nudged(agent=SUB, text="stop"), ANSWER,
    )  # fmt: skip
    agent = only(made, "invoke_agent researcher")
    assert [(event.name, *event.attributes.values()) for event in agent.events] == [
        ("swarm.admitted",),
        ("swarm.requeued", "throttled", 2.0),
        ("swarm.admitted",),
        ("swarm.steered", "user"),
        ("swarm.limit_hit", "steps"),
        ("swarm.context_compacted", "summarise", 9, 2, 7, 0.5),
        ("swarm.cancelled", "cancel", "user"),
        ("swarm.nudged",),
    ]
    assert (agent.attributes["swarm.queued_s"], agent.attributes["swarm.cost_usd"]) == (1.0, 0.5)
    (changed,) = only(made, "invoke_workflow swarm").events
    assert dict(changed.attributes) == {
        "swarm.resource": "host/v1", "swarm.capacity": 20, "swarm.reason": "429"
    }  # fmt: skip


def test_what_is_noted_is_bounded_and_the_rest_is_counted() -> None:
    many = [Nudged(text="on")] * (MAX_EVENTS + 7)
    agent = only(spans(*BEGUN, *many, ANSWER), "invoke_agent orchestrator")
    assert (len(agent.events), agent.attributes["swarm.dropped_events"]) == (MAX_EVENTS, 7)


def test_ids_are_those_of_the_run_and_the_same_each_time() -> None:
    events = (*BEGUN, reply(), call(), assigned(), ANSWER)
    first, again = spans(*events), spans(*events)
    other = list(fold_spans(stamped(*events, run_id="run-2")))
    assert first == again
    assert {s.span_id for s in first}.isdisjoint(s.span_id for s in other)
    assert {s.trace_id for s in first}.isdisjoint(s.trace_id for s in other)
    longer = spans(*events, Resumed(), reply())
    assert {s.span_id for s in first} < {s.span_id for s in longer}
