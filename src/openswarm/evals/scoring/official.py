"""WideSearch's published table scorer, step by step, with every fault it has.

What is restated is `src/evaluation` of ByteDance-Seed/WideSearch. Figures compare with published
ones, so they may exceed 1; never a reward. Its faults:

- (a) rows that become equal only when keys are mapped are not dropped: one right row counts as
  often as it was written, so that recall and F1 exceed 1;
- (b) a column of whole numbers on one side and of fractions on the other is not brought together
  (`5` is not `5.0`), though the code means to;
- (c) a judge's grades count as they come: 7 counts seven times, a grade that is text makes the
  whole table 0;
- (d) a column with two metrics counts twice in the cells that are right and once in the total;
- (e) an empty response is a part of any text (`in_match`); and what `checks.compared` says of
  dates and addresses that are none.

It differs in what cannot be had without a model or dateparser: the judge's prompts are ours, and
`dates` says what is a date. A column without a check, which no published file has, is compared
with case and spaces aside.
"""

import math
from collections.abc import Generator, Mapping
from typing import Any

from openswarm.core.contract import Contract
from openswarm.evals.scoring import questions
from openswarm.evals.scoring.checks import JUDGE, Unscorable, compared, prepared
from openswarm.evals.scoring.figures import all_or_nothing, table_score
from openswarm.evals.scoring.frame import (
    Frame,
    Row,
    framed,
    merged,
    normal_name,
    without_duplicates,
)
from openswarm.evals.scoring.questions import Question, Steps
from openswarm.evals.scoring.tables import read_official
from openswarm.evals.task import ColumnCheck, EvalTask, Prediction

_MAPPED = frozenset({JUDGE, "exact_match"})
"""A key column with one of these metrics has its values mapped by the judge."""
_UNCHECKED = ColumnCheck(preprocess=("norm_str",))


class _Rules:
    """What of a task the scorer goes by, under its own names of columns."""

    def __init__(self, contract: Contract, checks: Mapping[str, ColumnCheck]) -> None:
        self.required = tuple(map(normal_name, contract.names))
        self.unique = tuple(map(normal_name, contract.key))
        self.checks = {normal_name(name): check for name, check in checks.items()}

    def check(self, column: str) -> ColumnCheck:
        """How a column that is no key is compared."""
        return self.checks.get(column, _UNCHECKED)


def official_steps(
    task: EvalTask, contract: Contract, prediction: Prediction, judged: bool
) -> Steps:
    """The published score of a table; without a judge, as where its model says nothing.

    Raises nothing: what makes the published scorer fail scores 0 here as there.
    """
    frame = _predicted(prediction)
    if frame is None:
        return all_or_nothing(False)
    try:
        return (yield from _scored(task, _Rules(contract, task.checks), frame, judged))
    except Unscorable:
        return all_or_nothing(False)


def _predicted(prediction: Prediction) -> Frame | None:
    """The predicted table; rows that were handed in are read as cells of a table in text are."""
    if not prediction.rows:
        return read_official(prediction.text)
    names = prediction.columns or tuple(dict.fromkeys(n for row in prediction.rows for n in row))
    return framed(names, prediction.rows)


def _scored(task: EvalTask, rules: _Rules, frame: Frame, judged: bool) -> Steps:
    found = _renamed(frame, {name: normal_name(name) for name in frame.columns})
    if set(found.columns) != set(rules.required) and judged:
        (reply,) = yield (questions.align("columns", found.columns, rules.required),)
        found = _renamed(found, questions.read_object(reply) or {})
    distinct = len(set(rules.required)) == len(rules.required)
    if sorted(found.columns) != sorted(rules.required) or not distinct:
        return all_or_nothing(False)
    names = {name: normal_name(name) for name in task.contract.names} if task.contract else {}
    gold = _renamed(framed(tuple(names), task.gold), names)
    found, gold = (without_duplicates(table, rules.unique) for table in (found, gold))
    mapped = [name for name in rules.unique if _MAPPED & {*_metrics(rules, name)}]
    if mapped and judged:
        asked = tuple(questions.align("keys", _column(found, n), _column(gold, n)) for n in mapped)
        replies = yield asked
        for name, reply in zip(mapped, replies, strict=True):
            found = _with_keys(found, name, questions.read_object(reply) or {})
    found, gold = _prepared(found, rules), _prepared(gold, rules)
    pairs = merged(gold, found, rules.unique)
    if not pairs:
        return all_or_nothing(False)
    marks = yield from _marks(pairs, rules, judged)
    return table_score(
        math.fsum(sum(row.values()) for row in marks),
        math.fsum(min(row.values()) for row in marks),
        found=len(found.rows), wanted=len(gold.rows), columns=len(rules.required),
        equal=not mapped and _equal(gold, found),
    )  # fmt: skip


def _marks(
    pairs: list[tuple[Row, Row]], rules: _Rules, judged: bool
) -> Generator[tuple[Question, ...], tuple[str, ...], list[dict[str, float]]]:
    """For each pair of rows the marks by column and metric."""
    columns = [name for name in rules.required if name not in rules.unique]
    graded = [name for name in columns if judged and JUDGE in _metrics(rules, name)]
    grades: dict[str, list[float | None]] = {}
    if graded:
        replies = yield tuple(
            questions.grade_cells(_cells(pairs, name), rules.check(name).criterion)
            for name in graded
        )
        grades = {n: _grades(r, len(pairs)) for n, r in zip(graded, replies, strict=True)}
    marks: list[dict[str, float]] = [
        {f"{name}_exact_match": 1.0 for name in rules.unique} for _ in pairs
    ]
    for name in columns:
        for metric in _metrics(rules, name):
            criterion = rules.check(name).criterion
            for at, (response, target) in enumerate(_cells(pairs, name)):
                if metric != JUDGE:
                    mark = compared(response, target, metric, criterion)
                else:
                    mark = grades[name][at] if name in grades else 0.0
                if mark is not None:
                    marks[at][f"{name}_{metric}"] = mark
    return marks


def _grades(reply: str, count: int) -> list[float | None]:
    """A judge's grades as they come; None is skipped. Raises `Unscorable` for what is no number."""
    said = questions.read_object(reply) or {}
    return [_grade(said.get(f"idx_{at}", 0)) for at in range(count)]


def _grade(value: object) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, int | float):
        raise Unscorable("a grade is no number")
    try:
        number = float(value)
    except OverflowError:
        raise Unscorable("a grade is too large") from None
    if math.isinf(number):
        raise Unscorable("a grade is infinite")
    return number


def _metrics(rules: _Rules, name: str) -> tuple[str, ...]:
    """Of a column that is a key and has no check: none, so that its values are taken as written."""
    if name in rules.unique and name not in rules.checks:
        return ()
    return rules.check(name).metrics


def _cells(pairs: list[tuple[Row, Row]], name: str) -> list[tuple[str, str]]:
    return [(response[name], target[name]) for target, response in pairs]


def _column(frame: Frame, name: str) -> list[str]:
    return [row[name] for row in frame.rows]


def _renamed(frame: Frame, names: Mapping[str, Any]) -> Frame:
    """The table under other names. Raises `Unscorable` where two columns get one name."""
    new = tuple(str(names.get(name, name)) for name in frame.columns)
    if len(set(new)) < len(new):
        raise Unscorable("two columns have one name")
    rows = tuple(dict(zip(new, row.values(), strict=True)) for row in frame.rows)
    return Frame(new, rows)


def _with_keys(frame: Frame, name: str, mapping: Mapping[str, Any]) -> Frame:
    rows = tuple({**row, name: str(mapping.get(row[name], row[name]))} for row in frame.rows)
    return Frame(frame.columns, rows)


def _prepared(frame: Frame, rules: _Rules) -> Frame:
    """Columns that have a check, or are compared without one, preprocessed."""
    steps = {
        name: rules.checks[name].preprocess if name in rules.checks else _UNCHECKED.preprocess
        for name in frame.columns
        if name in rules.checks or name not in rules.unique
    }
    rows = tuple(
        {**row, **{n: prepared(row[n], s) for n, s in steps.items()}} for row in frame.rows
    )
    return Frame(frame.columns, rows)


def _equal(gold: Frame, found: Frame) -> bool:
    """The same table, rows in any order; the columns have to stand in the same order."""
    tables = [sorted(tuple(row[n] for n in gold.columns) for row in f.rows) for f in (gold, found)]
    return gold.columns == found.columns and tables[0] == tables[1]
