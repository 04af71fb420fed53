"""Tasks and budgets of a training are functions of its seed and the number of the update."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parl_cases import LANDS, curriculum, fact_task, file_of, wide_task

from openswarm.core.errors import SettingsError
from openswarm.parl.curriculum import LEAST, SPARE, TIGHT, build_curriculum, is_plain


@pytest.mark.requirement("parl.budget")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 12))
def test_the_tasks_of_an_update_are_always_the_same(seed: int, update: int, count: int) -> None:
    """Whichever were drawn before."""
    tasks = curriculum()
    made = tasks.draw(count, seed, update)
    assert len(made) == count
    tasks.draw(5, seed + 1, update)
    assert tasks.draw(count, seed, update) == made


@pytest.mark.requirement("parl.budget")
def test_families_are_drawn_in_their_shares() -> None:
    """About a quarter of controls here; updates differ."""
    tasks = curriculum(controls=0.25)
    drawn = [task for update in range(100) for task in tasks.draw(8, 0, update)]
    assert sum(task.kind == "fact" for task in drawn) / len(drawn) == pytest.approx(0.25, abs=0.05)
    assert len({tuple(t.id for t in tasks.draw(8, 0, update)) for update in range(20)}) > 15


@pytest.mark.requirement("parl.budget")
def test_a_budget_is_a_share_of_what_one_agent_would_take() -> None:
    """Tight for wide tasks, never less than a round needs; loose for controls."""
    tasks = curriculum()
    wide = wide_task(12)
    assert tasks.alone(wide) == 8 + 4 * 2 + 1
    assert tasks.budget(wide) == max(LEAST, round(TIGHT * 17))
    many = wide.model_copy(update={"parts": wide.parts * 4})
    assert tasks.budget(many) == round(TIGHT * (4 * 16 + 1)) > LEAST
    control = fact_task(9)
    assert tasks.alone(control) == 3
    assert tasks.budget(control) == 3 + SPARE


@pytest.mark.requirement("parl.view")
def test_a_task_is_plain_when_the_question_says_what_to_read() -> None:
    """Not when it names other documents, or fewer than are needed."""
    task = wide_task(3)
    assert is_plain(task)
    fewer = task.model_copy(update={"question": f"What is the capital of {LANDS[0]}?"})
    assert not is_plain(fewer)
    more = task.model_copy(update={"question": f"{task.question} Not of {LANDS[7]}."})
    assert not is_plain(more)
    unnamed = task.model_copy(
        update={"question": "Every capital?", "scope": tuple(map(file_of, LANDS[:3]))}
    )
    assert is_plain(unnamed)
    assert is_plain(fact_task())


@pytest.mark.requirement("parl.budget")
def test_a_family_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(SettingsError, match="no family 'moon'; there are"):
        build_curriculum(None, ("moon",))


@pytest.mark.slow
@pytest.mark.requirement("parl.view")
def test_training_tasks_of_the_samples_are_plain() -> None:
    """A policy can know what to read in each of them."""
    tasks = build_curriculum(None, ("elements",), pool=10)
    assert len(tasks.pools["elements"]) == 10
    for task in tasks.pools["elements"]:
        assert task.split == "train"
        assert is_plain(task)
        assert tasks.budget(task) >= LEAST
