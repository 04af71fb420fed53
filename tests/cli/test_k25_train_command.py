"""`openswarm k25 train` and what goes with it: from nothing to a model that answers."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import Command

THREADS = "OMP_NUM_THREADS"
HUGE = f'{{"tokens": {10**400}}}\n'


def training(folder: Path, steps: int) -> Path:
    """A folder with the log of so many steps."""
    folder.mkdir()
    lines = [
        {
            "step": step,
            "tokens": 100_000 * step,
            "loss": 8 - step / 10,
            "imbalance": 2.0,
            "max_logit": float(step % 10 == 0),
            "rate": 0.01,
        }
        for step in range(steps)
    ]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


@pytest.mark.requirement("model.curves")
def test_curves_of_two_trainings_become_a_picture(openswarm: Command, tmp_path: Path) -> None:
    early, late = training(tmp_path / "early", 30), training(tmp_path / "late", 20)
    out = tmp_path / "curves.png"
    done = openswarm("k25", "curves", early, late, "--out", out)
    assert done.code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert out.stat().st_size > 20_000


@pytest.mark.requirement("model.curves")
def test_a_line_that_is_being_written_is_left_out(openswarm: Command, tmp_path: Path) -> None:
    """A training that runs can be looked at."""
    log = training(tmp_path / "run", 5) / "log.jsonl"
    with log.open("a") as file:
        file.write('{"step": 5, "los')
    done = openswarm("k25", "curves", log.parent, "--out", tmp_path / "curves.png")
    assert (done.code, done.err) == (0, f"{tmp_path / 'curves.png'} is drawn\n")


@pytest.mark.requirement("model.curves")
def test_folders_of_the_same_name_are_two_trainings(openswarm: Command, tmp_path: Path) -> None:
    """Each has its line, and a label of its own."""
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    one, two = training(tmp_path / "a" / "run", 30), training(tmp_path / "b" / "run", 20)
    out = tmp_path / "curves.svg"
    assert openswarm("k25", "curves", one, two, training(tmp_path / "c", 9), "--out", out).code == 0
    labels = re.findall("<!-- (.*run|c) -->", out.read_text())
    assert labels == [str(one), str(two), "c"]


@pytest.mark.requirement("model.curves")
def test_a_picture_that_cannot_be_written_is_named(openswarm: Command, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "curves.png"
    done = openswarm("k25", "curves", training(tmp_path / "run", 5), "--out", out)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert f"{out} cannot be written" in done.err


@pytest.mark.requirement("model.curves")
@pytest.mark.parametrize(
    "text", [None, "", "no json\n", '{"step": 1}\n', "[]\n", '{"step', "[" * 9999 + "\n", HUGE]
)
def test_a_log_that_is_none_is_named(openswarm: Command, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "log.jsonl").write_text(text)
    done = openswarm("k25", "curves", tmp_path, "--out", tmp_path / "out.png")
    assert done.code != 0
    assert "log.jsonl is no training's log" in done.err


@pytest.mark.requirement("model.train-command")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "published", "--out", "x"), "cannot be trained here: choose tiny or mini"),
        (("train", "tiny", "--out", "x", "--parallel", "all"), "one of none, fsdp, experts"),
        (("train", "tiny", "--out", "x", "--parallel", "fsdp"), "needs a launch by torchrun"),
        (("train", "tiny", "--out", "x", "--rows", "0"), "--rows"),
        (("train", "tiny", "--out", "x", "--rate", "-1"), "--rate"),
        (("train", "tiny", "--out", "x", "--rate", "0"), "--rate"),
        (("train", "tiny", "--out", "x", "--rate", "nan"), "--rate"),
        (("train", "tiny", "--out", "x", "--rate", "inf"), "--rate"),
        (("train", "tiny", "--out", "x", "--balance-rate", "nan"), "--balance-rate"),
        (("train", "tiny", "--out", "x", "--qat-from", "nan"), "--qat-from"),
        (("train", "tiny", "--out", "x", "--vision-from", "2"), "--vision-from"),
        (("train", "tiny", "--out", "x", "--save-every", "0"), "--save-every"),
        (("examine", "nowhere", "--each", "0"), "--each"),
        (("examine", "nowhere"), "config.json"),
        (("export", "nowhere", "--out", "x.gguf"), "nowhere"),
        (("export", "nowhere", "--out", "x.gguf", "--experts", "q2"), "--experts is one of"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    openswarm: Command, arguments: tuple[str, ...], words: str
) -> None:
    done = openswarm("k25", *arguments)
    assert done.code != 0
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.requirement("model.train-command")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--length", "513"), "--length 513 makes rows of 2052 tokens, and the model has 2048"),
        (("--length", "2049", "--extend-from", "1"), "makes rows of 2049 tokens"),
        (("--from", "nowhere"), "nowhere holds no training"),
    ],
)
def test_a_training_that_is_refused_leaves_its_folder_to_the_next(
    openswarm: Command, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """At once, and before `run.json` says what the folder holds."""
    done = openswarm("k25", "train", "tiny", "--out", tmp_path / "run", *options)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert words in done.err
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.requirement("model.train-command")
@pytest.mark.parametrize("out", ["file", "file/run"])
def test_a_folder_that_is_a_file_is_one_line(openswarm: Command, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    done = openswarm("k25", "train", "tiny", "--out", tmp_path / out)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert f"{tmp_path / out} cannot hold a training" in done.err


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.requirement("model.train-command")
def test_a_model_is_trained_goes_on_and_answers(
    openswarm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = ("--rows", "1", "--length", "128", "--each", "1", "--save-every", "1")
    given = ("k25", "train", "tiny", "--out", "run", "--steps", "2", *short)
    done = openswarm(*given)
    assert done.code == 0, done.err
    assert "step 2/2" in done.err
    scores = json.loads(Path("run/scores.json").read_text())
    assert 0 <= scores["scores"]["all"] <= 1
    assert scores["loss"]["text"] < 9

    again = openswarm(*given)
    assert again.code == 0
    assert len(Path("run/log.jsonl").read_text().splitlines()) == 2
    other = openswarm(*given, "--seed", "1")
    assert other.code != 0
    assert "holds a training with other settings" in other.err

    model = f"local/{tmp_path}/run/model"
    answered = openswarm("run", "Hello!", "--mode", "instant", "--model", model, "--json")
    assert answered.code in (0, 3), answered.err
    assert json.loads(answered.out)["outcome"]
    exported = openswarm("k25", "export", "run/model", "--out", "run.gguf")
    assert exported.code == 0, exported.err
    assert Path("run.gguf").read_bytes()[:4] == b"GGUF"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.requirement("model.train-command", "model.parallel")
def test_torchrun_trains_in_two_processes(tmp_path: Path) -> None:
    import subprocess

    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "openswarm", "k25", "train", "tiny", "--out", str(tmp_path / "run"), "--steps", "1",
        "--rows", "2", "--length", "64", "--extend-from", "1", "--each", "1", "--parallel",
        "experts",
    ]  # fmt: skip
    environ = {**os.environ, THREADS: "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "model" / "config.json").is_file()


@pytest.mark.requirement("model.mini")
def test_the_shipped_model_answers_a_run(openswarm: Command) -> None:
    done = openswarm(
        "run", "Who are you?", "--mode", "instant", "--model", "local/k25-mini", "--json"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["answer"] == "I am k25-mini, a small model of openswarm."
