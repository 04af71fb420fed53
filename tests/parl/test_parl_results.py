"""The committed results of the study show what the page about PARL says of them."""

import csv
from pathlib import Path

import pytest

from openswarm.parl.results import Result, read_results
from openswarm.parl.tables import Line, habits_of, lines_of

DOCS = Path(__file__).parents[2] / "docs"
SEEDS = {"single": 3, "parl": 3, "no-parallel": 3, "no-anneal": 3}
pytestmark = pytest.mark.requirement("parl.study")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """Of the arms that have three seeds."""
    paths = (DOCS / "parl" / "results").glob("*.csv")
    return [r for path in sorted(paths) for r in read_results(path) if r.arm in SEEDS]


@pytest.fixture(scope="module")
def lines(results: list[Result]) -> dict[tuple[str, str], Line]:
    """By test and arm."""
    return {(line.test, line.arm): line for line in lines_of(results, resamples=10)}


def test_parl_is_as_good_as_the_single_agent_in_a_third_of_its_critical_steps(
    lines: dict[tuple[str, str], Line],
) -> None:
    """With each of three seeds; three times wider and on another family too."""
    assert {arm: line.seeds for (_, arm), line in lines.items()} == SEEDS
    page = (DOCS / "parl.md").read_text("utf-8")
    for test, least in (("wide", 3.0), ("wider", 4.5), ("other", 1.0)):
        parl, single = lines[test, "parl"], lines[test, "single"]
        assert parl.item_f1.mean >= single.item_f1.mean - 0.01
        assert parl.at_f1.ratio is not None and parl.at_f1.ratio >= least
        assert all(ratio is not None and ratio >= least for ratio in parl.by_seed)
        assert f"**{parl.at_f1.ratio:.1f} times" in page
    runtime = lines["wider", "parl"].at_f1.runtime
    assert runtime is not None and runtime <= -0.8


def test_parl_spawns_where_that_pays_and_only_there(results: list[Result]) -> None:
    """Sub-agents follow the true width; controls keep their score and hardly have any."""
    habit = next(habit for habit in habits_of(results) if habit.arm == "parl")
    assert habit.all_widths is not None and habit.all_widths >= 0.8
    assert habit.control_spawned is not None and habit.control_spawned <= 0.05
    assert habit.control_lost.difference.mean == 0.0


def test_the_weights_of_the_auxiliary_terms_ended_at_zero() -> None:
    """In the committed curves of PARL: exactly 0 in the last 40 % of the updates."""
    with (DOCS / "parl" / "curves" / "arm-parl.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    late = [row for row in rows if float(row["update"]) >= 36]
    assert len({row["update"] for row in late}) == 24
    assert {row["seed"] for row in late} == {"0", "1", "2"}
    for name in ("lambda_parallel", "lambda_finish"):
        assert {float(row[name]) for row in late} == {0.0}
        assert float(rows[0][name]) > 0
