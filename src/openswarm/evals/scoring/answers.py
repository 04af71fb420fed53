"""Short answers: exact, and graded by a judge in BrowseComp's form; how sure a model was.

Owns the reading of final answers and the error of confidences. Text is untrusted: read line by
line, cut to a length.
"""

import re
from collections.abc import Sequence

from openswarm.evals.scoring import questions
from openswarm.evals.scoring.checks import same_value
from openswarm.evals.scoring.figures import all_or_nothing
from openswarm.evals.scoring.questions import Steps
from openswarm.evals.task import EvalTask, Prediction

MAX_CHARS = 200_000
BINS = 10
_FORM = """\
{question}

Give the response in this form:
Explanation: why the final answer is right
Exact Answer: the final answer alone, as short as it can be
Confidence: how sure you are of it, from 0% to 100%
"""
_ANSWER = re.compile(
    r"\W{0,9}(?:exact|final) answer\W{0,9}?:\W{0,9}?(?P<said>[^:\s*].*)", re.IGNORECASE
)
_CONFIDENCE = re.compile(
    r"\W{0,9}confidence\W{0,9}?:[\s*]{0,9}([0-9]{1,3}(?:\.[0-9]{1,4})?)\s?(%?)[\s*.]{0,9}",
    re.IGNORECASE,
)
_MAX_LINE = 4000


def asked(question: str) -> str:
    """A question with the form that BrowseComp asks for: explanation, exact answer, confidence."""
    return _FORM.format(question=question)


def final_answer(text: str) -> str:
    """What stands behind the last `Exact Answer:`, or else the last line that has anything but a
    confidence; '' without.

    `Final answer:` counts too; marks of Markdown around the answer do not.
    """
    lines = _lines(text)
    said = [match["said"] for line in lines if (match := _ANSWER.fullmatch(line))]
    others = [line for line in lines if not _CONFIDENCE.fullmatch(line)]
    return (said or others or [""])[-1].strip(" *`")


def confidence(text: str) -> float | None:
    """How sure a model says it is, from 0 to 1: its last `Confidence:` line; None without one.

    `85%` and `85` are 0.85, and so is `0.85` without a percent sign.
    """
    for line in reversed(_lines(text)):
        if match := _CONFIDENCE.fullmatch(line):
            value = float(match[1])
            fraction = not match[2] and "." in match[1] and value <= 1
            return min(1.0, value if fraction else value / 100)
    return None


def answer_steps(task: EvalTask, prediction: Prediction, strict: bool, judged: bool) -> Steps:
    """The score of a short answer, all figures 1 or 0.

    Without a judge it has to be the same up to case, white space and marks, or the same number.
    With one: strictly by every line that is a verdict, or else by the first `correct: yes|no`.
    """
    if not judged:
        answer = final_answer(prediction.text)
        return all_or_nothing(bool(answer) and same_value(answer, task.answer))
    text = prediction.text[:MAX_CHARS]
    if not text.strip():
        return all_or_nothing(False)
    (reply,) = yield (questions.grade_answer(task.question, text, task.answer),)
    return all_or_nothing(questions.only_yes(reply) if strict else questions.said_yes(reply))


def calibration_error(sure: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """By how much confidence and accuracy differ, from 0 to 1; 0 where there is nothing.

    The expected calibration error: confidences in [0, 1] fall into bins of equal width, and each
    bin's |mean confidence - share right| counts by its size. HLE's own figure is the root mean
    square over sorted bins of 100 answers: another number. Raises `ValueError` where the lists
    differ in length.
    """
    groups: dict[int, list[tuple[float, bool]]] = {}
    for value, was in zip(sure, right, strict=True):
        groups.setdefault(min(bins - 1, max(0, int(value * bins))), []).append((value, was))
    gaps = (abs(sum(v for v, _ in g) - sum(w for _, w in g)) for g in groups.values())
    return sum(gaps) / len(sure) if sure else 0.0


def _lines(text: str) -> list[str]:
    """The lines of a text that have anything, each cut."""
    lines = (line.strip()[:_MAX_LINE] for line in text[-MAX_CHARS:].splitlines())
    return [line for line in lines if line]
