"""The reward of PARL: what pays, what cannot be earned cheaply, and λ at exactly 0."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parl_cases import rollout, stage

from openswarm.parl.arms import ARMS
from openswarm.parl.figures import figures_of, group_width
from openswarm.parl.reward import WIDTH_CAP, Schedule, r_finish, r_parallel, reward_of
from openswarm.parl.rollout import Stage

OUTCOMES = ("completed", "failed", "partial", "cancelled")


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """A stage of up to ten; only what completed can be useful."""
    width = draw(st.integers(1, 10))
    outcomes = [draw(st.sampled_from(OUTCOMES)) for _ in range(width)]
    return stage(
        [draw(st.integers(0, 9)) for _ in range(width)],
        briefs=[draw(st.sampled_from("abcdefghij")) for _ in range(width)],
        outcomes=outcomes,
        useful=[outcome == "completed" and draw(st.booleans()) for outcome in outcomes],
    )


RUNS = st.lists(stages(), max_size=5)
SHARES = st.floats(0, 1)


@pytest.mark.requirement("parl.annealing")
@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 1), st.floats(0, 3))
def test_lambdas_are_exactly_zero_from_the_given_share_on(
    parallel: float, finish: float, until: float, beyond: float
) -> None:
    """Exactly: not small. Before, they fall and never rise."""
    schedule = Schedule(parallel, finish, until)
    assert schedule.at(until + beyond) == (0.0, 0.0)
    early, late = schedule.at(until / 3), schedule.at(until / 2)
    assert early[0] >= late[0] >= 0
    assert early[1] >= late[1] >= 0
    if until > 1e-6:
        assert schedule.at(0) == (parallel, finish)


@pytest.mark.requirement("parl.annealing")
@pytest.mark.parametrize("updates", [1, 7, 60, 100, 333])
def test_the_last_two_fifths_of_a_training_have_no_lambda(updates: int) -> None:
    """Of every arm that anneals; one that does not keeps both."""
    for arm in ARMS.values():
        lambdas = [arm.schedule.at(update / updates) for update in range(updates)]
        late = lambdas[math.ceil(0.6 * updates) :]
        if arm.schedule.anneal:
            assert set(late) <= {(0.0, 0.0)}
        else:
            assert set(lambdas) == {(arm.schedule.parallel, arm.schedule.finish)}


@pytest.mark.requirement("parl.annealing")
def test_arms_differ_from_parl_in_what_they_say() -> None:
    """One thing each."""
    parl = ARMS["parl"]
    without = {name: replace(arm, name="", summary="") for name, arm in ARMS.items()}
    assert without["no-parallel"] == replace(
        without["parl"], schedule=replace(parl.schedule, parallel=0.0)
    )
    assert without["no-finish"] == replace(
        without["parl"], schedule=replace(parl.schedule, finish=0.0)
    )
    assert without["no-anneal"] == replace(
        without["parl"], schedule=replace(parl.schedule, anneal=False)
    )
    assert without["total-budget"] == replace(without["parl"], budget="total")
    assert without["loose"] == replace(without["parl"], budget="loose")


@pytest.mark.requirement("parl.reward")
@given(RUNS, st.floats(0, 1), SHARES, SHARES)
def test_the_reward_is_the_weighted_sum_of_three_terms(
    run: list[Stage], quality: float, one: float, two: float
) -> None:
    """Each term lies between 0 and 1; without λ it is the result alone."""
    made = rollout(run, quality=quality)
    reward = reward_of(made, (one, two))
    assert 0 <= reward.parallel <= 1
    assert 0 <= reward.finish <= 1
    assert reward.total == pytest.approx(quality + one * reward.parallel + two * reward.finish)
    assert reward_of(made, (0.0, 0.0)).total == quality


@pytest.mark.requirement("parl.reward")
@given(RUNS, st.integers(0, 50), st.integers(0, 50))
def test_configurations_and_refused_calls_earn_nothing(
    run: list[Stage], created: int, refused: int
) -> None:
    """However many there are."""
    plain = reward_of(rollout(run), (1.0, 1.0))
    assert reward_of(rollout(run, created=created, refused=refused), (1.0, 1.0)) == plain


@pytest.mark.requirement("parl.reward")
@given(RUNS)
def test_briefs_that_were_given_before_earn_nothing(run: list[Stage]) -> None:
    """The same work a second time, or doubled within a stage."""
    assert r_parallel([*run, *run]) == pytest.approx(r_parallel(run))
    doubled = [
        Stage(*(tuple(getattr(s, name)) * 2 for name in Stage.__slots__))  # type: ignore[attr-defined]
        for s in run
    ]
    assert r_parallel(doubled) == pytest.approx(r_parallel(run))


@pytest.mark.requirement("parl.reward")
def test_what_failed_first_counts_when_it_is_done_again() -> None:
    """A second try of four is worth four at once."""
    briefs = [f"b{n}" for n in range(4)]
    failed = stage([2] * 4, briefs=briefs, outcomes=["empty"] * 4, useful=[False] * 4)
    again = stage([2] * 4, briefs=briefs)
    assert r_parallel([failed, again]) == r_parallel([again]) == 3 / (WIDTH_CAP - 1)


@pytest.mark.requirement("parl.reward")
@given(RUNS, st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=12))
def test_failed_and_useless_work_earns_nothing(run: list[Stage], outcomes: list[str]) -> None:
    """A stage of new briefs of which none brought anything."""
    idle = stage(
        [1] * len(outcomes), briefs=[f"new {n}" for n in range(len(outcomes))],
        outcomes=outcomes, useful=[False] * len(outcomes),
    )  # fmt: skip
    assert r_parallel([*run, idle]) == r_parallel(run)


@pytest.mark.requirement("parl.reward")
@given(st.integers(0, 30))
def test_one_after_the_other_is_not_parallel(count: int) -> None:
    """Serial delegation earns nothing; the same work at once earns up to the cap."""
    serial = [stage([3], briefs=[f"b{n}"]) for n in range(count)]
    assert r_parallel(serial) == 0.0
    at_once = r_parallel([stage([3] * count)] if count else [])
    assert at_once == pytest.approx(min(1.0, max(0, count - 1) / (WIDTH_CAP - 1)))


@pytest.mark.requirement("parl.reward")
@given(RUNS)
def test_finishing_is_a_share_of_what_was_assigned(run: list[Stage]) -> None:
    """0 where nothing was, so that working alone is not paid for finishing."""
    outcomes = [outcome for s in run for outcome in s.outcomes]
    completed = sum(outcome == "completed" for outcome in outcomes)
    assert r_finish(run) == pytest.approx(completed / max(1, len(outcomes)))
    assert r_finish([]) == 0.0


@pytest.mark.requirement("parl.reward")
def test_figures_name_the_pathologies() -> None:
    """Width, what failed or brought nothing, and controls that delegate, are told apart."""
    collapsed = rollout([stage([4]), stage([4])], meta={"kind": "wide"})
    spurious = rollout(
        [stage([1] * 4, useful=[True, False, False, False])], created=5, meta={"kind": "wide"}
    )
    control = rollout([stage([2])], success=1.0, meta={"kind": "fact"})
    figures = figures_of([collapsed, spurious, control])
    assert group_width(collapsed) == 1.0
    assert group_width(rollout()) == 0.0
    assert figures.wide_group == pytest.approx((1 + 4) / 2)
    assert figures.wide_spawned == pytest.approx((2 + 4) / 2)
    assert figures.useless == pytest.approx(3 / 3)
    assert figures.created == pytest.approx(5 / 3)
    assert figures.control_spawned == figures.control_success == 1.0
    assert math.isnan(figures_of([]).quality)
    assert math.isnan(figures_of([control]).wide_f1)
