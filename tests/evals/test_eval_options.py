"""`openswarm eval`: what it writes down of its command, and what it refuses before it costs."""

import json
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import pytest
from made_episodes import episode, score_of

from openswarm.cli.eval_view import print_summary
from openswarm.cli.main import run_command
from openswarm.evals.comparison import summary
from openswarm.evals.results import EPISODES_FILE, read_plan
from openswarm.evals.scoring.judge import Judge
from openswarm.evals.suites.catalogue import FAMILIES, Dials
from openswarm.evals.task import EvalTask, Prediction, Score

pytestmark = pytest.mark.requirement("evals.command")
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def openswarm(capfd: pytest.CaptureFixture[str]) -> Command:
    """Carries out a command line; its exit code and all that it said."""

    def command(*arguments: str | Path) -> tuple[int, str]:
        capfd.readouterr()
        code = run_command([str(argument) for argument in arguments])
        return code, "".join(capfd.readouterr())

    return command


def scripted(folder: Path, steps: dict[str, object]) -> str:
    """A model that follows a script."""
    path = folder / "script.json"
    path.write_text(json.dumps(steps))
    return f"scripted:{path}"


def test_the_plan_has_the_options_that_take_something_away(
    openswarm: Command, tmp_path: Path
) -> None:
    """`--no-keep-runs` and a number that is 0 are no defaults."""
    out = tmp_path / "out"
    family = FAMILIES["fact"]
    (task,) = family.tasks(family.sample(), "test", 1, 0, Dials(3, 20, distractors=0))
    replies = {task.question: [{"text": f"Exact Answer: {task.answer}"}]}
    code, said = openswarm(
        "eval", "fact", "--sample", "--tasks", "1", "--arm", "single", "--distractors", "0",
        "--no-keep-runs", "--model", scripted(tmp_path, {"agent": replies}), "--out", out,
    )  # fmt: skip
    assert code == 0, said
    plan = read_plan(out)
    assert plan is not None
    assert "--distractors 0" in plan.command
    assert "--no-keep-runs" in plan.command
    assert "--again" not in plan.command


@pytest.mark.parametrize("rows", ["20-3", "0", "a-b", "3,20", "-5"])
def test_rows_that_cannot_be_used_are_refused_with_the_form(
    openswarm: Command, tmp_path: Path, rows: str
) -> None:
    code, said = openswarm("eval", "fact", "--sample", f"--rows={rows}", "--out", tmp_path / "out")
    assert code == 2
    assert f"--rows is like 3-20, the least first, not '{rows}'" in said


def test_figures_of_a_family_that_is_not_there_name_those_that_are(
    openswarm: Command, tmp_path: Path
) -> None:
    line = episode(family="fact").model_dump_json()
    (tmp_path / EPISODES_FILE).write_text(f"{line}\n")
    code, said = openswarm("eval", "figures", tmp_path, "--family", "chain")
    assert code == 2
    assert "no run of chain; it has fact" in said


def test_one_task_gives_no_star(capfd: pytest.CaptureFixture[str]) -> None:
    """Its interval has no width, whatever the difference."""
    for count in (1, 3):
        made = [
            episode(task=f"t{place}", arm=arm, f1=f1)
            for place in range(count)
            for arm, f1 in (("single", 0.2), ("swarm", 0.5))
        ]
        print_summary(summary(made))
        assert ("+0.300 *" in capfd.readouterr().out) == (count > 1)


@pytest.mark.parametrize(
    ("answered", "kept", "expected", "said"),
    [
        (("1", "2"), "kept.jsonl", [0, 1], ""),
        (("1", "2", "1"), "kept.jsonl", [], "1 answers of 'deepsearchqa-0002' and 2 of"),
        (("1", "2"), "none/kept.jsonl", [], "cannot be written"),
    ],
)
def test_a_judge_is_asked_when_all_else_is_right_and_each_reply_is_kept_at_once(
    openswarm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    answered: tuple[str, ...], kept: str, expected: list[int], said: str,
) -> None:  # fmt: skip
    """Not with different numbers of trials, nor where the record cannot be written; what a judge
    was paid for is in the file before it is asked again."""
    path, answers, record = tmp_path / "DSQA-full.csv", tmp_path / "a.jsonl", tmp_path / kept
    rows = "".join(f"Which {place}?,Lima,Single Answer\n" for place in range(2))
    path.write_text(f"problem,answer,answer_type\n{rows}")
    lines = [{"id": f"deepsearchqa-000{number}", "text": "Lima"} for number in answered]
    answers.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    seen: list[int] = []

    async def judged(task: EvalTask, answer: Prediction, judge: Judge, mode: str) -> Score:
        seen.append(await anyio.to_thread.run_sync(lambda: len(record.read_text().splitlines())))
        await judge.ask(task.question)
        return score_of(1.0)

    monkeypatch.setattr("openswarm.evals.scoring.score.judged_score", judged)
    model = scripted(tmp_path, {"judge": {f"Which {n}": [{"text": "yes"}] for n in range(2)}})
    code, told = openswarm(
        "eval", "score", path, "--answers", answers, "--judge", model, "--verdicts", record
    )
    assert (code, seen) == (2 if said else 0, expected), told
    assert said in told
