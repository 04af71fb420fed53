"""Views of a table from the command line: what an edit changed, the coverage, one cell; `ask` and
`undo`; and tables and contracts in files as the start of a run."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import COLUMNS, Command, Done, Script

CHILE = "Words before it. Capital: Santiago. It has 19,658,839 inhabitants. Words after it.\n"
PERU = "Peru.\n\nCapital: Lima.\n"


def reports(**cells: Any) -> dict[str, Any]:
    """A reply that hands these cells in."""
    return {"calls": [{"name": "report", "arguments": cells}]}


def opens(path: str) -> dict[str, Any]:
    """A reply that reads a document."""
    return {"calls": [{"name": "open", "arguments": {"source": path}}]}


def quoted(value: str, source: str, quote: str) -> dict[str, str]:
    """A cell with its evidence."""
    return {"value": value, "source": source, "quote": quote}


LEAD = {
    "agent": "researcher",
    "prompt_template": "Find the facts on {{item}}.",
    "items": ["Chile", "Peru", "Laos"],
}
STEPS: dict[str, Any] = {
    "orchestrator": [
        {"calls": [{"name": "assign_batch", "arguments": LEAD}]},
        {"text": "It is Santiago [[Chile | capital]]. Peru has Lima. The next is Bolivia."},
    ],
    "asked": {
        "How long": [
            {"calls": [{"name": "look_up", "arguments": {"words": "inhabitants"}}]},
            {"text": "That is not said; Chile has 19,658,839 inhabitants. And so has Bolivia."},
        ],
        "*": [{"error": "refused"}],
    },
    "*": {
        "Chile": [
            opens("chile.md"),
            reports(
                capital=quoted("Santiago", "chile.md", "Capital: Santiago"),
                population=quoted("19,658,839", "chile.md", "19,658,839 inhabitants"),
            ),
        ],
        "Peru": [
            opens("peru.md"),
            reports(capital=quoted("Lima", "peru.md", "Lima is large"), population=""),
        ],
        "Laos": [{"error": "refused"}],
    },
}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder with two documents."""
    folder = tmp_path / "countries"
    folder.mkdir()
    (folder / "chile.md").write_text(CHILE)
    (folder / "peru.md").write_text(PERU)
    return folder


@pytest.fixture
def ran(openswarm: Command, script: Script, documents: Path) -> Done:
    """A run over the documents that found one row, half of another, and nothing of a third."""
    model = script(STEPS)
    return openswarm("run", "Facts", "--over", documents, "--columns", COLUMNS, "--model", model)


def grid(out: str) -> list[list[str]]:
    """The rows of a printed table, without its heading."""
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines][1:]


@pytest.mark.requirement("table.citations", "table.unsupported")
def test_an_answer_names_its_cells_which_are_listed_below_with_their_quotes(ran: Done) -> None:
    assert ran.code == 3
    lines = ran.out.splitlines()
    assert lines[0] == "It is Santiago [c1]. Peru has Lima [c2]. The next is Bolivia [no cell]."
    assert lines[lines.index("Cells") + 1 :] == [
        "[c1] Chile, capital: Santiago — chile.md#1: “Capital: Santiago”",
        "[c2] Peru, capital: Lima — peru.md: “Lima is large”",
    ]


def test_a_cell_without_a_quote_is_listed_with_its_source_alone(
    openswarm: Command, script: Script, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("country,capital\nChile,Santiago\n")
    model = script({"writer": [{"text": "Chile: Santiago."}]})
    done = openswarm("run", "Facts", "--table", rows, "--model", model)
    assert done.out.splitlines()[-1] == "[c1] Chile, capital: Santiago — rows.csv#2"


@pytest.mark.requirement("table.citations")
@pytest.mark.parametrize(
    "cell", ["c1", "C1", "[c1]", "1", "Chile: capital", " chile :CAPITAL ", "Chile:capital"]
)
@pytest.mark.usefixtures("ran")
def test_a_cell_is_shown_with_its_source_its_quote_and_where_that_stands(
    openswarm: Command, cell: str
) -> None:
    done = openswarm("show", "last", "--cite", cell)
    assert done.code == 0
    head, *facts, passage = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert head == "Chile, capital"
    assert [fact.split(maxsplit=1) for fact in facts] == [
        ["value", "Santiago"], ["state", "filled"], ["confidence", "high"],
        ["by", "root/1, step 2"], ["source", "chile.md#1"], ["quote", "Capital: Santiago"],
    ]  # fmt: skip
    assert passage == CHILE.strip()


@pytest.mark.usefixtures("ran")
def test_a_cell_whose_quote_stands_nowhere_is_shown_without_a_passage(openswarm: Command) -> None:
    done = openswarm("show", "last", "--cite", "Peru: capital")
    assert "unverified" in done.out
    assert done.out.splitlines()[-1].split() == ["quote", "Lima", "is", "large"]


@pytest.mark.usefixtures("ran")
def test_a_row_with_a_colon_in_its_name_is_found(openswarm: Command) -> None:
    openswarm("edit", "last", "--set", "Chile: country = a: b")
    done = openswarm("show", "last", "--cite", "a: b: capital")
    assert done.out.startswith("a: b, capital\n")


@pytest.mark.requirement("table.refusals")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cite", "c3"], "no mark 'c3'"),
        (["--cite", "c0"], "no mark 'c0'"),
        (["--cite", "x" * 10_000], "no mark"),
        (["--cite", "Bolivia: capital"], "there are Chile, Peru"),
        (["--cite", "Chile: gdp"], "the columns are country, capital, population"),
        (["--cite", ":"], "a row is named country"),
        (["--diff"], "has no edit"),
        (["--generation", "1"], "has no edit 1"),
        (["--generation", "x"], "--generation"),
    ],
)
@pytest.mark.usefixtures("ran")
def test_what_is_not_there_is_named_with_what_is(
    openswarm: Command, arguments: list[str], said: str
) -> None:
    done = openswarm("show", "last", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err) < 500


@pytest.mark.parametrize("view", ["--table", "--coverage", "--diff", "--cite=c1"])
def test_a_run_without_a_table_says_so(openswarm: Command, script: Script, view: str) -> None:
    openswarm("run", "x", "--model", script({"*": [{"text": "Hi [[a | b]]."}]}))
    done = openswarm("show", "last", view)
    assert (done.code, done.out) == (2, "")
    assert "has no table" in done.err or "has no edit" in done.err
    for command in (("edit", "last", "--complete"), ("retry", "last", "--failed")):
        refused = openswarm(*command)
        assert (refused.code, "no table" in refused.err) == (2, True)


@pytest.mark.requirement("table.coverage")
@pytest.mark.usefixtures("ran")
def test_the_coverage_counts_rows_and_cells_and_names_what_is_missing(openswarm: Command) -> None:
    done = openswarm("show", "last", "--coverage")
    assert done.code == 0
    assert done.out.splitlines()[0] == "2 of 3 rows found; 3 cells missing"
    assert grid(done.out) == [
        ["capital", "2", "1", "0", "0", "0", ""],
        ["population", "1", "0", "0", "0", "1", "Peru"],
    ]
    assert "no row for Laos" in done.out
    found = json.loads(openswarm("show", "last", "--coverage", "--json").out)
    assert (found["expected_rows"], found["found_rows"], found["missing_cells"]) == (3, 2, 3)
    assert found["missing_rows"] == ["Laos"]
    assert found["columns"][1] == {
        "name": "population", "found": 1, "states": {"filled": 1, "empty": 1}, "missing": ["Peru"]
    }  # fmt: skip


@pytest.mark.requirement("table.diff")
@pytest.mark.usefixtures("ran")
def test_each_edit_can_be_shown_for_people_and_as_json(openswarm: Command) -> None:
    openswarm("edit", "last", "--set", "Peru: population = 5", "--rename-column", "capital = seat")
    openswarm("edit", "last", "--remove-row", "Chile")
    last = openswarm("show", "last", "--diff")
    assert last.out.splitlines()[:2] == ["edit 2: remove the row Chile", "- row Chile"]
    first = openswarm("show", "last", "--diff", "--generation", "1")
    assert first.out == openswarm("show", "last", "--generation", "1").out
    assert "~ column capital → seat" in first.out
    assert grid(first.out) == [["Peru", "population", "–", "5 (locked)", ""]]
    found = json.loads(openswarm("show", "last", "--generation", "1", "--json").out)
    assert (found["generation"], found["wish"]) == (1, "")
    assert [operation["op"] for operation in found["operations"]] == ["set_cell", "rename_column"]
    assert found["columns_renamed"] == [{"from": "capital", "to": "seat"}]
    (change,) = found["cells"]
    assert (change["row"], change["column"]) == ("Peru", "population")
    assert (change["before"]["value"], change["after"]["value"]) == ("", "5")


@pytest.mark.requirement("table.diff")
@pytest.mark.parametrize("number", ["0", "-1", "3"])
@pytest.mark.usefixtures("ran")
def test_an_edit_that_is_not_there_is_named(openswarm: Command, number: str) -> None:
    openswarm("edit", "last", "--set", "Peru: population = 5")
    done = openswarm("show", "last", "--generation", number)
    assert (done.code, done.out) == (2, "")
    assert f"has no edit {number}; its edits are 1 to 1" in done.err


@pytest.mark.requirement("cli.json")
@pytest.mark.parametrize(
    "views", [["--cite", "c1"], ["--table"], ["--diff", "--coverage"], ["--agents"], ["--cost"]]
)
@pytest.mark.usefixtures("ran")
def test_with_json_there_is_one_object_or_a_refusal(openswarm: Command, views: list[str]) -> None:
    openswarm("edit", "last", "--set", "Peru: population = 5")
    done = openswarm("show", "last", *views, "--json")
    if done.code == 2:
        assert (done.out, "--json" in done.err) == ("", True)
    else:
        assert isinstance(json.loads(done.out), dict)


@pytest.mark.requirement("table.ask")
@pytest.mark.usefixtures("ran")
def test_a_question_is_answered_with_the_cells_that_the_answer_names(openswarm: Command) -> None:
    before = openswarm("show", "last", "--json").out
    done = openswarm("ask", "last", "How long is Chile?")
    assert done.code == 0
    assert done.out.splitlines() == [
        "That is not said; Chile has 19,658,839 inhabitants [c1]. And so has Bolivia [no cell].",
        "",
        "Cells",
        "[c1] Chile, population: 19,658,839 — chile.md#1: “19,658,839 inhabitants”",
    ]
    assert done.err == "2 steps, 220 tokens\n"
    for key in ("answer", "table", "outcome"):
        after = json.loads(openswarm("show", "last", "--json").out)
        assert after[key] == json.loads(before)[key]


@pytest.mark.requirement("table.ask", "cli.json")
@pytest.mark.usefixtures("ran")
def test_an_answer_as_json_is_one_object_with_its_cells(openswarm: Command) -> None:
    found = json.loads(openswarm("ask", "last", "How long is Chile?", "--json").out)
    assert (found["outcome"], found["steps"]) == ("completed", 2)
    (citation,) = found["citations"]
    assert (citation["number"], citation["row"]) == (1, "Chile")
    assert citation["cell"]["quote"] == "19,658,839 inhabitants"
    assert found["unsupported"] == ["And so has Bolivia."]


@pytest.mark.usefixtures("ran")
def test_an_empty_question_and_a_model_that_fails_are_errors(openswarm: Command) -> None:
    empty = openswarm("ask", "last", " ")
    assert (empty.code, "the question is empty" in empty.err) == (2, True)
    assert openswarm("ask", "last").code == 2
    failed = openswarm("ask", "last", "Why?")
    assert (failed.code, failed.out) == (1, "")
    assert "scripted refused" in failed.err
    assert "bug in openswarm" not in failed.err


@pytest.mark.requirement("table.undo")
@pytest.mark.usefixtures("ran")
def test_undo_brings_back_what_was_there_edit_by_edit(openswarm: Command) -> None:
    first = openswarm("show", "last", "--table").out
    openswarm("edit", "last", "--set", "Chile: capital = X")
    second = openswarm("show", "last", "--table").out
    openswarm("edit", "last", "--drop-column", "population", "--remove-row", "Peru")
    done = openswarm("undo", "last")
    assert (done.code, done.out) == (0, "")
    assert "that of edit 1" in done.err
    assert openswarm("show", "last", "--table").out == second
    assert "that of the run itself" in openswarm("undo", "last").err
    assert openswarm("show", "last", "--table").out == first
    again = openswarm("undo", "last")
    assert (again.code, "no edit to undo" in again.err) == (2, True)


@pytest.mark.parametrize(
    "command",
    [("edit", "nope", "x"), ("retry", "nope", "--failed"), ("undo", "nope"), ("ask", "nope", "x")],
)
@pytest.mark.usefixtures("ran")
def test_a_run_that_is_not_there_is_named_with_those_that_are(
    openswarm: Command, command: tuple[str, ...]
) -> None:
    done = openswarm(*command)
    assert done.code != 0
    assert "there is no run 'nope'; near are 2" in done.err


CONTRACT = """
key: country
columns:
  - country
  - capital
  - {name: population, type: number, unit: people}
  - "currency: its money"
"""
FILL = {
    "writer": [{"text": "Chile pays with the peso. Peru has 34,352,719 people."}],
    "*": {
        "country = Chile. Find population, currency": [reports(population="5", currency="peso")],
        "country = Peru. Find currency": [reports(currency="")],
    },
}


@pytest.mark.requirement("table.start-from-file", "table.contract-sources", "table.parquet")
def test_a_table_and_a_contract_in_files_are_the_start_of_a_run(
    openswarm: Command, script: Script, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("yaml")
    rows, contract, out = (tmp_path / name for name in ("rows.csv", "contract.yaml", "t.parquet"))
    rows.write_text("country,capital,population\nChile,Santiago,\nPeru,Lima,34 million\n")
    contract.write_text(CONTRACT)
    files = ("--table", rows, "--columns", contract, "--out", out, "--out", tmp_path / "t.csv")
    done = openswarm("run", "Facts", *files, "--on-conflict", "recheck", "--model", script(FILL))
    assert done.code == 0
    assert (tmp_path / "t.csv").read_text().splitlines() == [
        "country,capital,population,currency", "Chile,Santiago,5,peso", "Peru,Lima,34000000,"
    ]  # fmt: skip
    written = parquet.read_table(out)
    assert written.column("country").to_pylist() == ["Chile", "Peru"]
    assert done.out.startswith("Chile pays with the peso [c1]. Peru has 34,352,719 people [no cell")
    assert "*" in grid(done.out)[0][1]


@pytest.mark.requirement("table.complete")
def test_with_complete_what_is_missing_is_worked_on_once_more(
    openswarm: Command, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("country,capital,population\nPeru,Lima,34000000\n")
    columns = "country; capital; population (number); currency"
    given = ("--table", tmp_path / "rows.csv", "--columns", columns, "--model", script(FILL))
    once = json.loads(openswarm("run", "Facts", *given, "--json").out)
    twice = json.loads(openswarm("run", "Facts", *given, "--complete", "--json").out)
    assert (once["sub_agents"], twice["sub_agents"]) == (1, 2)


@pytest.mark.requirement("cli.exit-codes", "table.start-from-file")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--table", "nowhere.csv"], "nowhere.csv"),
        (["--table", "bad.csv"], "bad.csv, line 3"),
        (["--table", "rows.csv", "--key", "gdp"], "'gdp'"),
        (["--table", "rows.csv", "--columns", "country; population (number)"], "'many'"),
        (["--columns", "nowhere.yaml"], "nowhere.yaml"),
        (["--columns", "bad.json"], "bad.json"),
        (["--on-conflict", "vote"], "'keep-both'"),
    ],
)
def test_files_and_policies_that_cannot_be_used_are_named_before_anything_starts(
    openswarm: Command, script: Script, tmp_path: Path, home: Path,
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("country,population\nChile,many\n")
    Path("bad.csv").write_text("country,population\nChile,1\nPeru,2,3,4\n")
    Path("bad.json").write_text("{")
    done = openswarm("run", "Facts", *arguments, "--model", script(FILL))
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (home / "runs").exists() or not [*(home / "runs").iterdir()]


@pytest.mark.parametrize("command", ["edit", "retry", "undo", "ask"])
def test_the_help_has_an_example(openswarm: Command, command: str) -> None:
    shown = openswarm(command, "--help")
    assert (shown.code, f"openswarm {command} last" in shown.out) == (0, True)


def test_the_help_of_export_names_every_kind_of_file(openswarm: Command) -> None:
    shown = openswarm("export", "--help").out
    for suffix in (".csv", ".xlsx", ".json", ".md", ".parquet", ".txt", ".zip"):
        assert suffix in shown
