"""Toggle: rewards are cut in one phase, whole in the other, by budgets that are taken once."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.parl.toggle import Toggle, budget_of, toggled, with_budgets

GROUPS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1000)), min_size=1, max_size=12)


@pytest.mark.requirement("parl.toggle")
@given(st.integers(0, 500), st.integers(1, 40))
def test_phases_change_every_period(update: int, period: int) -> None:
    """Limited first, then full, each as long."""
    toggle = Toggle(period=period)
    assert toggle.limits(update) == (math.floor(update / period) % 2 == 0)
    assert toggle.limits(update) != toggle.limits(update + period)
    assert sum(map(toggle.limits, range(2 * period))) == period


@pytest.mark.requirement("parl.toggle")
@given(GROUPS, st.floats(0, 1), st.integers(0, 1000), st.integers(0, 60), st.floats(0, 1))
def test_a_reward_stays_where_the_formula_says(
    group: list[tuple[float, int]], quality: float, budget: int, update: int, threshold: float
) -> None:
    """Cut only in the limited phase, above the threshold, beyond the budget."""
    toggle = Toggle(threshold=threshold)
    rewards, lengths = [r for r, _ in group], [n for _, n in group]
    cut = toggled(rewards, lengths, quality, budget, toggle, update)
    weak = quality < threshold
    for reward, length, value in zip(rewards, lengths, cut, strict=True):
        kept = not toggle.limits(update) or weak or length <= budget
        assert value == (reward if kept else 0.0)
    assert toggled(rewards, lengths, quality, None, toggle, update) == rewards


@pytest.mark.requirement("parl.toggle")
@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=20), st.floats(0.01, 1))
def test_a_budget_is_a_percentile_of_right_answers(
    group: list[tuple[int, bool]], percentile: float
) -> None:
    """At least that share of them is within it, and with the next shorter one less would be."""
    right = sorted(length for length, good in group if good)
    budget = budget_of([n for n, _ in group], [good for _, good in group], percentile)
    if not right:
        assert budget is None
        return
    assert budget in right
    wanted = percentile * len(right) - 1e-9
    assert sum(length <= budget for length in right) >= wanted
    assert sum(length < budget for length in right) < wanted + 1


@pytest.mark.requirement("parl.toggle")
def test_a_known_budget_never_changes() -> None:
    """One is taken when the first right answers are there, and stays, even as they get shorter."""
    first = with_budgets({}, ["a", "a", "b"], [10, 20, 5], [True, True, False], 0.5)
    assert first == {"a": 10}
    again = with_budgets(first, ["a", "b", "b"], [1, 7, 9], [True, True, True], 1.0)
    assert again == {"a": 10, "b": 9}
    assert first == {"a": 10}
