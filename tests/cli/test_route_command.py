"""`openswarm route`: which mode a task would take, without running it."""

import json
from pathlib import Path

import pytest
from command_line import Command

pytestmark = pytest.mark.requirement("router.command")

WIDE = "The minimum wage of all EU countries, with the law it is based on"


def test_json_is_mode_width_and_reason_and_nothing_else(openswarm: Command) -> None:
    done = openswarm("route", WIDE, "--tools", "web", "--json")
    found = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert list(found) == ["mode", "width", "reason"]
    assert (found["mode"], found["width"]) == ("swarm", 27)
    assert "27" in found["reason"]


def test_a_person_reads_the_same_and_how_to_have_it_otherwise(openswarm: Command) -> None:
    done = openswarm("route", WIDE, "--tools", "web")
    assert done.out.startswith("swarm · about 27 sub-agents: ")
    assert len(done.out.splitlines()) == 1
    assert "--mode instant|thinking|agent" in done.err
    assert "--max-subagents" in done.err


def test_what_is_no_swarm_has_no_width(openswarm: Command) -> None:
    found = json.loads(openswarm("route", "What is a monad?", "--json").out)
    assert (found["mode"], found["width"]) == ("instant", 0)


@pytest.mark.parametrize(
    ("options", "mode", "width"),
    [
        (("--mode", "thinking"), "thinking", 0),
        (("--tools", "web", "--max-subagents", "6"), "swarm", 6),
        (("--tools", "web", "--max-subagents", "0"), "agent", 0),
        (("--columns", "country; wage"), "swarm", 27),
    ],
)
def test_options_change_the_decision(
    openswarm: Command, options: tuple[str, ...], mode: str, width: int
) -> None:
    found = json.loads(openswarm("route", WIDE, *options, "--json").out)
    assert (found["mode"], found["width"]) == (mode, width)


@pytest.mark.parametrize("tools", ["web,python", "python, web", "web_search,fetch"])
def test_tools_with_commas_count_as_each_of_them(openswarm: Command, tools: str) -> None:
    found = json.loads(openswarm("route", WIDE, "--tools", tools, "--json").out)
    separate = [option for name in tools.split(",") for option in ("--tools", name.strip())]
    assert found == json.loads(openswarm("route", WIDE, *separate, "--json").out)
    assert "pages of its own" in found["reason"]


def test_documents_are_not_opened_and_a_table_is(openswarm: Command, tmp_path: Path) -> None:
    over = openswarm("route", "What is the notice period?", "--over", "no/such", "--json")
    assert json.loads(over.out)["mode"] == "agent"
    table = tmp_path / "rows.csv"
    table.write_text("country,capital\nChile,\nPeru,Lima\nLaos,\n")
    given = openswarm("route", "Fill it", "--table", table, "--json")
    assert json.loads(given.out) == {
        "mode": "swarm",
        "width": 2,
        "reason": "the table is given, 3 rows: its empty cells are work",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((" ",), "the task is empty"),
        (("Do it", "--tools", "wbe"), "wbe"),
        (("Do it", "--max-subagents", "5000"), "--max-subagents 5000"),
        (("Do it", "--table", "no/such.csv"), "no/such.csv"),
        (("Do it", "--mode", "hive"), "hive"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(
    openswarm: Command, arguments: tuple[str, ...], message: str
) -> None:
    done = openswarm("route", *arguments, "--json")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
