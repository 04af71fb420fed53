"""The controls: what cannot be shared out among sub-agents."""

import re

import pytest

from openswarm.evals.suites.catalogue import FAMILIES
from openswarm.evals.suites.controls import build_made
from openswarm.evals.task import EvalTask


def drawn(name: str, count: int) -> list[EvalTask]:
    """Test tasks of a control."""
    return list(FAMILIES[name].tasks(FAMILIES[name].sample(), "test", count, 0))


@pytest.mark.requirement("evals.controls")
@pytest.mark.parametrize("name", ["fact", "sequential", "chain"])
def test_no_sub_agent_is_of_use_in_a_control(name: str) -> None:
    """Its width is 0, whatever there is to read."""
    assert {task.width for task in drawn(name, 30)} == {0}


@pytest.mark.requirement("evals.controls")
def test_a_fact_stands_in_one_document_among_others() -> None:
    """One part with one document."""
    for task in drawn("fact", 30):
        assert [len(part.documents) for part in task.parts] == [1]
        assert len(task.scope) > 1


@pytest.mark.requirement("evals.controls")
def test_the_next_ledger_is_named_only_in_the_one_before() -> None:
    """In all of the corpus, and in the question only the first."""
    material = build_made()
    texts = material.documents.texts
    named: dict[str, list[str]] = {}
    for name, text in texts.items():
        for found in re.findall(r"ledger-[0-9a-f]{6}\.md", text):
            named.setdefault(found, []).append(name)
    for line in material.records["lines"]:
        names = [entry["document"] for entry in line]
        assert names[0] not in named
        assert [named[name] for name in names[1:]] == [[name] for name in names[:-1]]
    for task in drawn("sequential", 60):
        if task.template.startswith("ledger"):
            asked = re.findall(r"ledger-[0-9a-f]{6}\.md", task.question, re.IGNORECASE)
            assert [name.casefold() for name in asked] == [task.parts[0].documents[0]]


@pytest.mark.requirement("evals.controls")
def test_a_register_is_of_no_use_without_the_number_before_it() -> None:
    """It turns every number into another one, so all results are possible beforehand."""
    registers = build_made().records["registers"]
    for pairs in registers.values():
        assert set(pairs) == set(pairs.values())
        assert len(pairs) == 60
