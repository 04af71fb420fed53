"""Statistics: intervals that hold what they should, paired differences, ranks, best of n."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.errors import UserError
from openswarm.evals.statistics import (
    avg_at,
    least_budget,
    max_at,
    mean_interval,
    paired_difference,
    quantile,
    ranks,
    spearman,
)

pytestmark = pytest.mark.requirement("evals.statistics")

shares = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(shares)
def test_an_interval_lies_around_its_mean_and_inside_the_values(values: list[float]) -> None:
    found = mean_interval(values, resamples=200)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.count == len(values)


def test_the_same_numbers_give_the_same_interval() -> None:
    rng = random.Random(3)
    values = [rng.random() for _ in range(40)]
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values) != mean_interval(values, seed=1)


def test_the_interval_is_that_of_the_normal_approximation_where_that_holds() -> None:
    """For 400 draws the two agree to a tenth of the width."""
    rng = random.Random(5)
    values = [rng.gauss(0.5, 0.1) for _ in range(400)]
    half = 1.96 * 0.1 / math.sqrt(400)
    found = mean_interval(values)
    assert found.low == pytest.approx(found.mean - half, abs=0.2 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.2 * half)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(11)
    held = 0
    for _ in range(200):
        found = mean_interval([rng.random() for _ in range(40)], resamples=300)
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_nothing_has_no_mean_and_one_value_has_no_width() -> None:
    nothing, one = mean_interval([]), mean_interval([0.25])
    assert math.isnan(nothing.mean)
    assert nothing.count == 0
    assert (one.mean, one.low, one.high) == (0.25, 0.25, 0.25)


def test_two_arms_are_compared_on_the_tasks_that_both_did() -> None:
    """Tasks differ much, the arms by a tenth: paired, that is plain."""
    hard = {f"t{place}": place / 20 for place in range(20)}
    easy = {task: value + 0.1 for task, value in hard.items()} | {"other": 0.0}
    found = paired_difference(easy, hard)
    assert found.difference.count == 20
    assert found.difference.low == pytest.approx(0.1)
    assert found.better == 1.0
    assert paired_difference(hard, easy).better == 0.0
    assert math.isnan(paired_difference(hard, {"other": 1.0}).difference.mean)


def test_equal_values_share_the_average_of_their_ranks() -> None:
    assert ranks([10, 20, 20, 5]) == [2, 3.5, 3.5, 1]
    assert ranks([1, 1, 1]) == [2, 2, 2]


def test_spearman_is_that_of_a_worked_example_with_ties() -> None:
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5 over √(4.5 · 5)."""
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30, unique=True))
def test_spearman_sees_order_alone(values: list[int]) -> None:
    """Any rising function of the values has correlation 1, any falling one -1."""
    assert spearman(values, [value**3 for value in values]) == pytest.approx(1)
    assert spearman(values, [-value for value in values]) == pytest.approx(-1)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    assert spearman([1], [2]) is None
    with pytest.raises(ValueError, match="paired"):
        spearman([1, 2], [1])


def test_the_average_and_the_best_of_n_trials() -> None:
    trials = {"a": [0.2, 0.8, 1.0], "b": [0.4, 0.0, 0.0]}
    assert avg_at(trials, 2) == pytest.approx((0.5 + 0.2) / 2)
    assert max_at(trials, 2) == pytest.approx((0.8 + 0.4) / 2)
    assert max_at(trials, 3) == pytest.approx(0.7)
    with pytest.raises(UserError, match="task a has 3 trials"):
        avg_at(trials, 4)


def test_the_least_budget_that_reaches_a_target() -> None:
    reached = {8: 0.2, 16: 0.5, 32: 0.45, 64: 0.7}
    assert least_budget(reached, 0.45) == 16
    assert least_budget(reached, 0.7) == 64
    assert least_budget(reached, 0.71) is None
    assert least_budget({}, 0.1) is None


def test_a_quantile_lies_between_its_neighbours() -> None:
    assert quantile([0, 1, 2, 3], 0.5) == 1.5
    assert quantile([7], 0.975) == 7
