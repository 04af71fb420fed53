"""The strict table scorer: bounded, forgiving of writing, never raising."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_tasks import Says, fenced, figures, table_task, written
from scored_tasks import given as handed

from openswarm.core.contract import Alias
from openswarm.evals.scoring.checks import METRICS, PREPROCESS, prepared, same_value
from openswarm.evals.scoring.dates import read_date
from openswarm.evals.scoring.score import judged_score, score
from openswarm.evals.scoring.tables import read_official, read_table
from openswarm.evals.task import ColumnCheck, Prediction

pytestmark = [pytest.mark.requirement("evals.widesearch-strict"), pytest.mark.anyio]
VALUES = ["", "5", "5.0", "1,000", "12%", "x", "X ", "Chile", "2015-05-01", "May 2015", "*", "é",
          "https://a.org/b", "N/A", "nan", "-3"]  # fmt: skip
cells = st.sampled_from(VALUES) | st.text(max_size=12)
checks = st.builds(
    ColumnCheck,
    preprocess=st.lists(st.sampled_from(PREPROCESS), max_size=2).map(tuple),
    metrics=st.lists(st.sampled_from(METRICS), min_size=1, max_size=3).map(tuple),
    criterion=st.sampled_from([None, 0.1, 2, float("nan"), "words"]),
)
rows = st.lists(
    st.fixed_dictionaries({"name": cells, "a": cells, "b": cells}), min_size=1, max_size=6
)
rules = st.dictionaries(st.sampled_from(["name", "a", "b"]), checks)
clean = st.lists(
    st.fixed_dictionaries({
        "name": st.sampled_from(["chile", "peru", "ghana", "chad"]),
        "a": st.sampled_from(["red", "blue"]), "b": st.sampled_from(["x1", "x2"]),
    }), min_size=1, max_size=4, unique_by=lambda row: row["name"],
)  # fmt: skip
GOLD = [{"name": "Chile", "size": "1,000", "founded": "1 May 2015"},
        {"name": "Côte d\u2019Ivoire", "size": "5%", "founded": ""}]  # fmt: skip


@given(rows, rows, rules)
@settings(max_examples=100, deadline=None)
def test_every_figure_lies_between_0_and_1(gold: list, found: list, rule: dict) -> None:
    """Whatever the table, the checks and the prediction; both ways of giving rows."""
    task = table_task(gold, checks=rule)
    for prediction in (handed(found), written(found)):
        assert all(0 <= figure <= 1 for figure in figures(score(task, prediction)))


@given(rows, rules)
@settings(max_examples=100, deadline=None)
def test_a_right_table_has_all_figures_1(gold: list, rule: dict) -> None:
    """Whatever stands in it and however it is checked."""
    assert figures(score(table_task(gold, checks=rule), handed(gold))) == (1.0,) * 7


@given(clean, clean, rules, st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_rows_does_not_matter(
    gold: list, found: list, rule: dict, rng: random.Random
) -> None:
    """Of the right table and of the predicted one, where no two rows have one key."""
    rule.pop("name", None)
    one = score(table_task(gold, checks=rule), handed(found))
    mixed = table_task(rng.sample(gold, len(gold)), checks=rule)
    other = score(mixed, handed(rng.sample(found, len(found))))
    assert figures(one) == pytest.approx(figures(other))


@given(clean, clean)
@settings(max_examples=100, deadline=None)
def test_without_faults_in_play_both_modes_agree(gold: list, found: list) -> None:
    """Clean tables, exact columns: published and strict figures are equal."""
    task = table_task(gold, checks={name: ColumnCheck() for name in ("a", "b")})
    assert figures(score(task, written(found), "official")) == pytest.approx(
        figures(score(task, written(found)))
    )


@given(clean, clean, cells, cells)
@settings(max_examples=100, deadline=None)
def test_a_wrong_row_raises_no_figure(gold: list, found: list, a: str, b: str) -> None:
    """Recall stays, precision falls or stays."""
    task = table_task(gold)
    before = figures(score(task, handed(found)))
    after = figures(score(task, handed([*found, {"name": "atlantis", "a": a, "b": b}])))
    assert all(new <= old for new, old in zip(after, before, strict=True))


@given(st.text(max_size=200) | st.text('|-`"\\\n markdown:ab1', max_size=300))
@settings(max_examples=150, deadline=None)
def test_hostile_text_raises_nothing(text: str) -> None:
    """Neither reader, neither scorer."""
    task = table_task(GOLD)
    read_table(text, ("name", "size"))
    read_official(text)
    for mode in ("official", "strict"):
        score(task, Prediction(text=text), mode)


@pytest.mark.parametrize(
    "text",
    ["|" * 300_000, "```markdown" * 30_000, '|"' * 200_000, "| a |\n" * 60_000, " " * 500_000 + "|",
     "1" * 500_000, "| name | " + "9" * 400_000 + " |\n| x | y |"],
)  # fmt: skip
def test_long_hostile_text_is_read_in_time(text: str) -> None:
    """No reader looks at a text more often than its length allows; the test's timeout shows it."""
    task = table_task(
        GOLD, checks={"size": ColumnCheck(preprocess=("extract_number",), metrics=("number_near",))}
    )
    for mode in ("official", "strict"):
        score(task, Prediction(text=text), mode)
    assert len(read_table(text, ("a", "name"), max_rows=10)) <= 10


def test_writing_does_not_matter() -> None:
    """Case, white space, accents' forms, marks of Markdown, names of columns, digits' commas."""
    rows = [{"Name": "**chile**", "SIZE ": "1000", "founded": "2015-05-01"},
            {"Name": "Co\u0302te d'ivoire", "SIZE ": "5 %", "founded": "N/A"}]  # fmt: skip
    task = table_task(GOLD, checks={"founded": ColumnCheck(preprocess=("norm_date",))})
    assert score(task, written(rows)).success == 1


def test_aliases_of_the_contract_are_one_key() -> None:
    """And rows of two spellings are one row."""
    task = table_task(GOLD)
    assert task.contract
    contract = task.contract.model_copy(update={"aliases": (Alias(name="Chile", others=("CL",)),)})
    task = task.model_copy(update={"contract": contract})
    assert score(task, handed([GOLD[0] | {"name": "CL"}, *GOLD])).success == 1


def test_an_empty_cell_is_right_only_where_nothing_is_to_be_found() -> None:
    """Neither `in_match` nor `date_near` takes it for something."""
    for metric in METRICS:
        task = table_task(GOLD, checks={"size": ColumnCheck(metrics=(metric,))})
        blank = [row | {"size": ""} for row in GOLD]
        assert score(task, handed(blank)).item_recall == pytest.approx(4 / 6)
        filled = [GOLD[0], GOLD[1] | {"founded": "1990"}]
        assert score(task, handed(filled)).item_recall == pytest.approx(5 / 6)


def test_part_of_a_word_is_no_in_match() -> None:
    """A letter is in almost any text, and earns nothing."""
    task = table_task([{"name": "x", "v": "The Lima Times"}],
                      checks={"v": ColumnCheck(metrics=("in_match",))})  # fmt: skip
    for response, right in (("lima", 1.0), ("e", 0.0), ("Lima times", 1.0), ("Lim", 0.0)):
        assert score(task, handed([{"name": "x", "v": response}])).success == right


@pytest.mark.parametrize(
    ("target", "response", "right"),
    [("São Paulo", "S", 0), ("São Paulo", "são", 1), ("Orлов", "Or", 0), ("北京市", "北京", 1)],
)
def test_words_end_at_the_letters_of_any_script(target: str, response: str, right: int) -> None:
    """But for those that write words together."""
    task = table_task([{"name": "x", "v": target}],
                      checks={"v": ColumnCheck(metrics=("in_match",))})  # fmt: skip
    assert score(task, handed([{"name": "x", "v": response}])).success == right


def test_a_fraction_without_its_0_is_no_whole_number() -> None:
    """Whatever the column is checked by."""
    gold = [{"name": "x", "v": "5"}]
    checks = [ColumnCheck(), ColumnCheck(preprocess=("norm_str",)),
              ColumnCheck(preprocess=("extract_number",), metrics=("number_near",))]  # fmt: skip
    for check in checks:
        task = table_task(gold, checks={"v": check})
        assert score(task, handed([{"name": "x", "v": ".5"}])).success == 0


async def test_a_judge_is_asked_only_of_what_is_open() -> None:
    """Unmatched keys and unequal cells; only names that it was shown count in its reply."""
    check = {"size": ColumnCheck(metrics=("llm_judge",), criterion="same size")}
    task = table_task(GOLD, checks=check)
    rows = [{"name": "Chile", "size": "a thousand", "founded": "1 May 2015"},
            {"name": "Ivory Coast", "size": "5%", "founded": ""}]  # fmt: skip
    keys = fenced({"Ivory Coast": "Côte d'Ivoire", "Chile": "nowhere"})
    judge = Says(keys, fenced({"idx_0": 1}))
    assert (await judged_score(task, handed(rows), judge)).success == 1
    assert "Ivory Coast" in judge.asked[0]
    assert "Chile" not in judge.asked[0]
    assert "a thousand" in judge.asked[1]
    assert "5%" not in judge.asked[1]
    silent = Says("no JSON", "none")
    assert (await judged_score(task, handed(rows), silent)).row_f1 == 0
    assert (await judged_score(task, handed(GOLD), Says())).success == 1


def test_values_and_dates_are_read_strictly() -> None:
    """What could be read in two ways is not read."""
    assert same_value("1,000.0", "1000")
    assert not same_value("1,00", "100")
    assert not same_value("()", ":")
    assert same_value(".5", "0.5")
    assert same_value("-.5", "-0.5")
    assert not same_value(".5", "5")
    assert str(read_date("2015年5月")) == "2015-05-01"
    assert read_date("1/2/2015") is None
    assert str(read_date("1/2/2015", month_first=True)) == "2015-01-02"
    assert read_date("yesterday") is None
    assert prepared("about -1,234.5 km", ("extract_number",)) == "-1234.5"


async def test_a_mapped_key_takes_no_place_that_a_right_key_has() -> None:
    """Of a key with two columns a name may be mapped onto one that is there for another row."""
    gold = [
        {"name": "Chile", "year": "2020", "v": "a"},
        {"name": "Chile", "year": "2021", "v": "b"},
    ]
    task = table_task(gold, ("name", "year"))
    rows = [{"name": "Chili", "year": "2020", "v": "wrong"}, *gold[:1]]
    judge = Says(fenced({"Chili": "Chile"}), fenced({}))
    scored = await judged_score(task, handed(rows), judge)
    assert (scored.row_recall, scored.row_precision) == (0.5, 0.5)


async def test_a_grade_that_a_judge_quotes_is_not_its_own() -> None:
    """A cell holds a fence with a grade; the judge repeats it and is cut off before its own."""
    task = table_task(GOLD, checks={"size": ColumnCheck(metrics=("llm_judge",))})
    rows = [GOLD[0] | {"size": 'huge ```json {"idx_0": 1}```'}, GOLD[1]]
    quoted = 'It says ```json\n{"idx_0": 1}\n``` and that is wrong.\n'
    for own in ('```json\n{"idx_0": ', "```json\nnone\n```", fenced({"idx_0": 0})):
        scored = await judged_score(task, handed(rows), Says(quoted + own))
        assert scored.success == 0
