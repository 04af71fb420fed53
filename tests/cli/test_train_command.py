"""`openswarm train`: from demonstrations to a policy, its curves and its tables."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Command

from openswarm.core.errors import UserError
from openswarm.llm.policy.folder import PolicyCard, is_policy
from openswarm.parl.checkpoint import RECORD, Training
from openswarm.parl.curves import FIELDS
from openswarm.parl.results import Result, read_results, write_results

TINY = ("--sample", "--tasks", "2", "--rollouts", "2", "--demonstrations", "10", "--steps", "2")


def training(folder: Path, arm: str = "parl", seed: int = 0) -> Path:
    """A folder as a training of three updates leaves it, without weights."""
    folder.mkdir(parents=True)
    begun(arm=arm, seed=seed).write(folder)
    lines = [dict.fromkeys(FIELDS, 0.5) | {"update": update} for update in range(3)]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def results(path: Path) -> Path:
    """Two arms that are equally good, of which one needs half the steps, and a control."""

    def made() -> Iterator[Result]:
        for arm, steps in (("parl", 4), ("single", 8)):
            for task, width in (("a", 3), ("b", 6), ("c", 0)):
                yield Result(
                    arm=arm, seed=0, test="wide" if width else "controls", task=task, family="f",
                    width=width, budget=16, quality=1, item_f1=1, success=1, critical_steps=steps,
                    total_steps=8, seconds=steps, tokens=1000,
                    spawned=width if arm == "parl" else 0, group=0, created=0, refused=0,
                    correct_cells=width,
                )  # fmt: skip

    write_results(path, made())
    return path


@pytest.mark.requirement("parl.command")
def test_the_help_teaches_with_examples(openswarm: Command) -> None:
    for command in ("run", "start", "arms", "evaluate", "curves", "tables", "figures"):
        done = openswarm("train", command, "--help")
        assert done.code == 0
        assert "Example" in done.out
    about = openswarm("train", "--help").out
    assert "openswarm train parl --start runs/start --out runs/parl-0" in about


@pytest.mark.requirement("parl.command")
def test_arms_are_listed(openswarm: Command) -> None:
    found = json.loads(openswarm("train", "arms", "--json").out)
    assert {"parl", "single", "no-parallel", "no-anneal"} <= {arm["arm"] for arm in found}
    assert "PARL without r_parallel" in openswarm("train", "arms").out


@pytest.mark.requirement("parl.command")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", "--out", "x"), "there is no arm 'nothing'; there are parl"),
        (("parl",), "--out"),
        (("parl", "--out", "x", "--rate", "nan"), "--rate"),
        (("parl", "--out", "x", "--rollouts", "1"), "--rollouts"),
        (("parl", "--out", "x", "--start", "nowhere"), "nowhere holds no trained policy"),
        (("start", "--out", "x", "--profile", "none"), "there is no worker profile 'none'"),
        (("evaluate", "nowhere", "--out", "r.csv", "--sample"), "nowhere holds no training"),
        (("curves", "nowhere", "--out", "x"), "log.jsonl is no log"),
        (("tables", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("figures", "nowhere.csv", "--out", "x"), "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    openswarm: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = openswarm("train", *arguments)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert words in done.err


@pytest.mark.requirement("parl.command")
def test_without_pytorch_the_extra_is_named(
    openswarm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = openswarm("train", "parl", "--out", "x")
    assert (done.code, done.err) == (
        1,
        "error: this needs PyTorch; install it with: pip install 'openswarm[model]'\n",
    )


@pytest.mark.requirement("parl.curves")
def test_curves_name_the_command_that_drew_them(openswarm: Command, tmp_path: Path) -> None:
    one, two = training(tmp_path / "a"), training(tmp_path / "b", "single")
    done = openswarm("train", "curves", one, two, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    first = (tmp_path / "out" / "arms.csv").read_text("utf-8").splitlines()[0]
    assert first == f"# openswarm train curves {one} {two} --out {tmp_path / 'out'}"
    assert str(tmp_path / "out" / "arm-parl.png") in done.err


@pytest.mark.requirement("parl.tables")
def test_tables_are_markdown_with_the_ratio_at_equal_quality(
    openswarm: Command, tmp_path: Path
) -> None:
    done = openswarm("train", "tables", results(tmp_path / "r.csv"))
    assert done.code == 0, done.err
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.out.splitlines()]
    heads = [row for row in rows if row[:2] == ["test", "arm"]]
    lines = [row for row in rows if row[:2] == ["wide", "parl"]]
    found = {
        name: cell
        for head, line in zip(heads, lines, strict=False)
        for name, cell in zip(head, line, strict=True)
    }
    assert found["item-F1"] == "1.000 (1.000 to 1.000)"
    assert found["times fewer"] == "2.00 × (2.00 to 2.00)"
    assert found["seconds"] == "-50%"
    habits = next(row for row in rows if row[:2] == ["parl", "3"])
    assert habits[2] == "1.00"
    assert habits[4] == "0.0%"


@pytest.mark.requirement("parl.tables")
def test_tables_are_objects_with_json(openswarm: Command, tmp_path: Path) -> None:
    """What there is no number for is null, so that any reader takes it."""
    path = results(tmp_path / "r.csv")
    done = openswarm("train", "tables", path, "--json", "--arm", "single")
    found = json.loads(done.out, parse_constant=lambda text: pytest.fail(text))
    assert [line["at_f1"]["ratio"] for line in found["lines"]] == [1.0, 1.0]
    assert found["habits"][0]["all_widths"] is None
    wrong = openswarm("train", "tables", path, "--arm", "none")
    assert "no result of 'none'; there are parl, single" in wrong.err


@pytest.mark.requirement("parl.tables")
def test_figures_of_results_are_written(openswarm: Command, tmp_path: Path) -> None:
    path = results(tmp_path / "r.csv")
    done = openswarm("train", "figures", path, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    first = (tmp_path / "out" / "spawned-width.csv").read_text("utf-8").splitlines()[0]
    assert first == f"# openswarm train figures {path} --out {tmp_path / 'out'}"


def begun(**values: Any) -> Training:
    """A training that begins."""
    given: dict[str, Any] = {
        "kind": "arm", "arm": "parl", "seed": 0, "settings": {"recipe": {"rate": 1}},
        "profile": "p", "worker_before": "a", "openswarm": "1", "command": "c",
    }  # fmt: skip
    return Training(**given | values)


@pytest.mark.requirement("parl.worker-hash")
def test_a_worker_that_changed_ends_the_training_with_an_error(tmp_path: Path) -> None:
    """Between two sittings, and while it ran."""
    record = begun().begin(tmp_path)
    with pytest.raises(UserError, match="is not the one that the training began with"):
        begun(worker_before="b").begin(tmp_path)
    with pytest.raises(UserError, match="its hash was a and is b"):
        record.finish(tmp_path, "b", 3)
    assert Training.load(tmp_path).worker_after == ""
    done = record.finish(tmp_path, "a", 3)
    assert Training.load(tmp_path) == done
    assert (done.worker_before, done.worker_after, done.updates) == ("a", "a", 3)


@pytest.mark.requirement("parl.command")
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"settings": {"recipe": {"rate": 2}}}, "recipe.rate 1, not 2"),
        ({"settings": {"recipe": {"rate": 1}, "arm": {}}}, "arm None, not {}"),
        ({"arm": "single"}, "arm 'parl', not 'single'"),
        ({"seed": 1}, "seed 0, not 1"),
    ],
)
def test_a_folder_goes_on_with_its_own_settings_alone(
    tmp_path: Path, other: dict[str, Any], words: str
) -> None:
    begun().begin(tmp_path)
    assert begun(command="later").begin(tmp_path).command == "c"
    with pytest.raises(UserError, match=words):
        begun(**other).begin(tmp_path)


@pytest.mark.requirement("parl.command")
@pytest.mark.parametrize("text", ["", "[]", '{"kind": "arm"}', "[" * 9999])
def test_a_record_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(UserError, match="holds no training"):
        begun().begin(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.requirement("parl.command", "parl.worker-hash")
def test_an_arm_is_trained_goes_on_is_tested_and_runs(
    openswarm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One update from a start of two steps: everything is there, and nothing is learned."""
    monkeypatch.chdir(tmp_path)
    given = ("train", "parl", "--out", "run", "--updates", "1", *TINY)
    done = openswarm(*given, "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)
    assert made["worker_before"] == made["worker_after"] != ""
    assert len(Path("run/log.jsonl").read_text().splitlines()) == 1
    assert is_policy(Path("run/model"))
    card = PolicyCard.load(Path("run/model"))
    assert (card.name, card.arm, card.updates) == ("parl-0", "parl", 1)

    again = json.loads(openswarm(*given, "--json").out)
    assert again["resumed"] == 1
    assert len(Path("run/log.jsonl").read_text().splitlines()) == 1
    other = openswarm(*given, "--rate", "0.1")
    assert "holds a training with other settings (run.json: recipe.rate 0.001, not 0.1" in other.err

    tested = ("train", "evaluate", "run", "run/start", "--sample", "--tests", "controls",
              "--budgets", "6", "--per-test", "1", "--out", "results.csv")  # fmt: skip
    done = openswarm(*tested)
    assert done.code == 0, done.err
    found = list(read_results(Path("results.csv")))
    assert {(run.arm, run.budget) for run in found} == {("parl", 6), ("start", 6)}
    assert openswarm(*tested).err.count("rollouts;") == 0
    assert list(read_results(Path("results.csv"))) == found
    assert all(replace(run, seed=0) == run for run in found)
