"""WideSearch's published scorer: hand cases, and each of its faults by name."""

import pytest
from scored_tasks import Says, fenced, figures, given, table_task, written

from openswarm.core.contract import make_column, make_contract
from openswarm.evals.scoring.frame import framed, merged, typed, without_duplicates
from openswarm.evals.scoring.score import judged_score, score
from openswarm.evals.scoring.tables import read_official
from openswarm.evals.task import ColumnCheck, Prediction

pytestmark = [pytest.mark.requirement("evals.widesearch-official"), pytest.mark.anyio]
GOLD = [{"name": name, "size": size, "seat": seat} for name, size, seat in (
    ("chile", "10", "santiago"), ("peru", "20", "lima"), ("ghana", "30", "accra"))]  # fmt: skip
JUDGED = {
    "name": ColumnCheck(metrics=("exact_match",)),
    "size": ColumnCheck(metrics=("llm_judge",), criterion="the same size"),
}
PLAIN = {name: ColumnCheck(metrics=("exact_match",)) for name in ("size", "seat")}


def test_one_wrong_cell_of_nine_is_eight_ninths() -> None:
    """Item figures 8/9, two rows of three, no success."""
    rows = [GOLD[0] | {"size": "11"}, *GOLD[1:]]
    scored = score(table_task(GOLD, checks=PLAIN), written(rows), "official")
    assert figures(scored) == pytest.approx((8 / 9,) * 3 + (2 / 3,) * 3 + (0,))


def test_one_row_of_three_beside_a_wrong_one() -> None:
    """Two rows given, one right: P 1/2, R 1/3, F1 0.4 of rows and items alike."""
    rows = [GOLD[0], GOLD[1] | {"name": "chad"}]
    scored = score(table_task(GOLD, checks=PLAIN), written(rows), "official")
    assert figures(scored) == pytest.approx((0.5, 1 / 3, 0.4, 0.5, 1 / 3, 0.4, 0))


def test_rows_with_one_wrong_cell_each_count_as_items_alone() -> None:
    """Two rows of three whose key and one more cell are right: 4/6 and 4/9, F1 .5333."""
    rows = [row | {"size": "1"} for row in GOLD[:2]]
    scored = score(table_task(GOLD, checks=PLAIN), written(rows), "official")
    assert scored.item_f1 == pytest.approx(0.5333, abs=1e-4)
    assert scored.row_f1 == 0


@pytest.mark.parametrize("mode", ["official", "strict"])
def test_a_right_table_is_a_success(mode: str) -> None:
    """All seven figures are 1, whatever the order of rows and columns."""
    prediction = written(GOLD[::-1], ["seat", "name", "size"])
    assert figures(score(table_task(GOLD, checks=PLAIN), prediction, mode)) == (1.0,) * 7


@pytest.mark.parametrize(
    "prediction",
    [
        written([row | {"more": "x"} for row in GOLD]),
        written(GOLD, ["name", "size"]),
        Prediction(text="No table."),
        written(GOLD, ["name"]).model_copy(update={"text": "```markdown\n```"}),
    ],
)
def test_another_set_of_columns_scores_nothing(prediction: Prediction) -> None:
    """A column more or less than required makes all figures 0."""
    assert figures(score(table_task(GOLD, checks=PLAIN), prediction, "official")) == (0.0,) * 7


async def test_columns_are_renamed_by_the_judge_and_then_count() -> None:
    """The one chance that another set of columns has."""
    rows = [{"country": r["name"], "size": r["size"], "seat": r["seat"]} for r in GOLD]
    judge = Says(fenced({"country": "name"}))
    task = table_task(GOLD, checks=PLAIN)
    assert (await judged_score(task, written(rows), judge, "official")).success == 1
    assert '"country"' in judge.asked[0]


async def test_fault_a_rows_that_the_judge_makes_equal_all_count() -> None:
    """Duplicates after key mapping stay: one of three rows written twice makes recall 1.33 and F1
    1.14; the strict scorer drops them."""
    rows = [*GOLD, GOLD[0] | {"name": "Republic of Chile"}]
    task = table_task(GOLD, checks=PLAIN | {"name": ColumnCheck()})
    mapping = fenced({"Republic of Chile": "chile"})
    scored = await judged_score(task, written(rows), Says(mapping), "official")
    assert (scored.row_precision, scored.row_recall) == (1.0, pytest.approx(4 / 3))
    assert scored.row_f1 == pytest.approx(1.1429, abs=1e-4)
    strict = score(task, written([*GOLD, GOLD[0]]), "strict")
    assert figures(strict) == (1.0,) * 7


async def test_fault_a_in_strict_mode_is_mended_also_where_a_judge_maps_keys() -> None:
    """Nothing is left to map, so that the stranger stays a wrong row and no judge is asked."""
    task = table_task(GOLD, checks=PLAIN | {"name": ColumnCheck()})
    rows = [*GOLD, GOLD[0] | {"name": "Republic of Chile"}]
    scored = await judged_score(task, written(rows), Says(), "strict")
    assert figures(scored) == pytest.approx((0.75, 1, 6 / 7, 0.75, 1, 6 / 7, 0))


def test_fault_b_whole_numbers_and_fractions_are_not_brought_together() -> None:
    """A column with one empty cell is read as fractions: `10` becomes `10.0`, and is wrong."""
    rows = [*GOLD[:2], GOLD[2] | {"size": ""}]
    task = table_task(GOLD, checks=PLAIN)
    assert score(task, written(rows), "official").item_f1 == pytest.approx(6 / 9)
    assert score(task, written(rows), "strict").item_f1 == pytest.approx(8 / 9)


@pytest.mark.parametrize(
    ("grades", "items"),
    [
        ({"idx_0": 1, "idx_1": 1}, 5 / 6),
        ({"idx_0": 7, "idx_1": 1, "idx_2": 1}, 12 / 6),
        ({"idx_0": True, "idx_1": 0.5, "idx_2": 1, "idx_9": 1}, 5.5 / 6),
        ({"idx_0": None, "idx_1": 1, "idx_2": 1}, 5 / 6),
        ({"idx_0": "1", "idx_1": 1, "idx_2": 1}, 0),
        ({}, 3 / 6),
    ],
)
async def test_fault_c_grades_count_as_the_judge_writes_them(
    grades: dict[str, object], items: float
) -> None:
    """7 counts seven times, a text makes the whole table 0; in strict mode only 0 and 1 count."""
    gold = [{name: row[name] for name in ("name", "size")} for row in GOLD]
    task = table_task(gold, checks={"size": JUDGED["size"]})
    rows = [row | {"size": row["size"] + " units"} for row in gold]
    scored = await judged_score(task, written(rows), Says(fenced(grades)), "official")
    assert scored.item_precision == pytest.approx(items)
    strict = await judged_score(task, written(rows), Says(fenced(grades)), "strict")
    assert strict.item_precision == (3 + sum(g in (1, True) for g in grades.values())
                                     - (grades.get("idx_9") == 1)) / 6  # fmt: skip


def test_fault_d_a_column_with_two_metrics_counts_twice() -> None:
    """A right table then has item figures of 4/3; strictly the two are averaged."""
    checks = PLAIN | {"size": ColumnCheck(metrics=("exact_match", "number_near"), criterion=0.1)}
    task = table_task(GOLD, checks=checks)
    assert score(task, written(GOLD), "official").item_f1 == pytest.approx(4 / 3)
    assert figures(score(task, written(GOLD), "strict")) == (1.0,) * 7
    near = [row | {"size": str(int(row["size"]) + 1)} for row in GOLD]
    assert score(task, written(near), "strict").item_recall == pytest.approx((6 + 1.5) / 9)


def test_fault_e_an_empty_response_is_a_part_of_any_text() -> None:
    """`*` is nothing once its mark is taken away, and matches; strictly it does not."""
    checks = PLAIN | {"seat": ColumnCheck(preprocess=("norm_str",), metrics=("in_match",))}
    task = table_task(GOLD, checks=checks)
    rows = [row | {"seat": "*"} for row in GOLD]
    assert score(task, written(rows), "official").success == 1
    assert score(task, written(rows), "strict").item_recall == pytest.approx(6 / 9)


@pytest.mark.parametrize(
    ("metric", "response", "target", "strictly"),
    [("date_near", "soon", "long ago", 0), ("url_match", "a site", "another", 0)],
)
def test_dates_and_addresses_that_are_none_match(
    metric: str, response: str, target: str, strictly: int
) -> None:
    """Both unreadable counts as equal in the published form alone."""
    task = table_task([{"name": "x", "v": target}], checks={"v": ColumnCheck(metrics=(metric,))})
    prediction = written([{"name": "x", "v": response}])
    assert score(task, prediction, "official").success == 1
    assert score(task, prediction, "strict").success == strictly


def test_number_near_without_a_tolerance_fails_the_whole_table() -> None:
    """As the published code raises, and then gives 0; strictly the numbers have to be equal."""
    task = table_task(GOLD, checks=PLAIN | {"size": ColumnCheck(metrics=("number_near",))})
    assert figures(score(task, written(GOLD), "official")) == (0.0,) * 7
    assert figures(score(task, written(GOLD), "strict")) == (1.0,) * 7


def test_keys_without_a_check_are_compared_as_written() -> None:
    """`Chile` is not `chile` there; with norm_str, or strictly, it is."""
    rows = [row | {"name": row["name"].title()} for row in GOLD]
    assert score(table_task(GOLD, checks=PLAIN), written(rows), "official").item_f1 == 0
    normed = PLAIN | {"name": ColumnCheck(preprocess=("norm_str",))}
    assert score(table_task(GOLD, checks=normed), written(rows), "official").success == 1
    assert score(table_task(GOLD, checks=PLAIN), written(rows), "strict").success == 1


def test_rows_that_were_handed_in_score_as_the_same_table_in_text() -> None:
    """Types are guessed for both."""
    rows = [GOLD[0], GOLD[1] | {"size": ""}]
    task = table_task(GOLD, checks=PLAIN)
    assert score(task, given(rows), "official") == score(task, written(rows), "official")


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["007", "+5"], ["7", "5"]),
        (["7", ""], ["7.0", "nan"]),
        (["1e5", "inf"], ["100000.0", "inf"]),
        (["true", "FALSE", "N/A"], ["True", "False", "nan"]),
        (["1,000", "None"], ["1,000", "nan"]),
        (["99999999999999999999", ""], ["99999999999999999999", "nan"]),
        (["18446744073709551615", ""], ["18446744073709551615", ""]),
        ([], []),
    ],
)
def test_columns_are_typed_as_pandas_types_them(cells: list[str], read: list[str]) -> None:
    """Each pair was read off pandas 2.3.1."""
    assert typed(cells) == read


def test_repeated_keys_join_every_row_with_every_row() -> None:
    """An inner merge: two of one key here and three there are six pairs."""
    gold, found = (framed(("k", "v"), [{"k": "a", "v": str(i)} for i in range(n)]) for n in (2, 3))
    assert len(merged(gold, found, ["k"])) == 6
    assert len(without_duplicates(found, ["k"]).rows) == 1


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("```markdown\n|A b|c|\n|-|-|\n|1|2|\n```\n|x|y|\n|1|2|", ("ab", "c")),
        ("a | b\n\n| A | c |\n| 1 | 2 |", ("b",)),
        ("x\n| A | A |\n|1|2|", ("a", "a.1")),
        ("| A | c |\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |", ("a", "c")),
        ("only | two | pipes", None),
        ("| A | c |\n| 1 | 2 |\n| 1 | 2 | 3 |", None),
        ('| A | c |\n| "open | 2 |', None),
    ],
)
def test_tables_are_found_where_the_published_scorer_finds_them(
    text: str, columns: tuple[str, ...] | None
) -> None:
    """The first fence, else from the first pipe on; None where pandas would raise."""
    frame = read_official(text)
    assert (frame.columns if frame else None) == columns


def test_a_longer_first_row_shifts_the_cells_as_pandas_shifts_them() -> None:
    """It takes what is too much for an index."""
    frame = read_official("| A | c |\n| 1 | 2 | 3 |")
    assert frame is not None
    assert frame.rows == ({"a": "2", "c": "3"},)


def test_two_columns_of_one_name_score_nothing() -> None:
    """`A b` and `ab` are one name to the published scorer."""
    columns = (make_column(name="A b"), make_column(name="ab"))
    task = table_task([{"A b": "1", "ab": "2"}], key=("A b",)).model_copy(
        update={"contract": make_contract(columns=columns, key=("A b",))}
    )
    assert score(task, given([{"A b": "1", "ab": "2"}]), "official").item_f1 == 0
