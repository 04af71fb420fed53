"""Metrics of a run: a fold over its journal, checked on runs that are made and on hand cases."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import openswarm
from openswarm.core.messages import ToolCall
from openswarm.evals.metrics import (
    balance,
    duplicate_briefs,
    normalised,
    redundancy,
    run_metrics,
)
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.scripted import Say
from swarm_scripts import FULL, batch, calls, create, scripted

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("evals.metrics")]


def look(query: str) -> str:
    """Looks something up."""
    return f"nothing on {query}"


async def run_of(orchestrator: list[Say], mode: str = "swarm", **scripts: Any) -> MemoryJournal:
    """The journal of a run of this script."""
    journal = MemoryJournal()
    model = scripted(orchestrator, **scripts)
    await openswarm.run("Do it.", model=model, mode=mode, tools=[look], journal=journal)
    return journal


async def test_a_swarm_of_three_is_folded_from_its_journal() -> None:
    lead = [calls(create("finder"), batch(["Chile", "Peru", "Laos"], agent="finder")), Say("Done.")]
    work = [calls(("look", {"query": "x"})), Say(FULL)]
    found = run_metrics((await run_of(lead, finder=work)).events(), correct_cells=2)
    assert (found.spawned, found.width, found.stages, found.created) == (3, 3, 1, 1)
    assert (found.critical_steps, found.total_steps, found.main_steps) == (4, 8, 2)
    assert found.critical_steps_at_slots[1] == 8
    assert found.parallelism == 3
    assert found.finish_rate == 1.0
    assert found.balance == 1.0
    assert (found.main_tokens, found.subagent_tokens) == (220, 660)
    assert found.cells_per_1k_tokens == pytest.approx(2 / 0.88)
    assert found.tool_calls == 3
    assert found.redundancy == pytest.approx(2 / 3)


async def test_an_agent_alone_has_parallelism_1_and_nobody_to_finish() -> None:
    script = [calls(("look", {"query": "a"}), ("look", {"query": "b"})), Say("Done.")]
    journal = MemoryJournal()
    model = scripted([], agent=script)
    await openswarm.run("Do it.", model=model, mode="agent", tools=[look], journal=journal)
    found = run_metrics(journal.events())
    assert (found.spawned, found.parallelism, found.balance) == (0, 1.0, 1.0)
    assert found.finish_rate is None
    assert found.useful_rate is None
    assert (found.tool_calls, found.redundancy) == (2, 0.0)
    assert found.critical_steps == found.total_steps == 2


async def test_a_sub_agent_that_brings_nothing_lowers_finish_rate_and_use() -> None:
    lead = [calls(batch(["Chile", "Peru"])), Say("Done.")]

    def work(request: Any) -> Say:
        text = "\n".join(message.text for message in request.history)
        return Say(FULL) if "Chile" in text else Say("")

    found = run_metrics((await run_of(lead, researcher=work)).events())
    assert found.spawned == 2
    assert found.finish_rate == 0.5
    assert found.useful_rate == 0.5


def test_no_events_are_no_work() -> None:
    found = run_metrics([])
    assert (found.critical_steps, found.spawned, found.cells_per_1k_tokens) == (0, 0, 0.0)


def test_the_same_call_in_another_order_and_case_is_the_same_call() -> None:
    one = ToolCall(id="1", name="search", arguments='{"query": "Chile", "page": 1}')
    two = ToolCall(id="2", name="search", arguments='{"page": 1,  "query": " chile "}')
    broken = ToolCall(id="3", name="search", arguments='{"page": 1')
    assert normalised(one) == normalised(two)
    assert normalised(broken) != normalised(one)
    assert redundancy(Counter(map(normalised, (one, two, broken)))) == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=30))
def test_redundancy_is_a_share(made: list[tuple[str, str]]) -> None:
    assert 0 <= redundancy(Counter(made)) < 1


def test_an_even_split_has_balance_1() -> None:
    assert balance([[3, 3], [5]]) == 1.0
    assert balance([[4, 2]]) == 0.75
    assert balance([[0, 0]]) == 1.0


def test_rows_of_one_template_are_no_duplicates_and_the_same_words_are() -> None:
    template = "Find the capital and the population of {} in the documents, with sources."
    countries = [template.format(name) for name in ("Chile", "Peru", "Laos", "Fiji")]
    assert duplicate_briefs(countries) == 0
    assert duplicate_briefs([*countries, countries[0].upper()]) == 1
    assert duplicate_briefs(["same thing", "same thing"]) == 1
    assert duplicate_briefs(["one"]) == 0
    assert duplicate_briefs([]) == 0
