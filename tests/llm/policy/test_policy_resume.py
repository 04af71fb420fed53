"""A policy that is called in the middle of a run: after a resume, or a shortened conversation."""

import gc
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import Choose, Chosen, asked

import openswarm
from openswarm.agent.context import DISCARDED, SUMMARY
from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import ROOT, ModelReplied, ReportReceived, TaskAssigned, ToolReturned
from openswarm.core.history import History
from openswarm.core.limits import Limits
from openswarm.core.messages import Message, ToolCall
from openswarm.journal.lines import EVENTS_FILE, parse_line
from openswarm.llm.model import Request, ToolSpec
from openswarm.llm.policy.language import Call, Facts, TurnGuide
from openswarm.llm.policy.model import PolicyModel
from openswarm.llm.policy.view import View
from openswarm.llm.policy.vocabulary import AGENTS, ANSWER, ASSIGN, CREATE, DEFAULT_AGENT, OPEN
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import FULL, of, scripted

NAMES = ("a.md", "b c.md", "x/readme.md", "y/readme.md", "document.md", "peru.md")
RESULTS = {
    CREATE: ("Agent 'a1' is registered; assign work to it.", "Not registered: no."),
    ASSIGN: ("1 of 1 completed.\n\nrow", "0 of 1 completed.\n\nMissing: x.", "Nothing was started"),
    OPEN: ("Page 1 of 2.\nSee a.md.", "Page 2 of 2, the last.", "There is no such page."),
}
TABLE = "The table (fixed; fill it):\n- a\n- b\nKey: a"
OFFERED = (CREATE, "assign_batch", OPEN)
TOOL_SPECS = tuple(ToolSpec(name, "", "{}") for name in (CREATE, ASSIGN, OPEN))


def returned(call: ToolCall, text: str) -> Message:
    """The result of a call."""
    return Message(role="tool", content=text, tool_call_id=call.id)


@pytest.mark.requirement("parl.view")
@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_view_that_begins_later_knows_what_the_first_one_knew(seed: int, table: bool) -> None:
    """Whatever was said and came: the same conversation, and the same can be said next."""
    view, numbers = View(seed), random.Random(seed)
    system = Message(role="system", content=TABLE if table else "")
    history = [system, asked("What of Peru?", *NAMES)]
    for _ in range(5):
        view.read(history)
        guide = TurnGuide(view.facts(OFFERED, 3))
        while not guide.over:
            guide.take(numbers.choice(guide.allowed))
        made = view.said(guide.calls, OFFERED)
        history.append(Message(role="assistant", content="words", tool_calls=tuple(made)))
        kinds = [call.tool for call in guide.calls]
        history += [
            returned(call, numbers.choice(RESULTS[kind]))
            for call, kind in zip(made, kinds, strict=True)
        ]
        if not made or numbers.random() < 0.2:
            history.append(Message(role="user", content="Hurry."))
    view.read(history)
    again = View(seed)
    again.read(history)
    assert again.messages == view.messages
    assert again.facts(OFFERED, 3) == view.facts(OFFERED, 3)
    assert again.opened == view.opened


def written(name: str, /, **arguments: object) -> ToolCall:
    """A call as some model writes it."""
    return ToolCall(id="call_7", name=name, arguments=json.dumps(arguments))


def later(*history: Message) -> View:
    """A view of a conversation over Peru and Chad that another model led so far."""
    view = View(1)
    view.read([asked("Areas of Peru and Chad?", "peru.md", "chad.md", "mali.md"), *history])
    return view


@pytest.mark.requirement("parl.view")
def test_an_item_of_a_batch_is_done_when_it_is_not_missing() -> None:
    """One call with one result stands for several assignments."""
    call = written(
        "assign_batch", agent=DEFAULT_AGENT, prompt_template="Area of {{item}}?",
        items=["Peru", "Atlantis", " Chad "],
    )  # fmt: skip
    text = "1 of 3 completed.\n\nMissing: Chad (failed: no); Atlantis (failed).\nAssign these"
    view = later(Message(role="assistant", tool_calls=(call,)), returned(call, text))
    peru, chad = view.first, view.first + 1
    assert [message.text for message in view.messages[-2:]] == [
        f"{peru} completed", f"{chad} failed missing {chad}",
    ]  # fmt: skip
    assert view.facts(OFFERED, 9).done == {peru}
    assert view.facts(OFFERED, 9).calls_before == 2


@pytest.mark.requirement("parl.view")
@pytest.mark.parametrize(
    "call",
    [
        written("search", query="Peru"),
        written(CREATE, name="geographer", system_prompt="x"),
        written(ASSIGN, agent="geographer", prompt="Peru"),
        written(ASSIGN, agent=DEFAULT_AGENT, prompt="Peru or Chad"),
        written(ASSIGN, agent=DEFAULT_AGENT, prompt=["Peru"]),
        written(ASSIGN, agent=[1], prompt="Peru"),
        written("assign_batch", agent=DEFAULT_AGENT, prompt_template=3, items="Peru"),
        written("assign_batch", agent=DEFAULT_AGENT, prompt_template="{{item}}", items=[1, None]),
        written(OPEN, document="rome.md"),
        written(OPEN, document=4, page="x"),
        ToolCall(id="x", name=OPEN, arguments="[" * 9_000),
        ToolCall(id="x", name=ASSIGN, arguments="[1]"),
    ],
    ids=lambda call: f"{call.name}-{call.arguments[:40]}",
)
def test_a_call_that_is_no_decision_is_left_out(call: ToolCall) -> None:
    """As if it had not been made."""
    view = later(Message(role="assistant", tool_calls=(call,)), returned(call, "1 of 1 completed."))
    assert len(view.messages) == 1
    facts = view.facts(OFFERED, 9)
    assert (facts.calls_before, facts.done, facts.agents) == (0, frozenset(), (DEFAULT_AGENT,))


@pytest.mark.requirement("parl.view")
def test_pages_that_were_opened_before_are_not_opened_again() -> None:
    """The next page is the one after them."""
    call = written(OPEN, document="Peru.md", page=2)
    view = later(Message(role="assistant", tool_calls=(call,)), returned(call, "Page 2 of 3.\nx"))
    (made,) = view.said([Call(OPEN, document=view.first)], OFFERED)
    assert json.loads(made.arguments) == {"document": "peru.md", "page": 3}
    assert made.id == "functions.open:1"


def request(history: History) -> Request:
    """A turn with all tools."""
    return Request(history=history, tools=TOOL_SPECS)


def first_missing(view: View, facts: Facts) -> Sequence[Call]:
    """Assigns the first document that may still be assigned, then answers."""
    left = [number for number in facts.documents if number not in facts.done]
    may = facts.max_assigns is None or facts.max_assigns > 0
    return [Call(ASSIGN, DEFAULT_AGENT, left[0])] if left and may and ASSIGN in facts.tools else []


async def reply(policy: PolicyModel, history: History, result: str = "") -> dict[str, object]:
    """A turn and what came of its calls; the turn's trace."""
    made = await policy.reply(request(history))
    history.append(made.message)
    for call in made.message.tool_calls:
        history.append(returned(call, result))
    return json.loads(made.trace)


@pytest.mark.anyio
@pytest.mark.requirement("parl.view", "parl.rollout-fold")
async def test_a_new_session_in_a_run_begins_fresh() -> None:
    """Its first trace says so, and holds what it read; work that is done is not assigned again."""
    decider, done = Chosen(first_missing), "1 of 1 completed."
    history = History([asked("Which?", "a.md", "b.md")])
    before = await reply(PolicyModel("policy", decider), history, done)
    assert "fresh" not in before
    policy, rebuilt = PolicyModel("policy", decider), History(history)
    trace = await reply(policy, rebuilt, done)
    assert trace["fresh"] is True
    assert trace["read"][: len(before["read"] + before["ids"])] == before["read"] + before["ids"]
    assert "fresh" not in await reply(policy, rebuilt, done)
    assert [message.text for message in rebuilt if message.role == "assistant"][:2] == ["", ""]
    first = decider.views[1].first
    assert decider.facts[1].done == {first}
    assert decider.facts[2].done == {first, first + 1}


@pytest.mark.anyio
@pytest.mark.requirement("parl.view", "parl.rollout-fold")
@pytest.mark.parametrize("words", [DISCARDED, SUMMARY.format(notes="a.md is done.")])
async def test_a_shortened_conversation_is_read_anew(words: str) -> None:
    """In a session of its own; the old one is closed once. It is not told to answer."""
    decider = Chosen(first_missing)
    policy, history = PolicyModel("policy", decider), History([asked("Which?", "a.md", "b.md")])
    await reply(policy, history, "1 of 1 completed.")
    history.replace([history[0], Message(role="user", content=words)])
    trace = await reply(
        policy, history, "Nothing was started: root/1 has done exactly this: 'x'; use its report."
    )
    assert trace["fresh"] is True
    assert len(decider.views) == 2
    assert [session.view for session in decider.open_now] == decider.views[1:]
    assert [message.text for message in decider.views[1].messages if message.role == "user"] == [
        decider.views[0].messages[0].text
    ]
    await reply(policy, history, "1 of 1 completed.")
    assert decider.facts[-1].done == {decider.views[1].first}
    del history
    gc.collect()
    assert decider.open_now == []


@pytest.mark.anyio
@pytest.mark.requirement("parl.view")
async def test_a_reply_that_failed_leaves_nothing_half_said() -> None:
    """The next one reads the run anew, as often as the model is asked again."""
    decider = Chosen(first_missing)
    policy, history = PolicyModel("policy", decider), History([asked("Which?", "a.md", "b.md")])
    first = await reply(policy, history, "1 of 1 completed.")
    decider.error = ModelError(Fault.STALLED, "later")
    with pytest.raises(ModelError):
        await policy.reply(request(history))
    assert decider.open_now == []
    trace = await reply(policy, history)
    assert trace["fresh"] is True
    assert trace["read"][: len(first["read"] + first["ids"])] == first["read"] + first["ids"]
    assert decider.facts[-1].done == {decider.views[-1].first}


def others() -> ScriptedModel:
    """Sub-agents that report, and a writer."""
    return scripted([], researcher=lambda _: Say(FULL), writer=lambda _: Say("All of it."))


async def led(
    tmp_path: Path, choose: Choose, names: Sequence[str], **more: object
) -> tuple[Chosen, openswarm.RunResult]:
    """A run over documents that a policy leads."""
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in names:
        (texts / name).write_text(f"About {name}.")
    decider = Chosen(choose)
    model = PolicyModel("policy", decider, others())
    result = await openswarm.run(
        "What do they say?", model=model, subagent_model=others(),
        over=[texts], mode="swarm", **more,
    )  # fmt: skip
    return decider, result


@pytest.mark.anyio
@pytest.mark.requirement("parl.view", "swarm.resume")
@pytest.mark.parametrize("kind", [ModelReplied, TaskAssigned, ReportReceived, ToolReturned])
async def test_a_run_that_was_killed_goes_on_as_it_was(tmp_path: Path, kind: type) -> None:
    """Wherever it was ended: the policy reads the same, and nothing is assigned again."""
    first, result = await led(tmp_path, first_missing, ("a.md", "b.md", "c.md"))
    path = Path(result.folder) / EVENTS_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    events = [parse_line(line, "here") for line in lines]
    of_root = kind in {ModelReplied, ToolReturned}
    places = [
        place
        for place, event in enumerate(events)
        if isinstance(event, kind) and (event.agent == ROOT) == of_root
    ]
    path.write_bytes(b"".join(lines[: places[1] + 1]))
    again = Chosen(first_missing)
    model = PolicyModel("policy", again, others())
    resumed = await openswarm.resume(result.run_id, model=model, subagent_model=others())
    assert (resumed.outcome, resumed.answer) == ("completed", "All of it.")
    assert again.views[0].messages == first.views[0].messages
    now = [parse_line(line, "here") for line in path.read_bytes().splitlines(keepends=True)]
    assert len([event for event in of(now, TaskAssigned) if event.agent != ROOT]) == 3
    assert all(event.ok for event in of(now, ToolReturned))
    said = [call.id for event in of(now, ModelReplied) for call in event.calls]
    assert said == [f"functions.assign_task:{number}" for number in range(3)]


def all_at_once(view: View, facts: Facts) -> Sequence[Call]:
    """Assigns as many as there may be, then reads what is left, then answers."""
    left = [n for n in facts.documents if n not in facts.done and n not in facts.read]
    if facts.max_assigns != 0 and left and ASSIGN in facts.tools:
        return [Call(ASSIGN, DEFAULT_AGENT, number) for number in left[: facts.max_assigns]]
    return [Call(OPEN, document=number) for number in left[:1]] if OPEN in facts.tools else []


@pytest.mark.anyio
@pytest.mark.requirement("parl.view")
async def test_no_more_sub_agents_are_offered_than_the_run_may_start(tmp_path: Path) -> None:
    """Two of three are assigned, the third is read; nothing is refused."""
    decider, result = await led(
        tmp_path, all_at_once, ("a.md", "b.md", "c.md"), limits=Limits(max_subagents=2)
    )
    assert result.outcome == "completed"
    assert [facts.max_assigns for facts in decider.facts] == [2, 0, 0]
    outcomes = [message.text for message in decider.views[0].messages if message.role == "tool"]
    assert [text.split()[1] for text in outcomes] == ["completed", "completed", "page"]
    assert decider.views[0].messages[-1].text == ANSWER


@pytest.mark.requirement("parl.view")
def test_a_refusal_says_how_many_are_left() -> None:
    """Where others took part of the number, or none was told."""
    for text, left in (
        ("Nothing was started: 3 sub-agents are asked for, but only 1 of 4 are left; assign", 1),
        ("Nothing was started: sub-agents are switched off in this run; do the work.", 0),
        ("Nothing was started: there is no agent 'only 1 of'", None),
    ):
        view = later()
        (call,) = view.said([Call(ASSIGN, AGENTS[0], view.first)], OFFERED)
        view.read([asked("?"), Message(role="assistant", tool_calls=(call,)), returned(call, text)])
        assert view.facts(OFFERED, 9).max_assigns == left


@pytest.mark.requirement("parl.view")
def test_documents_that_make_the_same_brief_are_one() -> None:
    """Case and white space do not count, as they do not count for the run."""
    view = View(1)
    view.read([asked("Which?", "A.md", "a.md", "b  c.md", "B c.md", "d.md")])
    assert [document.name for document in view.documents] == ["A.md", "b  c.md", "d.md"]


@pytest.mark.requirement("parl.view")
def test_rows_that_were_handed_in_before_are_an_answer() -> None:
    """A worker whose report was refused goes on as it was."""
    call = written("report", rows=[])
    view = later(Message(role="assistant", tool_calls=(call,)), returned(call, "Not taken."))
    assert [message.text for message in view.messages[1:]] == [ANSWER]
