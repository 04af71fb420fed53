"""Scores of tables: WideSearch's item-F1, row-F1 and success, published and strict.

Chooses the form; `official` and `strict` hold one each.
"""

from typing import Literal

from openswarm.core.errors import UserError
from openswarm.evals.scoring.official import official_steps
from openswarm.evals.scoring.questions import Steps
from openswarm.evals.scoring.strict import strict_steps
from openswarm.evals.task import EvalTask, Prediction

Mode = Literal["official", "strict"]


def table_steps(task: EvalTask, prediction: Prediction, mode: Mode, judged: bool) -> Steps:
    """The steps of scoring a table. Raises `UserError` for a task that asks for none."""
    if task.contract is None:
        raise UserError(f"task {task.id} asks for no table; it cannot be scored as one")
    steps = official_steps if mode == "official" else strict_steps
    return steps(task, task.contract, prediction, judged)
