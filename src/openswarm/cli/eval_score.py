"""`openswarm eval score`: answers that were made elsewhere, scored with a public file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import anyio
import anyio.to_thread
import typer

from openswarm.cli import eval_options as options
from openswarm.cli.eval_view import print_scores
from openswarm.cli.exits import say
from openswarm.cli.result import print_json
from openswarm.core.errors import UserError
from openswarm.modes.settings import home_folder, load_settings

if TYPE_CHECKING:
    from openswarm.evals.scoring.judge import ModelJudge
    from openswarm.evals.scoring.widesearch import Mode
    from openswarm.evals.task import EvalTask, Prediction, Score

FIGURES = {
    "item_f1": "item-F1",
    "item_precision": "item precision",
    "item_recall": "item recall",
    "row_f1": "row-F1",
    "row_precision": "row precision",
    "row_recall": "row recall",
    "success": "success",
}
Trials = dict[str, list["Score"]]


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module to `openswarm eval`."""
    app.command("score")(score)


def score(
    file: options.Public,
    answers: options.Answers,
    mode: options.Scoring = "official",
    judge: options.JudgeModel = "",
    verdicts: options.Verdicts = None,
    as_json: options.Json = False,
) -> None:
    """Scores answers to a public benchmark, whose file you have: nothing is fetched.

    \b
    Examples:
      openswarm eval score widesearch.jsonl --answers answers.jsonl
      openswarm eval score browse_comp_test_set.csv --answers answers/ --judge openai/gpt-5.2

    WideSearch is the .jsonl with widesearch_gold/ beside it. Tasks without an answer count as 0.
    With several trials a task the mean (avg@n) and the best (max@n) are given.
    """
    from openswarm.evals.scoring.widesearch import Mode
    from openswarm.evals.submitted import read_answers

    chosen = next((known for known in get_args(Mode) if known == mode), None)
    if chosen is None:
        raise UserError(f"--mode is one of {', '.join(get_args(Mode))}, not {mode!r}")
    if verdicts is not None and not judge:
        raise UserError("--verdicts is what a judge says; give one: --judge SPEC")
    tasks = public_tasks(file)
    given = read_answers(answers)
    unknown = sorted(set(given) - {task.id for task in tasks})
    if unknown:
        raise UserError(f"{answers} answers {unknown[0][:80]!r}, which is no task of {file}")
    missing = len(tasks) - len(given)
    if missing:
        say(f"{missing} of {len(tasks)} tasks have no answer and count as 0")
    trials = _trials(answers, given)
    found = _scored(tasks, given, chosen, judge, verdicts)
    figures = summed(tasks, found, trials)
    if as_json:
        print_json({"tasks": len(tasks), "answered": len(given), "mode": mode, "judge": judge,
                    "trials": trials, "figures": figures})  # fmt: skip
    else:
        print_scores([(_label(name), f"{value:.4f}") for name, value in figures.items()])


def _trials(path: Path, given: "Mapping[str, list[Prediction]]") -> int:
    """How many answers each task has. Raises `UserError` where two have not as many."""
    fewest, most = (pick(given, key=lambda task: len(given[task])) for pick in (min, max))
    if len(given[fewest]) < len(given[most]):
        raise UserError(
            f"{path} has {len(given[fewest])} answers of {fewest[:80]!r} and {len(given[most])} of"
            f" {most[:80]!r}; give as many trials of each"
        )
    return len(given[most])


def _label(name: str) -> str:
    field, _, trials = name.partition(" ")
    return f"{FIGURES[field]} {trials}".strip()


def public_tasks(file: Path) -> "Sequence[EvalTask]":
    """The tasks of a public file, told by its suffix and header. Raises `UserError` for others."""
    from openswarm.evals.scoring import public

    if file.suffix == ".jsonl":
        return public.read_widesearch(file)
    try:
        with file.open(encoding="utf-8-sig") as lines:
            header = lines.readline(4096)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}") from None
    if "canary" in header:
        return public.read_browsecomp(file)
    if "answer_type" in header:
        return public.read_deepsearchqa(file)
    raise UserError(f"{file} is none of WideSearch's, BrowseComp's and DeepSearchQA's files")


def _scored(
    tasks: "Sequence[EvalTask]",
    given: "Mapping[str, list[Prediction]]",
    mode: "Mode",
    judge: str,
    verdicts: Path | None,
) -> Trials:
    """The scores of every task that was answered, in the order of trials."""
    from openswarm.evals.scoring.score import score as plain_score

    if not judge:
        return {
            task.id: [plain_score(task, answer, mode) for answer in given[task.id]]
            for task in tasks
            if task.id in given
        }
    return anyio.run(_judged, tasks, given, mode, judge, verdicts)


async def _judged(
    tasks: "Sequence[EvalTask]",
    given: "Mapping[str, list[Prediction]]",
    mode: "Mode",
    spec: str,
    verdicts: Path | None,
) -> Trials:
    from openswarm.evals.scoring.judge import ModelJudge
    from openswarm.evals.scoring.score import judged_score
    from openswarm.llm.resolve import resolve

    home = home_folder()
    model = resolve(spec, load_settings(home), os.environ, home)
    judge = ModelJudge(model)
    found: Trials = {}
    try:
        await _recorded(judge, verdicts)
        for task in tasks:
            for answer in given.get(task.id, ()):
                found.setdefault(task.id, []).append(await judged_score(task, answer, judge, mode))
                await _recorded(judge, verdicts)
    finally:
        with anyio.CancelScope(shield=True):
            await model.aclose()
            await _recorded(judge, verdicts)
    return found


async def _recorded(judge: "ModelJudge", path: Path | None) -> None:
    """Adds what was said since the last time; the first time it shows that there can be a file."""
    from openswarm.evals.scoring.judge import write_verdicts

    if path is None:
        return
    said, judge.verdicts = judge.verdicts, []
    try:
        await anyio.to_thread.run_sync(write_verdicts, path, said)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def summed(tasks: "Sequence[EvalTask]", found: Trials, trials: int) -> dict[str, Any]:
    """Each figure over all tasks: its mean, or avg@n and max@n where there are n trials of each."""
    from openswarm.evals.statistics import avg_at, max_at

    figures: dict[str, Any] = {}
    for field in FIGURES:
        values = {
            task.id: [getattr(score, field) for score in found[task.id]]
            if task.id in found
            else [0.0] * trials
            for task in tasks
        }
        if trials == 1:
            figures[field] = avg_at(values, 1)
        else:
            figures[f"{field} avg@{trials}"] = avg_at(values, trials)
            figures[f"{field} max@{trials}"] = max_at(values, trials)
    return figures
