"""The curves of trainings: their logs as numbers and pages."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.errors import UserError
from openswarm.parl.checkpoint import Training
from openswarm.parl.curves import (
    COMPARED,
    FIELDS,
    PAGE,
    Log,
    band,
    by_arm,
    read_log,
    smoothed,
    write_curves,
)
from openswarm.parl.figures import Figures

pytestmark = pytest.mark.requirement("parl.curves")


def line(update: int, **values: Any) -> dict[str, Any]:
    """A line of a log."""
    return dict.fromkeys(FIELDS, 0.5) | {"update": update} | values


def training(folder: Path, arm: str, seed: int, lines: list[dict[str, Any]]) -> Path:
    """The folder of a training."""
    folder.mkdir(parents=True)
    Training(kind="arm", arm=arm, seed=seed, settings={}, openswarm="1", command="c").write(folder)
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in lines))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file without its comments."""
    text = [entry for entry in path.read_text("utf-8").splitlines() if not entry.startswith("#")]
    return list(csv.DictReader(text))


def test_each_arm_gets_a_page_and_all_arms_another_with_the_command_in_their_tables(
    tmp_path: Path,
) -> None:
    logs = [
        read_log(
            training(tmp_path / f"{arm}-{seed}", arm, seed,
                     [line(u, wide_group=float(seed + u)) for u in range(5)])
        )
        for arm, seed in (("parl", 0), ("parl", 1), ("single", 0))
    ]  # fmt: skip
    written = write_curves(logs, tmp_path / "out", "openswarm train curves a b")
    names = {path.name for path in written}
    assert names == {f"{s}.{e}" for s in ("arm-parl", "arm-single", "arms") for e in ("png", "csv")}
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            assert path.read_text("utf-8").splitlines()[0] == "# openswarm train curves a b"
    logged = rows(tmp_path / "out" / "arm-parl.csv")
    assert [(r["seed"], r["update"], r["wide_group"]) for r in logged][:2] == [
        ("0", "0.0", "0.0"),
        ("0", "1.0", "1.0"),
    ]
    drawn = [r for r in rows(tmp_path / "out" / "arms.csv") if r["figure"] == "wide_group"]
    first = next(r for r in drawn if r["arm"] == "parl" and r["update"] == "0")
    assert (first["mean"], first["low"], first["high"], first["seeds"]) == (
        "0.5",
        "0.0",
        "1.0",
        "2",
    )


def test_pages_show_only_what_the_trainer_logs() -> None:
    """Reward terms, λ, spawns, group width, critical steps and control spawns among them."""
    own = {"reward", "lambda_parallel", "lambda_finish", "entropy", "masked", "divergence"}
    logged = set(Figures.__dataclass_fields__) | own
    assert set(FIELDS) <= logged
    asked = own | {"parallel", "finish", "quality", "wide_spawned", "wide_group", "wide_critical"}
    assert asked | {"control_spawned"} <= set(FIELDS)
    assert len(PAGE) == len(COMPARED) == 9


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_smoothed_figure_stays_between_the_least_and_greatest_so_far(values: list[float]) -> None:
    made = smoothed(values)
    assert len(made) == len(values)
    for end, value in enumerate(made, 1):
        slack = 1e-6 * (1 + max(map(abs, values)))
        assert min(values[:end]) - slack <= value <= max(values[:end]) + slack


def test_a_figure_of_nothing_is_left_out_of_the_mean() -> None:
    """An update without controls says nothing about controls."""
    logs = [
        Log("parl", 0, ({"control_success": 1.0}, {"control_success": math.nan})),
        Log("parl", 1, ({"control_success": math.nan}, {"control_success": math.nan})),
    ]
    found = band(logs, "control_success")
    assert found.mean == found.low == found.high == (1.0, 1.0)
    assert math.isnan(band(logs[1:], "control_success").mean[0])


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    folder = training(tmp_path / "run", "parl", 0, [line(0), line(1, control_success=None)])
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"update": 2, "rew')
    log = read_log(folder)
    assert len(log.lines) == 2
    assert math.isnan(log.lines[1]["control_success"])


@pytest.mark.parametrize(
    "text", [None, "", "no json\n", '{"update": 1}\n', "[]\n", "[" * 9999 + "\n",
             json.dumps(line(0, reward=10**400)) + "\n", json.dumps(line(0, reward="x")) + "\n",
             json.dumps(line(0, reward=math.inf)) + "\n"]
)  # fmt: skip
def test_a_log_that_is_none_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"log\.jsonl is no log"):
        read_log(tmp_path)


def test_a_seed_that_is_there_twice_is_refused() -> None:
    log = Log("parl", 0, ())
    with pytest.raises(UserError, match="seed 0 of the arm parl is there twice"):
        by_arm([log, log])


def test_a_command_of_two_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one line"):
        write_curves([Log("parl", 0, ())], tmp_path / "out", "a\nb")
