"""`edit`, `retry` and `undo` from the command line: what is shown, asked, changed and refused."""

import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest
from command_line import COLUMNS, Begin, Command, Script

from openswarm.core.events import GenerationStarted
from openswarm.journal.lines import EVENTS_FILE, read_events

LIMIT_S = 30
WISH = "add the money, and Callao is a capital"


def reports(**cells: str) -> list[dict[str, Any]]:
    """A sub-agent that hands these values in."""
    return [{"calls": [{"name": "report", "arguments": cells}]}]


MADE_OF_WISH = [
    {"op": "add_column", "column": {"name": "currency", "definition": "its money"}},
    {"op": "set_cell", "row": "Peru", "column": "capital", "value": "Callao"},
]
LEAD = {
    "agent": "researcher",
    "prompt_template": "Find the facts on {{item}}.",
    "items": ["Chile", "Peru"],
}
STEPS: dict[str, Any] = {
    "orchestrator": [
        {"calls": [{"name": "assign_batch", "arguments": LEAD}]},
        {"text": "The capital of Chile is Santiago, says [[Chile | capital]]."},
    ],
    "editor": {
        WISH: [{"calls": [{"name": "edit_table", "arguments": {"operations": MADE_OF_WISH}}]}],
        "make tea": [{"text": "That is no change of a table."}],
    },
    "writer": [{"text": "In short: Lima is the capital of Peru."}],
    "*": {
        "the facts on Chile": reports(capital="Santiago", population="19,658,839"),
        "the facts on Peru": reports(capital="Lima", population="34,352,719"),
        "country = Chile. Find currency": reports(currency="peso"),
        "country = Peru. Find currency": reports(currency="sol"),
        "country = Chile. Find founded": [{"error": "refused"}],
        "country = Peru. Find founded": [{"error": "refused"}],
        "country = Peru. Find capital, population": reports(capital="Cusco", population="35000000"),
        "country = Chile. Find population, and": reports(population="20 million"),
        "country = Bolivia. Find capital": reports(capital="Sucre", population="12000000"),
        "country = North. Find capital": reports(capital="Iquique", population="1"),
        "country = South. Find capital": reports(capital="Temuco", population="2"),
    },
}


@pytest.fixture
def run_id(openswarm: Command, script: Script) -> str:
    """The id of a run that made a table of Chile and Peru."""
    done = openswarm("run", "Facts", "--columns", COLUMNS, "--model", script(STEPS), "--json")
    assert done.code == 0
    return json.loads(done.out)["run_id"]


def num_edits(home: Path, run_id: str) -> int:
    """How many edits the journal has."""
    events = read_events(home / "runs" / run_id / EVENTS_FILE)
    return sum(isinstance(event, GenerationStarted) for event in events)


def grid(out: str) -> list[list[str]]:
    """The rows of a printed table, without its heading."""
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines][1:]


def table(openswarm: Command, run_id: str) -> dict[str, dict[str, str]]:
    """The rows of a run's table by their key."""
    shown = json.loads(openswarm("show", run_id, "--json").out)["table"]
    return {row[shown["columns"][0]]: row for row in shown["rows"]}


@pytest.mark.requirement("table.wish")
def test_a_wish_is_shown_as_operations_and_without_a_terminal_nothing_is_done(
    openswarm: Command, run_id: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    done = openswarm("edit", run_id, WISH)
    assert (done.code, done.out) == (2, "")
    shown = done.err.splitlines()
    assert shown[:3] == [
        "1. add the column currency: its money",
        "2. set capital of Peru to Callao and lock it",
        "Sub-agents work on 2 cells of 2 rows: 2 sub-agents.",
    ]
    assert "--yes" in shown[3]
    assert num_edits(home, run_id) == 0


@pytest.mark.requirement("table.wish", "table.diff", "table.add-column")
def test_with_yes_it_is_done_unasked_and_what_changed_is_on_standard_output(
    openswarm: Command, run_id: str
) -> None:
    done = openswarm("edit", run_id, WISH, "--yes")
    assert done.code == 0
    assert done.out.splitlines()[:4] == [
        f"“{WISH}”",
        "edit 1: add the column currency: its money",
        "edit 1: set capital of Peru to Callao and lock it",
        "+ column currency",
    ]
    assert [row[:4] for row in grid(done.out)] == [
        ["Chile", "currency", "–", "peso (unverified)"],
        ["Peru", "capital", "Lima (unverified)", "Callao (locked)"],
        ["Peru", "currency", "–", "sol (unverified)"],
    ]
    assert "completed" in done.err


@pytest.mark.slow
@pytest.mark.requirement("table.wish")
@pytest.mark.parametrize(("typed", "code", "edits"), [(b"y\n", 0, 1), (b"n\n", 130, 0)])
def test_on_a_terminal_it_asks(
    begin: Begin, run_id: str, home: Path, typed: bytes, code: int, edits: int
) -> None:
    master, slave = pty.openpty()
    process = begin("edit", run_id, WISH, "--plain", stdin=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while b"Do it?" not in seen:
        seen += os.read(master, 65_536)
    assert b"2. set capital of Peru to Callao" in seen
    os.write(master, typed)
    while chunk := _read(master):
        seen += chunk
    os.close(master)
    out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == code
    assert num_edits(home, run_id) == edits
    assert ("+ column currency" in out) is bool(edits)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end is closed
        return b""


def test_a_wish_that_is_no_edit_is_refused_in_the_words_of_the_model(
    openswarm: Command, run_id: str, home: Path
) -> None:
    done = openswarm("edit", run_id, "make tea", "--yes")
    assert (done.code, done.out) == (2, "")
    assert "That is no change of a table." in done.err
    assert num_edits(home, run_id) == 0


@pytest.mark.requirement("table.diff", "table.rows-by-hand", "table.columns-by-hand")
@pytest.mark.parametrize(
    ("arguments", "lines", "cells"),
    [
        (["--add-column", "currency: its money"], ["+ column currency"],
         [["Chile", "currency", "–", "peso"], ["Peru", "currency", "–", "sol"]]),
        (["--add-row", "Bolivia"], ["+ row Bolivia"], []),
        (["--split", "Chile: North; South"], ["+ row North", "+ row South", "- row Chile"], []),
        (["--set", "chile: CAPITAL = Valparaíso = V."], [],
         [["Chile", "capital", "Santiago", "Valparaíso = V. (locked)"]]),
        (["--set", "Chile: population = 20 million"], [],
         [["Chile", "population", "19658839", "20000000 (locked)"]]),
        (["--set", "Chile: capital ="], [], [["Chile", "capital", "Santiago", "– (locked)"]]),
        (["--remove-row", "Peru"], ["- row Peru"], []),
        (["--join", "Chile; Peru = Both"], ["+ row Both", "- row Chile", "- row Peru"], []),
        (["--drop-column", "capital"], ["- column capital"], []),
        (["--rename-column", "capital = seat"], ["~ column capital → seat"], []),
        (["--reword", "shorter"], ["In short: Lima is the capital of Peru [c1]."], []),
        (["--drop-column", "capital", "--set", "Peru: population = 3", "--rename-column",
          "population = people"], ["- column capital", "~ column population → people"],
         [["Peru", "people", "34352719", "3 (locked)"]]),
    ],
)  # fmt: skip
def test_every_option_says_what_it_changed(
    openswarm: Command, run_id: str, home: Path, arguments: list[str], lines: list[str],
    cells: list[list[str]],
) -> None:  # fmt: skip
    done = openswarm("edit", run_id, *arguments)
    assert done.code == 0
    said = done.out.splitlines()
    assert said[0].startswith("edit 1: ")
    assert [line for line in said if line[:2] in ("+ ", "- ", "~ ", "In")] == lines
    shown = [[text.removesuffix(" (unverified)") for text in row[:4]] for row in grid(done.out)]
    assert shown == cells
    assert num_edits(home, run_id) == 1
    assert openswarm("show", run_id, "--diff").out == done.out


@pytest.mark.requirement("table.locked")
def test_what_was_set_is_locked_until_it_is_unlocked(openswarm: Command, run_id: str) -> None:
    openswarm("edit", run_id, "--set", "Chile: population = 5")
    refused = openswarm("retry", run_id, "--row", "Chile", "--column", "population")
    assert refused.code == 2
    assert "population of Chile is locked" in refused.err
    freed = openswarm("edit", run_id, "--unlock", "Chile: population")
    assert [row[:4] for row in grid(freed.out)] == [
        ["Chile", "population", "5 (locked)", "5 (edited)"]
    ]
    assert openswarm("retry", run_id, "--row", "Chile", "--column", "population").code == 0
    assert table(openswarm, run_id)["Chile"]["population"] == "20000000"


@pytest.mark.parametrize("cells", ["*", "Chile", "chile: *", "*: Capital"])
def test_unlock_takes_a_cell_a_row_a_column_or_all(
    openswarm: Command, run_id: str, cells: str
) -> None:
    openswarm("edit", run_id, "--set", "Chile: capital = X")
    done = openswarm("edit", run_id, "--unlock", cells)
    assert done.code == 0
    assert "X (edited)" in done.out


@pytest.mark.requirement("table.complete")
def test_complete_works_on_what_is_empty_and_says_when_nothing_is(
    openswarm: Command, run_id: str
) -> None:
    whole = openswarm("edit", run_id, "--complete")
    assert whole.code == 2
    assert "nothing is missing" in whole.err
    openswarm("edit", run_id, "--set", "Chile: population =")
    openswarm("edit", run_id, "--unlock", "*")
    done = openswarm("edit", run_id, "--complete")
    assert done.code == 0
    assert [row[:3] for row in grid(done.out)] == [["Chile", "population", "–"]]
    assert table(openswarm, run_id)["Chile"]["population"] == "20000000"


@pytest.mark.requirement("table.refusals", "cli.exit-codes")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], '"…" in words'),
        ([""], '"…" in words'),
        (["  "], "the wish is empty"),
        ([WISH, "--complete"], "not both"),
        (["--set", ""], '--set "ROW: COLUMN = VALUE"'),
        (["--set", "Chile capital = X"], '--set "ROW: COLUMN = VALUE"'),
        (["--set", "Chile: capital"], '--set "ROW: COLUMN = VALUE"'),
        (["--set", ": capital = X"], '--set "ROW: COLUMN = VALUE"'),
        (["--set", "Chile: = X"], '--set "ROW: COLUMN = VALUE"'),
        (["--set", f"Chile: capital = {'x' * 10_000}"], "400 characters"),
        (["--set", "Chile: population = many"], "'many' is not a number"),
        (["--set", "Chile: gdp = 5"], "the columns are country, capital, population"),
        (["--set", "Chili: capital = X"], "there are Chile"),
        (["--set", "Chile: country = Peru"], "join"),
        (["--split", "Chile"], '--split "ROW: A; B"'),
        (["--split", "Chile: A"], '--split "ROW: A; B"'),
        (["--join", "Chile"], '--join "A; B = NAME"'),
        (["--join", "= Both"], '--join "A; B = NAME"'),
        (["--join", "Chile; chile = Both"], "two different rows"),
        (["--rename-column", "capital"], '--rename-column "OLD = NEW"'),
        (["--rename-column", "capital = population"], "named twice"),
        (["--add-column", ""], "name: definition"),
        (["--add-column", "x (colour)"], "colour"),
        (["--add-column", "capital"], "named twice"),
        (["--add-row", "Peru"], "there is a row Peru already"),
        (["--add-row", " "], "--add-row ROW"),
        (["--remove-row", "Laos"], "there are Chile, Peru"),
        (["--drop-column", "country"], "part of the key"),
        (["--drop-column", ""], "--drop-column COLUMN"),
        (["--unlock", "*"], "nothing in the table is locked"),
        (["--unlock", ""], '--unlock "ROW: COLUMN"'),
        (["--remove-row", "Peru", "--set", "Laos: capital = X"], "there are Chile, Peru"),
        (["--complete", "--out", "t.pdf"], ".csv"),
        (["--add-column", "money", "--max-subagents", "1"], "--max-subagents 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_how_to_write_it_or_what_there_is_and_nothing_was_done(
    openswarm: Command, run_id: str, home: Path, arguments: list[str], said: str
) -> None:
    if arguments == ["--unlock", ""]:
        openswarm("edit", run_id, "--set", "Chile: capital = X")
    before = num_edits(home, run_id)
    done = openswarm("edit", run_id, *arguments)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert num_edits(home, run_id) == before


def test_names_may_have_colons_equal_signs_and_the_form_of_an_option(
    openswarm: Command, run_id: str
) -> None:
    openswarm("edit", run_id, "--set", "Chile: country = a: b")
    openswarm("edit", run_id, "--set", "Peru: country = 日本 --x")
    openswarm("edit", run_id, "--rename-column", "capital = --yes")
    assert openswarm("edit", run_id, "--set", "日本 --x: --yes = 山 = 川").code == 0
    assert openswarm("edit", run_id, "--set", "a: b: --yes = c: d").code == 0
    rows = table(openswarm, run_id)
    assert (rows["a: b"]["--yes"], rows["日本 --x"]["--yes"]) == ("c: d", "山 = 川")


@pytest.mark.requirement("cli.json")
def test_json_is_the_object_of_a_run_with_the_figures_of_the_edit(
    openswarm: Command, run_id: str, tmp_path: Path
) -> None:
    ran = json.loads(openswarm("show", run_id, "--json").out)
    out = tmp_path / "t.csv"
    done = openswarm("edit", run_id, "--add-column", "currency", "--json", "--out", out)
    found = json.loads(done.out)
    assert list(found) == list(ran)
    assert found["table"]["columns"] == ["country", "capital", "population", "currency"]
    assert (found["run_id"], found["sub_agents"], found["total_steps"]) == (run_id, 2, 2)
    assert out.read_text().splitlines()[1] == "Chile,Santiago,19658839,peso"
    back = json.loads(openswarm("undo", run_id, "--json").out)
    assert back["table"] == ran["table"]
    assert back["sub_agents"] == 0


def test_an_edit_of_a_table_with_missing_rows_is_partial(openswarm: Command, wide: str) -> None:
    assert openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide).code == 3
    done = openswarm("edit", "last", "--set", "Chile: capital = X")
    assert done.code == 3
    assert "partial: 1 row is missing: Laos" in done.err


def test_an_edit_all_sub_agents_of_which_failed_is_not_completed(
    openswarm: Command, run_id: str
) -> None:
    done = openswarm("edit", run_id, "--add-column", "founded (date)")
    assert "2 failures" in done.err
    assert done.code == 3


@pytest.mark.requirement("table.retry")
@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (["--row", "Chile", "--column", "Population"],
         [["Chile", "population", "19658839", "20000000"]]),
        (["--row", "peru"], [["Peru", "capital", "Lima", "Cusco"],
                             ["Peru", "population", "34352719", "35000000"]]),
    ],
)  # fmt: skip
def test_retry_works_on_a_row_or_a_cell_again(
    openswarm: Command, run_id: str, arguments: list[str], changed: list[list[str]]
) -> None:
    done = openswarm("retry", run_id, *arguments)
    assert done.code == 0
    shown = [[text.removesuffix(" (unverified)") for text in row[:4]] for row in grid(done.out)]
    assert shown == changed


@pytest.mark.requirement("table.retry", "table.complete")
@pytest.mark.parametrize(
    "command",
    [["retry", "last", "--failed"], ["retry", "last", "--row", "laos"],
     ["edit", "last", "--complete"]],
)  # fmt: skip
def test_a_row_that_is_missing_is_worked_on_alone(
    openswarm: Command, script: Script, wide: str, command: list[str]
) -> None:
    openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide)
    script({"*": {"country = Laos. Find": reports(capital="Vientiane", population="7664993")}})
    done = openswarm(*command)
    assert "1 sub-agent ·" in done.err
    assert "+ row Laos" in done.out
    assert done.code == 0
    assert table(openswarm, "last")["Laos"]["capital"] == "Vientiane"


@pytest.mark.requirement("table.retry", "table.refusals")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--row ROW [--column COLUMN], --failed"),
        (["--column", "capital"], "--row ROW"),
        (["--row", ""], "--row ROW"),
        (["--row", "Laos"], "there are Chile, Peru"),
        (["--row", "Chile", "--column", "gdp"], "the columns are"),
        (["--row", "Chile", "--column", "country"], "part of the key"),
        (["--failed"], "failed; name the row"),
    ],
)
def test_retry_of_nothing_or_of_what_is_not_there_says_what_there_is(
    openswarm: Command, run_id: str, arguments: list[str], said: str
) -> None:
    done = openswarm("retry", run_id, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
