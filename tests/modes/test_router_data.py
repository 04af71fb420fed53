"""The labelled tasks that the router is trained and judged on."""

from collections import Counter

import pytest
from bench.routing.by_hand import by_hand
from bench.routing.held_out import FOLDS, final, held_out
from bench.routing.oracle import MODES, SEQUENTIAL_LOSS, Choice, Facts, best, regret, utility
from bench.routing.tasks import NAMES, all_tasks, data_hash
from bench.routing.train import TARGET, as_text

from openswarm.modes.routing.classifier import weights

pytestmark = pytest.mark.requirement("router.data")

WIDE = Facts(items=40, pages=4, steps=6, memory=0.1, thought=0.1, single=0.8, tools=True)


def test_there_are_enough_distinct_tasks_of_twelve_kinds() -> None:
    tasks = all_tasks()
    assert len(NAMES) == len(set(NAMES)) == 12
    assert len({task.task.text for task in tasks}) == len(tasks) >= 1200
    assert set(Counter(task.kind for task in tasks).values()) == {len(tasks) // 12}


def test_no_kind_is_a_mode_and_every_mode_is_frequent() -> None:
    tasks = all_tasks()
    by_kind = {name: Counter(t.label.mode for t in tasks if t.kind == name) for name in NAMES}
    assert all(len(modes) > 1 for modes in by_kind.values())
    assert all(max(modes.values()) < 0.85 * modes.total() for modes in by_kind.values())
    assert min(Counter(task.label.mode for task in tasks).values()) > len(tasks) / 10


def test_tasks_come_with_and_without_tools_documents_and_limits() -> None:
    tasks = [entry.task for entry in all_tasks()]
    assert 200 < sum(bool(task.over) for task in tasks) < 600
    assert 200 < sum(not task.tools and not task.over for task in tasks) < 800
    assert sum(task.limits.max_subagents < 300 for task in tasks) > 20


def test_hand_written_tasks_are_of_all_kinds_and_none_is_trained_on() -> None:
    written = by_hand()
    assert len(written) >= 120
    assert {entry.kind for entry in written} == set(NAMES)
    generated = {entry.task.text.casefold() for entry in all_tasks()}
    assert not [e for e in written if e.task.text.casefold() in generated]


def test_every_kind_is_held_out_once() -> None:
    assert sorted(kind for fold in FOLDS for kind in fold) == sorted(NAMES)


@pytest.mark.slow
def test_on_kinds_held_out_the_router_is_better_than_an_agent_for_everything() -> None:
    assert len(held_out()) == len(all_tasks())
    mean = sum(entry.regret for entry in held_out()) / len(held_out())
    assert mean < sum(regret(task.facts, Choice("agent")) for task in all_tasks()) / len(held_out())


def test_the_oracle_follows_what_was_measured_elsewhere() -> None:
    """Width pays where one agent fails, not where it succeeds, and never on a chain."""
    assert best(WIDE).mode == "swarm"
    assert (
        best(Facts(items=3, pages=1, steps=2, memory=0.1, single=0.95, tools=True)).mode == "agent"
    )
    chained = Facts(items=1, steps=6, chain=1, memory=0.1, thought=0.1, single=0.8, tools=True)
    alone, apart = (utility(chained, Choice(*c)) for c in (("agent", 0), ("swarm", 2)))
    assert alone - apart > SEQUENTIAL_LOSS * 0.8 * 0.9
    assert best(Facts(memory=0.95, thought=0.96, single=0.96, tools=True)).mode == "instant"
    assert best(Facts(memory=0.3, thought=0.9, chain=1)).mode == "thinking"
    assert regret(WIDE, best(WIDE)) == 0
    assert all(regret(WIDE, Choice(mode, 2 * (mode == "swarm"))) >= 0 for mode in MODES)


def test_the_weights_were_trained_on_these_tasks() -> None:
    assert weights().data == data_hash(all_tasks())


@pytest.mark.slow
def test_the_weights_are_what_the_training_makes() -> None:
    made, there = final(), weights()
    assert made.modes.keys() == there.modes.keys()
    assert made.ask_below == pytest.approx(there.ask_below, abs=0.11)
    for name, row in made.modes.items():
        assert row == pytest.approx(there.modes[name], abs=0.02), name
    assert as_text(made).splitlines()[0] == TARGET.read_text("utf-8").splitlines()[0]
