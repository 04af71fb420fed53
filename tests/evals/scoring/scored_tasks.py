"""Small tasks and predictions that the tests of scorers share."""

import json
from collections.abc import Sequence

from openswarm.core.contract import make_column, make_contract
from openswarm.evals.task import ColumnCheck, EvalTask, Prediction, Score

Rows = Sequence[dict[str, str]]


def table_task(
    gold: Rows, key: Sequence[str] = ("name",), checks: dict[str, ColumnCheck] | None = None
) -> EvalTask:
    """A task whose table has the columns of its first right row."""
    columns = tuple(make_column(name=name) for name in gold[0])
    return EvalTask(
        id="t", family="made", kind="wide", split="test", template="t", question="Which?",
        corpus="", scope=(), contract=make_contract(columns=columns, key=tuple(key)),
        gold=tuple(gold), checks=checks or {},
    )  # fmt: skip


def answer_task(answer: str = "", answers: Sequence[str] = ()) -> EvalTask:
    """A task with a short answer, or one with parts."""
    return EvalTask(
        id="a", family="made", kind="chain", split="test", template="t", question="Which?",
        corpus="", scope=(), answer=answer, answers=tuple(answers),
    )  # fmt: skip


def written(rows: Rows, columns: Sequence[str] | None = None) -> Prediction:
    """A reply with the rows as a Markdown table."""
    names = list(columns or rows[0])
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return Prediction(text=f"Here it is.\n\n{table}\n")


def given(rows: Rows) -> Prediction:
    """Rows that a run handed in."""
    return Prediction(columns=tuple(rows[0]) if rows else (), rows=tuple(rows))


def figures(score: Score) -> tuple[float, ...]:
    """The seven figures in order."""
    return tuple(score.model_dump().values())


def fenced(value: object) -> str:
    """A judge's reply that holds this as JSON."""
    return f"I looked at each.\n```json\n{json.dumps(value)}\n```"


class Says:
    """A judge that says these replies in order, and keeps what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    async def ask(self, prompt: str) -> str:
        """The next reply."""
        self.asked.append(prompt)
        return self.replies.pop(0)
