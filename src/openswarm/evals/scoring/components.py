"""DeepSearchQA: answers with parts, scored by what of them was given and what was given beside.

precision = right / (right + in excess), recall = right / parts, F1 of both; accuracy is all parts
and nothing in excess. Owns how parts are read out of text; that is untrusted, and bounded.
"""

import re
from collections.abc import Sequence
from typing import Any

from openswarm.core.contract import MAX_VALUE_CHARS, fold_key
from openswarm.evals.scoring import questions
from openswarm.evals.scoring.answers import MAX_CHARS, final_answer
from openswarm.evals.scoring.checks import same_value
from openswarm.evals.scoring.figures import all_or_nothing, f1, share
from openswarm.evals.scoring.questions import Steps
from openswarm.evals.task import EvalTask, Prediction, Score

MAX_PARTS = 1000
_BULLET = re.compile(r"\s*(?:[-*•+]|[0-9]{1,3}[.)])\s+")
_COMMA = re.compile(r",\s*(?:and\s+)?|\s+and\s+|[、，]")


def component_steps(task: EvalTask, prediction: Prediction, strict: bool, judged: bool) -> Steps:
    """The score of an answer with parts: precision, recall and F1 in the item figures, accuracy in
    all others.

    Without a judge parts are compared as short answers are. With one, strictly each right part
    counts once and one of which nothing was said is missing; as published, what the judge lists
    counts, whatever was asked.
    """
    if not judged:
        given = _given(prediction, task.answers)
        right = sum(any(same_value(part, said) for said in given) for part in task.answers)
        excess = sum(not any(same_value(part, said) for part in task.answers) for said in given)
        return component_score(right, len(task.answers), excess)
    text = prediction.text[:MAX_CHARS] or "\n".join(_given(prediction, task.answers))
    if not text.strip():
        return all_or_nothing(False)
    reply = yield (questions.grade_components(task.question, text, task.answers),)
    details, excess = _graded(reply[0], strict)
    if not strict:
        right = sum(value is True for value in details.values())
        return component_score(right, len(details), len(excess))
    said = {fold_key(part): value is True for part, value in details.items()}
    right = sum(said.get(fold_key(part), False) for part in task.answers)
    beside = {fold_key(part) for part in excess} - {fold_key(part) for part in task.answers}
    return component_score(right, len(task.answers), len(beside))


def component_score(right: int, parts: int, excess: int) -> Score:
    """The score of `right` of so many `parts`, and `excess` others; 0 throughout without parts."""
    precision, recall = share(right, right + excess), share(right, parts)
    whole = all_or_nothing(parts > 0 and right == parts and not excess)
    return whole.model_copy(
        update={
            "item_precision": precision,
            "item_recall": recall,
            "item_f1": f1(precision, recall),
        }
    )


def _graded(reply: str, strict: bool) -> tuple[dict[str, Any], list[str]]:
    """What a judge says of each right part, and what it names in excess; nothing where its reply
    is not in the form."""
    said = (questions.read_object(reply, last_alone=strict) or {}).get("Answer Correctness")
    if not isinstance(said, dict):
        return {}, []
    details, excess = said.get("Correctness Details"), said.get("Excessive Answers")
    return (
        details if isinstance(details, dict) else {},
        [part for part in excess if isinstance(part, str)] if isinstance(excess, list) else [],
    )


def _given(prediction: Prediction, parts: Sequence[str]) -> list[str]:
    """The parts of an answer, each once: the first column of its rows, its bullets, or its final
    answer cut at `;` and, where a piece is none of the right parts whole, at commas and `and`."""
    if prediction.rows:
        column = (prediction.columns or tuple(prediction.rows[0]) or ("",))[0]
        pieces = [row.get(column, "") for row in prediction.rows]
    else:
        pieces = _bullets(prediction.text) or final_answer(prediction.text).split(";")
    given: dict[str, str] = {}
    for piece in map(_bare, pieces[:MAX_PARTS]):
        whole = any(same_value(piece, part) for part in parts)
        for part in [piece] if whole else map(_bare, _COMMA.split(piece)[:MAX_PARTS]):
            if folded := fold_key(part):
                given.setdefault(folded, part[:MAX_VALUE_CHARS])
    return list(given.values())[:MAX_PARTS]


def _bare(piece: str) -> str:
    """A piece in one line, without the marks of Markdown around it."""
    return " ".join(piece[:MAX_CHARS].split()).strip(" *`")


def _bullets(text: str) -> list[str]:
    """The list at the end of a text, if it ends with one of two bullets or more."""
    found: list[str] = []
    for line in reversed(text[-MAX_CHARS:].strip().splitlines()):
        match = _BULLET.match(line)
        if match is None:
            break
        found.append(line[match.end() :])
    return found[::-1] if len(found) > 1 else []
