"""The way in: any task's prediction, scored with or without a judge by one arithmetic.

A scorer is a generator that gives questions and is sent replies; here it is driven.
"""

from openswarm.evals.scoring.answers import answer_steps
from openswarm.evals.scoring.components import component_steps
from openswarm.evals.scoring.judge import Judge
from openswarm.evals.scoring.questions import Steps
from openswarm.evals.scoring.widesearch import Mode, table_steps
from openswarm.evals.task import EvalTask, Prediction, Score


def score(task: EvalTask, prediction: Prediction, mode: Mode = "strict") -> Score:
    """How good a prediction is, without a judge.

    Strict `llm_judge` cells then have to be equal; published ones are wrong, as where the
    published scorer's model says nothing. Nothing that is predicted makes it raise.
    """
    steps = score_steps(task, prediction, mode, judged=False)
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    raise AssertionError("a scorer without a judge asked a question")


async def judged_score(
    task: EvalTask, prediction: Prediction, judge: Judge, mode: Mode = "strict"
) -> Score:
    """How good a prediction is, with a judge where the scorer has one. Raises what the judge does:
    `ModelError`, or `UserError` for a question that is not in a record."""
    steps = score_steps(task, prediction, mode, judged=True)
    try:
        asked = next(steps)
        while True:
            asked = steps.send(tuple([await judge.ask(question.prompt) for question in asked]))
    except StopIteration as done:
        return done.value


def score_steps(task: EvalTask, prediction: Prediction, mode: Mode, *, judged: bool) -> Steps:
    """The scorer of a task: a table's where it asks for one, DeepSearchQA's where its answer has
    parts, a short answer's else."""
    if task.contract is not None:
        return table_steps(task, prediction, mode, judged)
    if task.answers:
        return component_steps(task, prediction, mode == "strict", judged)
    return answer_steps(task, prediction, mode == "strict", judged)
