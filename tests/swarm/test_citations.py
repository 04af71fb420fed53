"""Marks in an answer: the cells that a statement rests on, and statements that no cell supports."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Alias, Contract
from openswarm.core.table import Cell, Row, Table
from openswarm.swarm.citations import MAX_ANSWER_CHARS, NO_CELL, CitedAnswer, cited_answer

COUNTRIES = parse_columns(
    "country; capital: the seat of government; population (number); founded (date);"
    " area (number, km2)"
)
YEARS = parse_columns(
    "country; year (number); population (number); coast (boolean); low (number, °C); language",
    key=["country", "year"],
)
TASK = "Facts on the countries of the world"
OWN_MARK = re.compile(r"\[(?:c\d+|nocell)\]")
CELL_MARK = re.compile(r"\[\[[^\[\]|\n]{1,400}\|[^\[\]|\n]{1,100}\]\]")


def table(contract: Contract, *rows: tuple[str, ...]) -> Table:
    """A table of values; '' is an empty cell."""
    return Table(
        contract=contract,
        rows=tuple(
            Row(
                cells={
                    name: Cell(value=value, raw=value, state="filled" if value else "empty")
                    for name, value in zip(contract.names, row, strict=True)
                }
            )
            for row in rows
        ),
    )


FOUR = table(
    COUNTRIES,
    ("Chile", "Santiago", "19658839", "1818-02-12", "756102"),
    ("Peru", "Lima", "34352719", "1821-07-28", "1285216"),
    ("Laos", "Vientiane", "7664993", "", ""),
    ("Sri Lanka", "Colombo", "22037000", "1948", "65610"),
)
BY_YEAR = table(
    YEARS,
    ("Chile", "2024", "19658839", "no", "-5", "Spanish"),
    ("Chile", "2023", "19500000", "yes", "-4", "Spanish"),
    ("Guinea", "2024", "14000000", "yes", "20", "French"),
    ("Equatorial Guinea", "2024", "1500000", "yes", "18", "French"),
)


def cited(answer: str, of: Table | None = FOUR, known: str = TASK) -> CitedAnswer:
    """An answer with its marks."""
    return cited_answer(answer, of, known)


def cells(found: CitedAnswer) -> list[str]:
    """The cells that an answer names, as `row: column`."""
    return [f"{citation.row}: {citation.column}" for citation in found.citations]


def bare(text: str) -> str:
    """A text without marks of any kind and without white space."""
    return OWN_MARK.sub("", CELL_MARK.sub("", "".join(text.split())))


@pytest.mark.requirement("table.citations")
@pytest.mark.parametrize(
    ("answer", "text", "names"),
    [
        ("It is Santiago [[Chile | capital]].", "It is Santiago [c1].", ["Chile: capital"]),
        ("So it is. [[Chile | capital]] Yes.", "So it is [c1]. Yes.", ["Chile: capital"]),
        (
            "Two are known. [[Chile|capital]][[Peru | area]]",
            "Two are known [c1] [c2].",
            ["Chile: capital", "Peru: area"],
        ),
        ("So [[ CHILE|Capital ]] it is.", "So it is [c1].", ["Chile: capital"]),
        ("Once [[Chile | capital]], twice [[Chile | capital]].", "Once, twice [c1].",
         ["Chile: capital"]),
        ("It is [[Sri Lanka | country]]!", "It is [c1]!", ["Sri Lanka: country"]),
    ],
)  # fmt: skip
def test_cells_that_a_statement_names_become_marks_before_its_stop(
    answer: str, text: str, names: list[str]
) -> None:
    found = cited(answer)
    assert found.text.replace("c1] [c1]", "c1]") == text
    assert (cells(found), found.unsupported) == (names, ())


@pytest.mark.requirement("table.unsupported")
@pytest.mark.parametrize("mark", ["[[Bolivia | capital]]", "[[Chile | gdp]]", "[[Laos | area]]"])
def test_a_mark_of_a_row_or_column_that_is_not_there_or_of_an_empty_cell_supports_nothing(
    mark: str,
) -> None:
    found = cited(f"It is so {mark}. And so on.")
    assert found == CitedAnswer(f"It is so {NO_CELL}. And so on.", (), ("It is so.",))


@pytest.mark.requirement("table.citations")
@pytest.mark.parametrize(
    "answer",
    [
        "It grew [[Chile / 2024 | population]].",
        "It grew. [[chile / 2024 | Population]]",
        "Chile / 2024 has 19,658,839 people.",
        "Chile had 19,658,839 people in 2024.",
        "Chile (2024): 19,658,839",
    ],
)
def test_a_row_whose_key_has_two_columns_is_named_by_both(answer: str) -> None:
    assert cells(cited(answer, BY_YEAR)) == ["Chile / 2024: population"]


@pytest.mark.requirement("table.citations")
@pytest.mark.parametrize(
    "said",
    ["19658839", "19,658,839", "19.658.839", "19 658 839", "19\u202f658\u202f839", "19'658'839",
     "19,658,839.0", "19.6 million", "19.7 million", "19.66 million", "about 19,700,000"],
)  # fmt: skip
def test_a_number_is_recognised_however_it_is_written(said: str) -> None:
    for answer in (f"Chile has {said} people.", f"The people of Chile number {said}."):
        found = cited(answer)
        assert (cells(found), found.unsupported) == (["Chile: population"], ())
        assert found.text == f"{answer[:-1]} [c1]."


@pytest.mark.requirement("table.citations")
@pytest.mark.parametrize(
    ("answer", "cell"),
    [
        ("Chile's capital is Santiago.", "Chile: capital"),
        ("Laos’ capital is Vientiane.", "Laos: capital"),
        ("The capital, Colombo, is in Sri Lanka’s west.", "Sri Lanka: capital"),
        ("- **Chile**: Santiago", "Chile: capital"),
        ("The capital of *Chile* is __Santiago__.", "Chile: capital"),
        ("Laos [Vientiane](https://example.org/a)", "Laos: capital"),
        ("Laos: `Vientiane`", "Laos: capital"),
        ("Laos—Vientiane", "Laos: capital"),
        ("«Laos» – „Vientiane“", "Laos: capital"),
        ("LAOS: VIENTIANE", "Laos: capital"),
        ("Chile was founded on 12 February 1818.", "Chile: founded"),
        ("Chile was founded on February 12, 1818.", "Chile: founded"),
        ("Chile was founded on 1818-02-12.", "Chile: founded"),
        ("Peru was founded in 1821.", "Peru: founded"),
    ],
)
def test_a_row_and_a_value_of_it_are_recognised_without_a_mark(answer: str, cell: str) -> None:
    found = cited(answer)
    assert (cells(found), found.unsupported) == ([cell], ())


def test_a_value_without_its_row_and_a_row_without_a_value_name_no_cell() -> None:
    answer = "It is Santiago. Chile is long. There is Lima as well."
    assert cited(answer) == CitedAnswer(answer)


def test_a_value_is_not_looked_for_inside_other_words_and_numbers() -> None:
    assert cells(cited("Peru sells limas and lima-beans' 1343527190.")) in ([], ["Peru: capital"])
    assert cells(cited("Peru has 134352719 or 34352719.5 of 343527199.")) == []


def test_a_yes_or_no_of_the_table_is_not_recognised_in_words() -> None:
    assert cells(cited("Chile / 2024 has no problems, yes.", BY_YEAR)) == []
    marked = cited("It has none [[Chile / 2024 | coast]].", BY_YEAR)
    assert cells(marked) == ["Chile / 2024: coast"]


def test_a_number_below_zero_is_recognised_with_its_sign() -> None:
    assert cells(cited("Chile / 2024 went down to -5 °C.", BY_YEAR)) == ["Chile / 2024: low"]
    assert cells(cited("Chile / 2024 went up to 5 °C.", BY_YEAR)) == []


def test_of_names_inside_each_other_the_longest_is_meant() -> None:
    found = cited("Equatorial Guinea / 2024 speaks French.", BY_YEAR)
    assert cells(found) == ["Equatorial Guinea / 2024: language"]


def test_a_row_that_is_called_like_its_value_is_not_cited_for_its_name_alone() -> None:
    one = table(COUNTRIES, ("Luxembourg", "Luxembourg", "672050", "", ""))
    assert cells(cited("Luxembourg is small.", one)) == []
    named_twice = cited("Luxembourg has the capital Luxembourg.", one)
    assert cells(named_twice) == ["Luxembourg: capital"]


def test_a_row_is_known_by_the_other_names_of_the_contract() -> None:
    aliased = COUNTRIES.model_copy(update={"aliases": (Alias(name="Laos", others=("LPDR",)),)})
    laos = table(aliased, ("Laos", "Vientiane", "7664993", "", ""))
    for answer in ("It is so [[LPDR | capital]].", "In short, the LPDR has Vientiane."):
        found = cited(answer, laos)
        assert (cells(found), found.unsupported) == (["Laos: capital"], ())


@pytest.mark.requirement("table.unsupported")
@pytest.mark.parametrize(
    "answer",
    [
        "Chile has 19,658,840 people.",
        "Chile has 19.2 million people.",
        "All of them have 83,713,551 people.",
        "Chile was founded on 13 February 1818.",
        "Chile is 3.5 times as big.",
        "The next is Bolivia.",
        "Its seat, says Wikipedia, is elsewhere.",
        "Chile has 34,352,719 people.",
    ],
)
def test_a_number_or_a_name_that_no_cell_of_the_row_has_is_marked(answer: str) -> None:
    found = cited(answer)
    assert found.text.count(NO_CELL) == 1
    assert len(found.unsupported) == 1
    assert bare(found.text) == bare(answer)


@pytest.mark.requirement("table.unsupported")
@pytest.mark.parametrize(
    "answer",
    [
        "There are 4 countries, with 5 columns, and 18 of 20 cells have a value.",
        "2 of 4 rows are whole.",
        "The World has other Countries, says the Task.",
        "In January and on Monday, I found what I'd looked for.",
        "Note: The figures differ. Short answer: Yes.",
        "**Short answer:** No.",
        "## Summary of Findings",
        "### Data Gaps 2",
        "See [the page](https://example.org/a_77?b=3) and https://example.org/55.",
        "See `Report_99.md` for more.",
        "1. One is Chile\n2. Two is Peru\n3. Three is Laos\n9. Nine is Sri Lanka",
        "1) Chile\n7) Peru",
        'He said: "The area is open."',
        "",
        "\n \n",
        "…",
    ],
)
def test_what_states_nothing_of_the_table_needs_no_cell(answer: str) -> None:
    found = cited(answer, known="What do the Countries of the World have? The Task.")
    assert found == CitedAnswer(answer)


def test_names_and_numbers_of_the_task_and_the_contract_need_no_cell() -> None:
    answer = "Of them the Andes and Asia have 77 and, by km2, no area."
    assert cited(answer, known="77 countries of the Andes and of Asia").unsupported == ()
    assert cited(answer, known="").unsupported == (answer,)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Lists, e.g. of Chile and Lima, are long. Peru too.", None),
        ("It lies between (1818 vs. 1821). So.", None),
        ("Dr. no. 4 says so, i.e. 4 of them. So.", None),
        ("It has 65610. It has 65610.5. So.", f"It has 65610. It has 65610.5 {NO_CELL}. So."),
        ("Chile has approx. 19,658,839. So.", "Chile has approx. 19,658,839 [c1]. So."),
    ],
)
def test_a_full_stop_inside_a_statement_does_not_end_it(answer: str, text: str | None) -> None:
    assert cited(answer).text == (text or answer)


@pytest.mark.requirement("table.citations")
def test_lists_tables_headings_and_code_stay_what_they_are() -> None:
    answer = (
        "# Capitals of Nowhere\n\n"
        "1. **Chile**: Santiago\n   - Lima (Peru)\n\n"
        "| Country | Capital |\n|---|:--|\n| Chile | Santiago |\n| Bolivia | Sucre |\n\n"
        "```bash\nif [[ $a | b ]]; then echo 99 Chile Santiago. fi\n```\n\n"
        "> Peru: Lima\n\n---\n"
    )
    lines = cited(answer).text.split("\n")
    was = answer.split("\n")
    assert len(lines) == len(was)
    same = [0, 1, 4, 5, 6, 9, 10, 11, 12, 13, 15, 16, 17]
    assert [lines[i] for i in same] == [was[i] for i in same]
    assert lines[2] == "1. **Chile**: Santiago [c1]"
    assert lines[3] == "   - Lima (Peru) [c2]"
    assert lines[14] == "> Peru: Lima [c2]"
    for row, mark in ((lines[7], "[c1]"), (lines[8], NO_CELL)):
        assert row.count("|") == 3
        assert mark in row
        assert row.endswith(" |")


def test_without_a_table_only_the_marks_are_taken_out() -> None:
    answer = "It is so [[Chile | capital]]. Bolivia has 99. [[a|b]]"
    assert cited(answer, None) == CitedAnswer("It is so. Bolivia has 99.")
    assert cited("Bolivia has 99\n", None) == CitedAnswer("Bolivia has 99\n")


def test_a_table_without_rows_supports_nothing() -> None:
    found = cited("It has 99 [[Chile | capital]].", table(COUNTRIES))
    assert found == CitedAnswer(f"It has 99 {NO_CELL}.", (), ("It has 99.",))


@pytest.mark.requirement("table.citations")
def test_cells_are_numbered_in_the_order_of_their_first_mark_and_keep_their_number() -> None:
    found = cited("Peru: Lima.\nChile: Santiago.\nPeru: Lima, 34,352,719.\n")
    assert (
        found.text == "Peru: Lima [c1].\nChile: Santiago [c2].\nPeru: Lima, 34,352,719 [c1] [c3].\n"
    )
    assert cells(found) == ["Peru: capital", "Chile: capital", "Peru: population"]
    assert [citation.mark for citation in found.citations] == ["c1", "c2", "c3"]
    assert found.citations[1].cell == FOUR.rows[0].cells["capital"]


@pytest.mark.requirement("table.citations")
def test_marks_of_ours_that_a_model_wrote_lead_nowhere_and_are_taken_out() -> None:
    found = cited("As [c7] says [no cell], Peru has Lima [c1].")
    assert found.text == "As says, Peru has Lima [c1]."
    assert cells(found) == ["Peru: capital"]


def test_other_scripts_are_read_as_well() -> None:
    contract = parse_columns("国; 首都; 人口 (number)")
    wide = table(contract, ("Côte d’Ivoire", "Yamoussoukro", "28160542"), ("ایران", "تهران", "5"))
    assert cells(cited("CÔTE D'IVOIRE: Yamoussoukro.", wide)) == ["Côte d’Ivoire: 首都"]
    assert cells(cited("Cote 🇨🇮 Co\u0302te d’Ivoire: ２８,１６０,５４２", wide)) == [
        "Côte d’Ivoire: 人口"
    ]
    assert cells(cited("تهران در ایران", wide)) == ["ایران: 首都"]
    assert cells(cited("[[ایران | 人口]]", wide)) == ["ایران: 人口"]


@pytest.mark.parametrize("over", [0, 1])
def test_an_answer_beyond_the_bound_is_left_as_it_is(over: int) -> None:
    answer = "Peru: Lima.\n" + "x" * (MAX_ANSWER_CHARS - 12 + over)
    assert len(cited(answer).citations) == 1 - over
    assert over == 0 or cited(answer).text == answer


BIG = table(
    COUNTRIES,
    *((f"Row {i}", f"City{i}", f"{1_000_000 + i * 137}", f"{1900 + i % 100}-01-01", f"{5000 + i}")
      for i in range(1000)),
)  # fmt: skip
SENTENCES = [
    f"Row {i % 1000} has City{i % 1000} and {1_000_000 + i % 1000 * 137:,}" for i in range(5000)
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("between", [". ", "; ", "\n"])
def test_a_long_answer_over_a_long_table_takes_time_in_proportion(between: str) -> None:
    answer = between.join(SENTENCES)[:150_000]
    found = cited(answer, BIG)
    assert len(found.citations) > 1900
    is_whole = bare(found.text) == bare(answer)
    assert is_whole


PIECES = [" ", ".", "[", "1", "1,", "[[a|", ". ", "Row 1 ", "\n", "\t", " 12",
          "[[Row 1 | capital]]", "[c1]", "`", "|", "A. "]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", PIECES)
def test_no_repetition_makes_it_slow(piece: str) -> None:
    answer = piece * (150_000 // len(piece))
    is_whole = bare(cited(answer, BIG).text) == bare(answer)
    assert is_whole


WORDS = st.sampled_from(
    ["Chile", "Chile's", "Lima", "Peru", "Santiago", "19,658,839", "34.4 million", "1821", "99",
     "Bolivia", "e.g.", "**", "`", "|", "- ", "1. ", "# ", ".", ". ", "!?", "\n", " ", "(", "\t",
     "[[Chile | capital]]", "[[x | y]]", "[[Peru|area]]", "[[", "]]", "```\n", "[c1]",
     "[no cell]"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(WORDS, max_size=30).map("".join), st.text(max_size=60))


@pytest.mark.requirement("table.citations", "table.unsupported")
@settings(deadline=None, max_examples=300)
@given(answer=TEXTS, known=st.text(max_size=20))
@example(answer="Peru: Lima [[Chile|area]] [[x|y]]. [[Peru|capital]]", known="")
@example(answer="\x1c0\x85.[c1]", known="")
@example(answer="1. [c1]34.4 million", known="")
def test_marks_are_all_that_is_added_and_each_leads_to_its_cell(answer: str, known: str) -> None:
    found = cited(answer, FOUR, known)
    used = [int(number) for number in re.findall(r"\[c(\d+)\]", found.text)]
    assert bare(found.text) == bare(answer)
    assert list(dict.fromkeys(used)) == [citation.number for citation in found.citations]
    assert [citation.number for citation in found.citations] == [
        *range(1, len(found.citations) + 1)
    ]
    assert found.text.count(NO_CELL) == len(found.unsupported)
    assert all(citation.cell.value for citation in found.citations)
