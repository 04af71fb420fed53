"""Precision, recall and F1, and the scores that are all or nothing."""

from openswarm.evals.task import Score

_NEARLY_NOTHING = 1e-9


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 where both are 0."""
    both = precision + recall
    return 2 * precision * recall / both if both > _NEARLY_NOTHING else 0.0


def share(part: float, whole: int) -> float:
    """A share; 0 of nothing."""
    return part / whole if whole > 0 else 0.0


def all_or_nothing(right: bool) -> Score:
    """The score of an answer that is right or wrong as a whole."""
    x = float(right)
    return Score(
        item_precision=x, item_recall=x, item_f1=x,
        row_precision=x, row_recall=x, row_f1=x, success=x,
    )  # fmt: skip


def table_score(
    items: float, rows: float, *, found: int, wanted: int, columns: int, equal: bool = False
) -> Score:
    """The score of a table.

    `items` is the sum of the cells' scores and `rows` of the rows', over `found` predicted and
    `wanted` right rows of `columns` cells. It is a success where the tables are `equal`, or all
    six figures are 1.
    """
    item = share(items, found * columns), share(items, wanted * columns)
    row = share(rows, found), share(rows, wanted)
    six = (*item, f1(*item), *row, f1(*row))
    return Score(
        item_precision=six[0], item_recall=six[1], item_f1=six[2],
        row_precision=six[3], row_recall=six[4], row_f1=six[5],
        success=float(equal or all(figure == 1.0 for figure in six)),
    )  # fmt: skip
