"""The bounded table scorer: what rewards and our own figures use.

All figures lie in [0, 1]; a right table has all of them 1 and the order of its rows does not
matter. Rows with one key are one row, the first; keys are compared folded, the contract's aliases
counting. Columns that were not asked for do not count, and a missing one is empty. A column's
metrics are averaged. A cell that is empty is right only where the right table has nothing.
"""

from collections.abc import Generator, Mapping, Sequence

from openswarm.core.contract import Contract, fold_key
from openswarm.evals.scoring import questions
from openswarm.evals.scoring.checks import (
    JUDGE,
    settled,
    strict_compared,
    strict_prepared,
)
from openswarm.evals.scoring.figures import all_or_nothing, table_score
from openswarm.evals.scoring.frame import Row
from openswarm.evals.scoring.questions import Question, Steps
from openswarm.evals.scoring.tables import column_names, read_table
from openswarm.evals.task import ColumnCheck, EvalTask, Prediction

Key = tuple[str, ...]
_UNCHECKED = ColumnCheck()


def strict_steps(task: EvalTask, contract: Contract, prediction: Prediction, judged: bool) -> Steps:
    """The strict score of a table. A judge is asked only of keys that no right row has, and of
    `llm_judge` cells that are not equal; without one they are wrong. Raises nothing."""
    gold: dict[Key, Row] = {}
    for row in task.gold:
        gold.setdefault(row_key(contract, task.checks, row), row)
    rows = _predicted(contract, prediction)
    keys = [row_key(contract, task.checks, row) for row in rows]
    if judged:
        keys = yield from _mapped_keys(task, contract, gold, rows, keys)
    found: dict[Key, Row] = {}
    for key, row in zip(keys, rows, strict=True):
        found.setdefault(key, row)
    if not gold:
        return all_or_nothing(not found)
    pairs = [(found[key], row) for key, row in gold.items() if key in found]
    verdicts = (yield from _verdicts(task, contract, pairs)) if judged else {}
    width = len(contract.names)
    asked = [column.name for column in contract.asked]
    items, whole = 0.0, 0.0
    for at, (row, right) in enumerate(pairs):
        cells = [
            strict_compared(
                row[name], right.get(name, ""), _check(task, name), verdicts.get((name, at), 0.0)
            )
            for name in asked
        ]
        items += sum(cells) + width - len(asked)
        whole += min(cells, default=1.0)
    return table_score(items, whole, found=len(found), wanted=len(gold), columns=width)


def row_key(contract: Contract, checks: Mapping[str, ColumnCheck], row: Row) -> Key:
    """A row's key for comparison: folded, aliases resolved, each part preprocessed."""
    folded = contract.fold(tuple(row.get(name, "") for name in contract.key))
    return tuple(
        strict_prepared(part, checks[name].preprocess) if name in checks else part
        for name, part in zip(contract.key, folded, strict=True)
    )


def _check(task: EvalTask, name: str) -> ColumnCheck:
    return task.checks.get(name, _UNCHECKED)


def _predicted(contract: Contract, prediction: Prediction) -> list[Row]:
    """The predicted rows under the contract's names, every column in each."""
    if not prediction.rows:
        return list(read_table(prediction.text, contract.names))
    header = list(dict.fromkeys([*prediction.columns, *(n for r in prediction.rows for n in r)]))
    names = {name: header[at] for name, at in column_names(header, contract.names).items()}
    names |= {name: name for name in contract.names if name in header}
    return [
        {name: row.get(names[name], "") if name in names else "" for name in contract.names}
        for row in prediction.rows
    ]


def _mapped_keys(
    task: EvalTask, contract: Contract, gold: Mapping[Key, Row],
    rows: Sequence[Row], keys: Sequence[Key],
) -> Generator[tuple[Question, ...], tuple[str, ...], list[Key]]:  # fmt: skip
    """The keys with those that no right row has mapped as a judge says, onto right ones only that
    no row has yet."""
    strange = [at for at, key in enumerate(keys) if key not in gold]
    met = set(keys)
    unmet = {key: row for key, row in gold.items() if key not in met}
    if not strange or not unmet:
        return list(keys)
    places = range(len(contract.key))
    lists = [
        (
            sorted({rows[at][name] for at in strange}),
            sorted({row.get(name, "") for row in unmet.values()}),
        )
        for name in contract.key
    ]
    replies = yield tuple(questions.align("keys", found, wanted) for found, wanted in lists)
    maps = [_mapping(reply, *lists[at]) for at, reply in zip(places, replies, strict=True)]
    mapped = list(keys)
    for at in strange:
        names = {
            name: maps[i].get(rows[at][name], rows[at][name]) for i, name in enumerate(contract.key)
        }
        key = row_key(contract, task.checks, names)
        mapped[at] = key if key in unmet else keys[at]
    return mapped


def _mapping(reply: str, found: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """What a judge mapped that it was asked about, onto what it was shown."""
    said = questions.read_object(reply, last_alone=True) or {}
    exact = {fold_key(name): name for name in wanted}
    return {
        name: exact[fold_key(value)]
        for name in found
        if isinstance(value := said.get(name), str) and fold_key(value) in exact
    }


def _verdicts(
    task: EvalTask, contract: Contract, pairs: Sequence[tuple[Row, Row]]
) -> Generator[tuple[Question, ...], tuple[str, ...], dict[tuple[str, int], float]]:
    """What a judge says of cells that are not plainly right or wrong, by column and pair."""
    open_cells: dict[str, list[int]] = {}
    for column in contract.asked:
        if JUDGE in _check(task, column.name).metrics:
            cells = [
                at
                for at, (row, right) in enumerate(pairs)
                if settled(row[column.name], right.get(column.name, "")) is None
            ]
            if cells:
                open_cells[column.name] = cells
    if not open_cells:
        return {}
    replies = yield tuple(
        questions.grade_cells(
            [(pairs[at][0][name], pairs[at][1].get(name, "")) for at in cells],
            _check(task, name).criterion,
        )
        for name, cells in open_cells.items()
    )
    verdicts: dict[tuple[str, int], float] = {}
    for (name, cells), reply in zip(open_cells.items(), replies, strict=True):
        said = questions.read_object(reply, last_alone=True) or {}
        for place, at in enumerate(cells):
            verdicts[name, at] = float(said.get(f"idx_{place}") in (1, True))
    return verdicts
