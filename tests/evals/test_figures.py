"""Figures and the numbers behind them: arms beside each other, as pictures and as CSV."""

import csv
from pathlib import Path

import pytest
from made_episodes import episode, sweep_of_two_arms

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals import comparison, figures
from openswarm.evals.budgets import Budget
from openswarm.evals.comparison import Series, every_series, summary, time_to_target
from openswarm.evals.figures import csv_text, write_figures
from openswarm.evals.results import Episode

pytestmark = pytest.mark.requirement("evals.figures")
COMMAND = "openswarm eval figures runs/wide"


@pytest.fixture(scope="module")
def swept() -> list[Episode]:
    """Two arms over two sweeps."""
    return sweep_of_two_arms()


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file below its comments."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_every_figure_is_a_picture_and_a_csv_with_its_command(
    swept: list[Episode], tmp_path: Path
) -> None:
    written = write_figures(swept, tmp_path / "figures", COMMAND)
    names = {"f1-critical-steps", "f1-tokens", "f1-tokens-used", "time-to-target", "parallelism",
             "redundancy", "cost", "spawned-width"}  # fmt: skip
    assert {path.stem for path in written} == names
    for name in names:
        picture = (tmp_path / "figures" / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000
        text = (tmp_path / "figures" / f"{name}.csv").read_text("utf-8")
        assert text.splitlines()[0] == f"# {COMMAND}"
        assert rows_of(tmp_path / "figures" / f"{name}.csv")


def test_the_curve_has_a_point_with_its_interval_for_each_arm_and_budget(
    swept: list[Episode],
) -> None:
    rows = comparison.curve(swept, "critical_steps").records()
    assert [(row["arm"], row["budget"]) for row in rows[:4]] == [
        ("single", 8), ("swarm", 8), ("single", 16), ("swarm", 16),
    ]  # fmt: skip
    for row in rows:
        assert row["low"] <= row["item_f1"] <= row["high"]
        assert row["tasks"] == 24
    single = [row["item_f1"] for row in rows if row["arm"] == "single"]
    assert single == sorted(single)


@pytest.mark.requirement("evals.figures")
def test_time_to_target_is_relative_to_the_single_agents_first_target() -> None:
    """The single agent needs 16 steps for 30 % and 64 for 70 %, the swarm 8 for both."""
    scores = {("single", 8): 0.1, ("single", 16): 0.35, ("single", 64): 0.7,
              ("swarm", 8): 0.72, ("swarm", 16): 0.72, ("swarm", 64): 0.6}  # fmt: skip
    made = [
        episode(arm=arm, budget_kind="critical_steps", budget=budget, f1=f1)
        for (arm, budget), f1 in scores.items()
    ]
    found = {(row[0], row[1]): row[2:] for row in time_to_target(made, (0.3, 0.7, 0.8)).rows}
    assert found["single", 0.3] == (16, 1.0)
    assert found["single", 0.7] == (64, 4.0)
    assert found["swarm", 0.7] == (8, 0.5)
    assert found["single", 0.8] == found["swarm", 0.8] == (None, None)


def test_where_the_single_agent_never_gets_there_the_unit_is_the_smallest_budget() -> None:
    made = [episode(budget_kind="critical_steps", budget=8, f1=0.1)]
    assert "the smallest budget: 8" in time_to_target(made).note


def test_what_is_never_reached_can_be_drawn(tmp_path: Path) -> None:
    made = [episode(arm=arm, budget_kind="critical_steps", budget=budget, f1=f1)
            for arm, f1 in (("single", 0.1), ("swarm", 0.5)) for budget in (8, 16)]  # fmt: skip
    write_figures(made, tmp_path, COMMAND)
    rows = rows_of(tmp_path / "time-to-target.csv")
    assert {row["critical_steps"] for row in rows if row["arm"] == "single"} == {""}


def test_spawned_against_width_states_the_rank_correlation(swept: list[Episode]) -> None:
    series = comparison.spawned_and_width(swept)
    assert {record["arm"] for record in series.records()} == {"swarm"}
    assert "swarm: Spearman 0.9" in series.note


def test_single_values_are_of_the_largest_budget_or_the_free_one() -> None:
    swept = [episode(task=f"t{budget}", budget_kind="critical_steps", budget=budget)
             for budget in (8, 64)]  # fmt: skip
    tokens = episode(budget_kind="tokens", budget=900_000)
    free = episode(task="free")
    assert comparison.at_largest_budget([*swept, tokens])[0] == Budget("critical_steps", 64)
    assert comparison.at_largest_budget([tokens])[0] == Budget("tokens", 900_000)
    chosen, runs = comparison.at_largest_budget([*swept, free])
    assert (chosen, [run.task for run in runs]) == (Budget(), ["free"])


def test_a_summary_line_compares_with_the_single_agent_on_the_same_tasks() -> None:
    made = [
        episode(task=f"t{place}", arm=arm, seed=seed, f1=place / 10 + gain, cost_usd=cost)
        for place in range(5)
        for seed in range(2)
        for arm, gain, cost in (("swarm", 0.2, 0.5), ("single", 0.0, None))
    ]
    swarm, single = summary(made)
    assert (swarm.arm, single.arm) == ("swarm", "single")
    assert single.against is None
    assert swarm.against is not None
    assert swarm.against.difference.low == pytest.approx(0.2)
    assert swarm.against.difference.count == 5
    assert (swarm.runs, swarm.item_f1.count) == (10, 5)
    assert (swarm.cost_usd, single.cost_usd) == (0.5, None)


def test_repeats_of_a_task_are_averaged_before_the_interval() -> None:
    """Two tasks at 0.2 and 0.8, however often they are run: the interval ends at those."""
    made = [episode(task=task, seed=seed, f1=f1) for task, f1 in (("a", 0.2), ("b", 0.8))
            for seed in range(10)]  # fmt: skip
    found = comparison.interval(made, comparison.item_f1)
    assert (found.count, found.low, found.high) == (2, pytest.approx(0.2), pytest.approx(0.8))


def test_an_eval_without_a_sweep_has_the_figures_that_need_none(tmp_path: Path) -> None:
    made = [episode(task=f"t{place}", arm=arm) for place in range(3) for arm in ("single", "swarm")]
    names = {series.name for series in every_series(made)}
    assert names == {"parallelism", "redundancy", "cost"}
    used = [run.model_copy(update={"input_tokens": 900}) for run in made]
    assert {series.name for series in every_series(used)} == {*names, "f1-tokens-used"}
    assert write_figures(made, tmp_path, COMMAND)


def test_names_of_arms_in_a_csv_are_quoted_and_absent_values_are_empty() -> None:
    series = Series("cost", "t", ("arm", "mean"), (('a,"b"', None), ("c", 0.123456789)))
    assert csv_text(series, "x").splitlines() == ["# x", "arm,mean", '"a,""b""",', "c,0.123457"]


def test_a_command_of_several_lines_is_refused() -> None:
    """It would end the comment that it stands in."""
    with pytest.raises(UserError, match="one line"):
        csv_text(Series("cost", "t", ("arm",), ()), "x\ny")


def test_without_matplotlib_it_says_what_to_install(
    swept: list[Episode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[evals\]'"):
        write_figures(swept, tmp_path, COMMAND)


def test_a_curve_says_over_how_many_tasks_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where arms did not do as many, both numbers are there."""
    titles: list[str] = []
    axes = figures._axes

    def kept(figure: object, title: str, note: str = "") -> object:
        titles.append(note)
        return axes(figure, title, note)  # type: ignore[arg-type]

    monkeypatch.setattr(figures, "_axes", kept)
    made = [episode(task=f"t{place}", arm=arm, budget_kind="critical_steps", budget=8)
            for arm, count in (("single", 2), ("swarm", 5)) for place in range(count)]  # fmt: skip
    figures.drawn(comparison.curve(made, "critical_steps"), figures.Looks(["single", "swarm"]))
    figures.drawn(comparison.curve(made[:2], "critical_steps"), figures.Looks(["single"]))
    assert [title[-15:] for title in titles] == ["over 2 to 5 tasks"[-15:], "al over 2 tasks"]
