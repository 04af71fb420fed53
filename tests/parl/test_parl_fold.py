"""A rollout's tokens are what its journal says that the orchestrator read and decided."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parl_cases import (
    Drawn,
    Script,
    assign,
    documents,
    environment,
    fact_task,
    profile,
    read,
    request,
    unnamed,
    wide_task,
)

from openswarm.core.errors import JournalError
from openswarm.core.events import (
    ROOT,
    AnyEvent,
    Content,
    ModelReplied,
    ReportReceived,
    TaskAssigned,
)
from openswarm.core.table import Cell, Row
from openswarm.llm.policy.language import Call, TurnGuide
from openswarm.llm.policy.sampler import Session
from openswarm.llm.policy.vocabulary import CREATE, tokenizer
from openswarm.parl.batches import batches_of
from openswarm.parl.environment import Environment, Seat
from openswarm.parl.fold import Trail, fold_trail, joined, parse_turn
from openswarm.parl.rollout import Rollout
from openswarm.parl.workers.profile import Distribution


@dataclass
class Noting(Drawn):
    """Draws decisions, and notes what was read, said and decided."""

    turns: list[tuple[list[int], TurnGuide, list[float]]] = field(default_factory=list)

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        await super().decide(session, read, guide)
        logprobs = [-math.log(len(choice)) for choice in guide.choices]
        self.turns.append((list(read), guide, logprobs))
        return logprobs


def noted(seed: int) -> tuple[Rollout, Noting]:
    """A drawn rollout, and what its decider knows of it."""
    decider = Noting(seed)
    env = environment(fail_rate=0.3)
    task = fact_task(seed % 6) if seed % 4 == 0 else wide_task(2 + seed % 5)
    return anyio.run(env.rollout, request(task, seed=seed, critical=16), decider, Seat()), decider


@pytest.mark.requirement("parl.rollout-fold")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_segment_is_what_was_read_and_decided_in_order(seed: int) -> None:
    """Ids, mask, log-probabilities and choices of every turn, and nothing between them."""
    made, decider = noted(seed)
    (segment,) = made.segments
    ids, mask, logprobs, choices = [], [], [], []
    for before, guide, own in decider.turns:
        values = iter(own)
        ids += before + guide.ids
        mask += [False] * len(before) + guide.mask
        logprobs += [0.0] * len(before)
        logprobs += [next(values) if chosen else 0.0 for chosen in guide.mask]
        choices += guide.choices
    assert segment.ids == tuple(ids)
    assert segment.mask == tuple(mask)
    assert segment.choices == tuple(choices)
    assert segment.logprobs == pytest.approx(logprobs, abs=1e-6)
    assert made.length == sum(mask)
    assert made.main_steps == len(decider.turns)


@pytest.mark.requirement("parl.rollout-fold")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_segment_reads_as_one_conversation_of_the_orchestrator(seed: int) -> None:
    """The text of no worker, document or question is in it: known words, numbers and outcomes."""
    made, _ = noted(seed)
    text = tokenizer().decode(made.segments[0].ids)
    assert text.startswith("<|im_user|>user<|im_middle|>")
    assert text.endswith("<|im_end|>")
    for foreign in ("City", "Ardo", "capital is", ".md", "The document", "Much more"):
        assert foreign not in text


@pytest.mark.requirement("parl.rollout-fold")
def test_what_a_worker_traces_never_enters() -> None:
    """A trace on a sub-agent's reply is left aside, unless sub-agents are trained, too."""
    root, worker = turn(ids=[5, 6], choices=[[5, 9]]), turn(ids=[7, 8], choices=[[7, 9]])
    events = [
        ModelReplied(agent=ROOT, model="m", trace=kept(root)),
        TaskAssigned(agent="root/1", stage=1, system=Content(), brief=kept("Read it.")),
        ModelReplied(agent="root/1", model="m", trace=kept(worker)),
        ModelReplied(agent=ROOT, model="m"),
    ]
    trail = fold_trail(events, text_of)
    assert [segment.ids for segment in trail.segments()] == [(1, 2, 5, 6)]
    joint = [segment.ids for segment in trail.segments(workers=True)]
    assert joint == [(1, 2, 5, 6), (1, 2, 7, 8)]


def reported(*reports: dict[str, str], key: tuple[str, ...] = ()) -> list[bool]:
    """Whether each report of one row was useful, handed in one after the other."""
    events: list[AnyEvent] = []
    for number, values in enumerate(reports, 1):
        path = f"root/{number}"
        row = Row(cells={name: Cell(value=value) for name, value in values.items()})
        events += [
            TaskAssigned(agent=path, stage=1, system=Content(), brief=kept(f"Row {number}.")),
            ReportReceived(agent=path, outcome="completed", rows=(row,)),
        ]
    return [*fold_trail(events, text_of, key=key).all_stages()[0].useful]


@pytest.mark.requirement("parl.rollout-fold")
def test_a_row_is_known_by_all_columns_of_its_key() -> None:
    """Another year of one product is new; the same one again, however it is written, is not."""
    sales = [
        {"product": "Oil", "year": "2020", "sold": "7"},
        {"product": "Oil", "year": "2021", "sold": "7"},
        {"product": "oil ", "year": "2020", "sold": "7"},
    ]
    assert reported(*sales, key=("product", "year")) == [True, True, False]
    assert reported(*sales[::2]) == [True, False]


@pytest.mark.requirement("parl.rollout-fold")
def test_another_value_of_a_cell_is_new() -> None:
    """Who brings the right one after a wrong one was of use."""
    wrong, right = {"land": "Ardo", "capital": "X"}, {"land": "Ardo", "capital": "City A"}
    assert reported(wrong, wrong, right, right) == [True, False, True, False]


@pytest.mark.requirement("parl.rollout-fold")
def test_a_rollout_is_folded_with_the_key_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of its contract; none where no table is asked for."""
    keys: list[Sequence[str]] = []

    def noting(*given: Any) -> Trail:
        keys.append(given[-1])
        return fold_trail(*given)

    monkeypatch.setattr("openswarm.parl.environment.fold_trail", noting)
    for task in (wide_task(2), fact_task()):
        anyio.run(environment().rollout, request(task), Script([assign(0)]), Seat())
    assert keys == [("land",), ()]


@dataclass
class Sure(Drawn):
    """Draws as ever, and says that its decisions had this log-probability."""

    logprob: float = -1.0

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        return [self.logprob for _ in await super().decide(session, read, guide)]


def with_workers(seed: int, budget: int, *, joint: bool, logprob: float = -3.0) -> Rollout:
    """A drawn rollout whose sub-agents a policy decides for, at another log-probability."""
    env = Environment({"lands": documents()}, profile(), Sure(seed, 0.3, 512, logprob), joint=joint)
    asked = request(wide_task(2 + seed % 5), seed=seed, critical=budget)
    return anyio.run(env.rollout, asked, Sure(seed, 0.1), Seat())


@pytest.mark.requirement("parl.rollout-fold", "parl.objective")
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_log_probabilities_of_workers_never_enter_the_loss(seed: int) -> None:
    """All that the trainer gets is the orchestrator's, unless sub-agents are trained, too."""
    made = with_workers(seed, 24, joint=False)
    assert {float(old) for rows in batches_of(made.segments) for old in rows.old_S} <= {-1.0}
    assert with_workers(seed, 24, joint=False, logprob=-9.0) == made
    joint = with_workers(seed, 24, joint=True)
    assert joint.segments[: len(made.segments)] == made.segments
    others = {old for s in joint.segments[len(made.segments) :] for old in s.logprobs}
    assert others == ({-3.0, 0.0} if made.spawned else set())


@pytest.mark.requirement("parl.budget")
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 24))
def test_sub_agents_that_a_policy_decides_for_keep_the_budget(seed: int, budget: int) -> None:
    """However long each of them would go on."""
    made = with_workers(seed, budget, joint=False)
    assert 1 <= made.critical_steps <= min(budget, made.total_steps)
    longest = sum(max(stage.steps) for stage in made.stages)
    assert made.critical_steps == made.main_steps + longest


def kept(text: str) -> Content:
    """A text inside an event."""
    return Content(text=text)


def text_of(content: Content) -> str:
    """What an event holds itself."""
    return content.text


def turn(**changes: Any) -> str:
    """A sound trace, of which some things were changed."""
    sound = {"read": [1, 2], "ids": [3, 4], "mask": [1, 0], "logprobs": [-0.5], "choices": [[3, 9]]}
    return json.dumps({**sound, **changes})


@pytest.mark.requirement("parl.rollout-fold")
@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "null", "3", '"a"', "{}", "[" * 5000, turn()[:-3],
        turn(mask=[1]), turn(mask=[1, 1]), turn(mask=[0, 0]), turn(mask=3), turn(mask=None),
        turn(logprobs=[]), turn(logprobs=[0.5]), turn(logprobs=["a"]), turn(logprobs=[None]),
        turn(ids=[3, -4]), turn(ids=[3, "4"]), turn(ids=[3.5, 4]), turn(ids=[3, 1 << 30]),
        turn(ids=[3]), turn(read=7), turn(read=["a"]), turn(choices=[]), turn(choices=[3]),
        turn(choices=[[3, "x"]]), turn(choices={}), turn(logprobs=[float("nan")]),
        turn(logprobs=[float("-inf")]), turn(choices=[[9, 10]]), turn(choices=[[]]),
        turn(ids=[True, 4]), turn(mask=[2, 0]), turn(mask=["x", 0]),
    ],
)  # fmt: skip
def test_a_broken_trace_is_an_error_of_the_journal(text: str) -> None:
    """Whatever is wrong: its JSON, a type, a length, a number, a choice that was not taken."""
    with pytest.raises(JournalError, match="trace"):
        parse_turn(text)


@pytest.mark.requirement("parl.rollout-fold")
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(
                        st.sampled_from(("read", "ids", "mask", "logprobs", "choices")), inner),
                    max_leaves=20))  # fmt: skip
def test_any_json_is_a_sound_turn_or_an_error_of_the_journal(value: Any) -> None:
    """And nothing else is raised."""
    try:
        made = parse_turn(json.dumps(value))
    except JournalError:
        return
    assert len(made["mask"]) == len(made["ids"])


@pytest.mark.requirement("parl.rollout-fold")
def test_turns_are_joined_with_a_logprob_where_something_was_chosen() -> None:
    """And 0 elsewhere."""
    segment = joined([parse_turn(turn()), parse_turn(turn(read=[], ids=[7, 9], mask=[0, 1]))])
    assert segment.ids == (1, 2, 3, 4, 7, 9)
    assert segment.mask == (False, False, True, False, False, True)
    assert segment.logprobs == (0.0, 0.0, -0.5, 0.0, 0.0, -0.5)
    assert segment.choices == ((3, 9), (3, 9))
    assert joined([]).ids == ()


@pytest.mark.requirement("parl.rollout-fold")
def test_stages_say_what_each_assignment_came_to() -> None:
    """Steps, folded briefs, outcomes, use; a sub-agent cannot know that its row is not wanted."""
    env = environment()
    script = Script([assign(0, 1), read(2), [Call(CREATE, "a1")], assign(8)])
    task = unnamed(wide_task(3))
    made = anyio.run(env.rollout, request(task), script, Seat())
    first, second = made.stages
    assert (first.width, second.width) == (2, 1)
    assert first.outcomes == ("completed", "completed")
    assert first.useful == (True, True)
    assert second.outcomes == ("completed",)
    assert second.useful == (False,)
    assert made.item_f1 < 1
    assert first.briefs[0] != first.briefs[1]
    assert made.refused == 0
    assert all(brief == brief.casefold() for stage in made.stages for brief in stage.briefs)
    assert made.created == 1
    assert made.spawned == 3
    assert made.seconds == 2.0 * made.critical_steps


@pytest.mark.requirement("parl.rollout-fold")
def test_failed_work_is_neither_completed_nor_useful() -> None:
    """Its steps count all the same."""
    env = environment(fail_rate=1.0, failed_extra_steps=Distribution(count=1, values=(2.0,)))
    made = anyio.run(env.rollout, request(wide_task(3)), Script([assign(0, 1)]), Seat())
    (stage,) = made.stages
    assert "completed" not in stage.outcomes
    assert stage.useful == (False, False)
    assert stage.steps == (4, 4)
    assert made.success == 0.0
