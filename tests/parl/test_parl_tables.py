"""The tables of trained arms: equal quality, habits, and targets, from results made by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.errors import UserError
from openswarm.parl.matched import MARGIN, curves_of, matched
from openswarm.parl.result_figures import every_series, write_result_figures
from openswarm.parl.results import Result
from openswarm.parl.tables import by_width, habits_of, lines_of, targets_of

pytestmark = pytest.mark.requirement("parl.tables")
BUDGETS = (4, 8, 16, 32)
WIDTHS = (2, 4, 8, 12)


def result(arm: str, task: str, width: int, budget: int, steps: float, **values: Any) -> Result:
    """A rollout that is right as far as its steps go."""
    used = min(budget, steps)
    made = Result(
        arm=arm, seed=0, test="wide", task=task, family="f", width=width, budget=budget,
        quality=used / steps, item_f1=used / steps, success=float(used == steps),
        critical_steps=int(used), total_steps=int(used), seconds=10.0 * used, tokens=1000,
        spawned=0, group=0.0, created=0, refused=0, correct_cells=width,
    )  # fmt: skip
    return replace(made, **values)


def arm(name: str, needs: Callable[[int], float], **values: Any) -> list[Result]:
    """An arm that needs so many critical steps for a task of a width."""
    return [
        result(name, f"t{width}", width, budget, needs(width), **values)
        for width in WIDTHS
        for budget in BUDGETS
    ]


def single() -> list[Result]:
    """One step for each row, and one to answer, twice over."""
    return arm("single", lambda width: 2 * (width + 1))


def swarm() -> list[Result]:
    """Four steps, however wide; twice the tokens; a sub-agent a row."""
    return [replace(run, spawned=run.width) for run in arm("parl", lambda _: 4, tokens=2000)]


def test_an_arm_is_compared_at_the_budget_at_which_it_is_as_good() -> None:
    """Four steps against 15 on average: 3.75 times fewer, at twice the tokens."""
    curves = curves_of([*single(), *swarm()])
    found = matched(curves["single"], curves["parl"])
    alone = sum(2 * (width + 1) for width in WIDTHS) / len(WIDTHS)
    assert found.target == 1 - MARGIN
    assert (found.budget, found.critical_steps) == (4, 4)
    assert found.ratio == pytest.approx(alone / 4)
    assert found.low <= alone / 4 <= found.high
    assert found.reached == 1
    assert found.runtime == pytest.approx(4 / alone - 1)
    assert found.tokens == 2


def test_an_arm_that_is_worse_gains_nothing_by_being_fast() -> None:
    """What it does not reach has no ratio, and its interval goes down to 0."""
    worse = [replace(run, item_f1=0.9 * run.item_f1) for run in swarm()]
    curves = curves_of([*single(), *worse])
    found = matched(curves["single"], curves["parl"])
    assert (found.ratio, found.budget, found.runtime, found.tokens) == (None, None, None, None)
    assert (found.low, found.reached) == (0, 0)


def test_quality_within_the_margin_is_equal() -> None:
    near = [replace(run, item_f1=run.item_f1 - 0.009) for run in swarm()]
    curves = curves_of([*single(), *near])
    assert matched(curves["single"], curves["parl"]).budget == 4


@pytest.mark.parametrize("right", [0.0, MARGIN])
def test_there_is_no_equal_quality_where_the_baseline_has_none(right: float) -> None:
    """Nothing is as good as nothing: no ratio, no interval, and nobody reaches it."""
    runs = [replace(run, success=right) for run in single()]
    curves = curves_of([*runs, *swarm()])
    found = matched(curves["single"], curves["parl"], "success", resamples=20)
    assert (found.budget, found.critical_steps, found.ratio) == (None, None, None)
    assert (found.low, found.high, found.runtime, found.tokens) == (None, None, None, None)
    assert found.reached == 0
    (_, line) = lines_of([*runs, *swarm()], resamples=5)
    assert (line.at_success, line.at_f1.ratio) == (found, pytest.approx(15 / 4))


def test_a_sample_of_tasks_in_which_the_baseline_has_no_quality_is_not_reached() -> None:
    """One task of four is done: of samples of four, a third misses it."""
    runs = [replace(run, success=float(run.task == "t2")) for run in [*single(), *swarm()]]
    curves = curves_of(runs)
    found = matched(curves["single"], curves["parl"], "success")
    assert found.ratio is not None
    assert found.low == 0
    assert found.reached == pytest.approx(1 - 0.75**4, abs=0.05)


@given(st.lists(st.floats(2 * MARGIN, 1), min_size=16, max_size=16))
def test_an_arm_against_itself_needs_as_many_steps(qualities: list[float]) -> None:
    runs = [replace(run, item_f1=q) for run, q in zip(single(), qualities, strict=True)]
    (curve,) = curves_of(runs).values()
    found = matched(curve, curve, resamples=20)
    assert found.ratio == found.low == found.high == found.reached == 1
    assert (found.runtime, found.tokens) == (0, 1)


@given(st.lists(st.floats(0, 1), min_size=32, max_size=32))
def test_what_is_matched_is_as_good_as_the_baseline_within_the_margin(
    qualities: list[float],
) -> None:
    runs = [
        replace(run, item_f1=quality)
        for run, quality in zip([*single(), *swarm()], qualities, strict=True)
    ]
    curves = curves_of(runs)
    found = matched(curves["single"], curves["parl"], resamples=5)
    best = curves["single"].mean(curves["single"].largest, "item_f1")
    if best <= MARGIN:
        assert (found.budget, found.ratio, found.reached) == (None, None, 0)
    elif found.budget is None:
        assert all(curves["parl"].mean(b, "item_f1") < best - MARGIN + 1e-9 for b in BUDGETS)
    else:
        assert curves["parl"].mean(found.budget, "item_f1") >= best - MARGIN - 1e-9


def test_arms_are_compared_on_the_tasks_that_all_did() -> None:
    """And at budgets at which an arm did all of them."""
    part = [
        run for run in swarm() if run.task != "t12" and not (run.task == "t2" and run.budget == 8)
    ]
    curves = curves_of([*single(), *part])
    assert curves["single"].tasks == curves["parl"].tasks == ("t2", "t4", "t8")
    assert [*curves["single"].values] == [*BUDGETS]
    assert [*curves["parl"].values] == [4, 16, 32]


def test_no_budget_is_the_most_generous_one() -> None:
    runs = [replace(run, budget=0 if run.budget == 4 else run.budget) for run in single()]
    (curve,) = curves_of(runs).values()
    assert curve.largest == 0


def test_a_task_counts_once_however_many_seeds_did_it() -> None:
    """Seeds are averaged before the interval, and each has a ratio of its own."""
    slower = [replace(run, seed=1) for run in arm("parl", lambda _: 8)]
    lines = lines_of([*single(), *swarm(), *slower], resamples=50)
    alone, parl = lines
    assert (alone.arm, alone.seeds, parl.seeds, parl.tasks) == ("single", 1, 2, 4)
    assert parl.item_f1.count == 4
    assert parl.by_seed == (pytest.approx(15 / 4), pytest.approx(15 / 8))
    assert parl.at_f1.ratio == pytest.approx(15 / 6)
    assert parl.cells == pytest.approx(1000 * 6.5 / 1500)


def test_the_baseline_comes_first_wherever_it_stood() -> None:
    assert [line.arm for line in lines_of([*swarm(), *single()], resamples=5)] == ["single", "parl"]


def test_arms_that_share_no_task_are_no_line() -> None:
    others = [replace(run, task=f"other-{run.task}") for run in swarm()]
    assert lines_of([*single(), *others]) == []


def controls(name: str, spawned: int, success: float) -> Iterator[Result]:
    """Single facts, of which every second one is delegated."""
    for place in range(4):
        run = result(name, f"c{place}", 0, 8, 2, spawned=spawned * (place % 2), success=success)
        yield replace(run, test="controls")


def test_spawns_follow_width_and_controls_are_counted_apart() -> None:
    runs = [*single(), *swarm(), *controls("single", 0, 1.0), *controls("parl", 1, 0.75)]
    alone, parl = habits_of(runs)
    assert (alone.all_widths, alone.control_spawned) == (None, 0)
    assert parl.wide_alone == pytest.approx(1)
    assert parl.all_widths is not None
    assert 0.9 < parl.all_widths < 1
    assert (parl.tasks, parl.control_spawned) == (8, 0.5)
    assert parl.control_success.mean == 0.75
    assert parl.control_lost.difference.mean == -0.25


def test_time_to_target_is_relative_to_the_baseline_at_its_lowest_target() -> None:
    """The single agent's grows, the swarm's stays: every width is done in four steps."""
    found = targets_of([*single(), *swarm()], (0.2, 0.9, 1.0))["wide"]
    steps = {(target.arm, target.target): target.critical_steps for target in found}
    assert steps["single", 0.2] == 4
    assert steps["single", 1.0] == 15
    assert {steps["parl", target] for target in (0.2, 0.9, 1.0)} == {4}
    relative = {(target.arm, target.target): target.relative for target in found}
    assert relative["single", 0.2] == 1
    assert relative["single", 1.0] == 15 / 4


def test_a_target_that_is_never_reached_has_no_steps() -> None:
    worse = [replace(run, item_f1=0.5) for run in swarm()]
    found = targets_of([*single(), *worse], (0.5, 0.6))["wide"]
    assert [t.critical_steps is None for t in found if t.arm == "parl"] == [False, True]


def test_widths_are_looked_at_apart() -> None:
    lines = by_width([*single(), *swarm()], resamples=5)
    ratios = {line.test: line.at_f1.ratio for line in lines if line.arm == "parl"}
    assert ratios == {"1-4": 2, "5-8": 4.5, "9-12": 6.5}


def test_figures_are_pictures_and_tables_with_their_command(tmp_path: Path) -> None:
    runs = [*single(), *swarm()]
    written = write_result_figures(runs, tmp_path / "out", "openswarm train figures r.csv")
    stems = {"wide-f1-critical-steps", "wide-f1-tokens-used", "wide-time-to-target"}
    assert {path.stem for path in written} == stems | {"spawned-width"} == {*every_series(runs)}
    assert all(path.stat().st_size > 10_000 for path in written if path.suffix == ".png")
    for path in written:
        if path.suffix == ".csv":
            assert path.read_text("utf-8").startswith("# openswarm train figures r.csv\n")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_result_figures(single(), tmp_path / "file", "c")
