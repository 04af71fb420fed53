"""`openswarm run`: results, exit codes, errors."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import COLUMNS, Command, Script

from openswarm.core.limits import Limits

KEYS = [
    "run_id", "mode", "mode_reason", "answer", "table", "cells", "outcome", "sub_agents", "stages",
    "critical_steps", "total_steps", "parallelism", "tokens", "cost_usd", "wall_s", "failures",
]  # fmt: skip


@pytest.fixture
def hello(script: Script) -> str:
    """A model that says hello."""
    return script({"*": [{"text": "Hello."}]})


@pytest.mark.requirement("cli.result")
def test_the_answer_is_all_there_is_on_standard_output(openswarm: Command, hello: str) -> None:
    done = openswarm("run", "Say hello", "--model", hello)
    assert (done.code, done.out) == (0, "Hello.\n")
    assert "completed" in done.err
    assert "openswarm show" in done.err


@pytest.mark.requirement("cli.json")
def test_json_is_one_object_with_the_agreed_keys(openswarm: Command, wide: str) -> None:
    done = openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide, "--json")
    found = json.loads(done.out)
    assert list(found) == KEYS
    assert done.code == 3
    assert found["outcome"] == "partial"
    assert found["table"]["columns"] == ["country", "capital", "population"]
    assert found["table"]["rows"][0] == {
        "country": "Chile", "capital": "Santiago", "population": "19658839"
    }  # fmt: skip
    assert found["cells"][0]["capital"]["quote"] == "Capital: Santiago"
    assert (found["sub_agents"], found["stages"], found["critical_steps"]) == (3, 1, 3)
    assert set(found["tokens"]) == {"input", "output", "cached"}
    assert found["failures"][0] == {
        "agent": "root/3", "boundary": "model", "kind": "refused", "message": "scripted refused"
    }  # fmt: skip


@pytest.mark.requirement("cli.json")
def test_json_of_a_run_without_a_table_has_the_same_keys(openswarm: Command, hello: str) -> None:
    found = json.loads(openswarm("run", "Say hello", "--model", hello, "--json").out)
    assert list(found) == KEYS
    assert (found["table"], found["cells"]) == (None, [])


@pytest.mark.requirement("cli.result", "swarm.missing")
def test_a_table_is_printed_with_marks_sources_and_what_is_missing(
    openswarm: Command, wide: str
) -> None:
    done = openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide)
    assert done.code == 3
    assert done.out.splitlines() == [
        "Two of three.",
        "",
        "| country | capital        |       population |",
        "|---------|----------------|------------------|",
        "| Chile   | Santiago ? [1] | 19,658,839 ? [1] |",
        "| Peru    | Lima ? [2]     | 34,352,719 ? [2] |",
        "? the quote was not found in what the sub-agent read",
        "",
        "Sources",
        "[1] chile.md#1",
        "[2] peru.md#1",
    ]
    assert "1 row missing:\n  Laos: failed (model: refused)\n" in done.err
    assert "root/3 Laos: model refused" in done.err
    assert "openswarm resume" in done.err


@pytest.mark.requirement("cli.export")
def test_results_are_written_to_every_file_that_was_named(
    openswarm: Command, wide: str, tmp_path: Path
) -> None:
    names = [tmp_path / f"t{suffix}" for suffix in (".csv", ".xlsx", ".json", ".md")]
    outs = [part for name in names for part in ("--out", name)]
    openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide, *outs)
    assert all(name.stat().st_size for name in names)


@pytest.mark.requirement("cli.untrusted-text", "bad.language")
def test_text_from_a_model_is_neither_obeyed_nor_read_as_markup(
    openswarm: Command, script: Script
) -> None:
    evil = (
        "\x1b]0;owned\x07\x1b[2J[bold]loud[/bold] :smile: \u202eback\x9b31m \x08\x08 line\r\nnext"
    )
    done = openswarm("run", "Say it", "--model", script({"*": [{"text": evil}]}))
    assert done.out == "[bold]loud[/bold] :smile: back  line\nnext\n"


def test_the_task_is_read_from_standard_input(
    openswarm: Command, hello: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"Say hello\n")))
    done = openswarm("run", "-", "--model", hello, "--json")
    assert json.loads(done.out)["answer"] == "Hello."


@pytest.mark.requirement("cli.exit-codes", "bad.empty-task", "bad.path", "bad.model", "bad.columns")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "task"),
        (["run", ""], "the task is empty"),
        (["run", "x", "--bogus"], "--bogus"),
        (["run", "x", "--mode", "fast"], "fast"),
        (["run", "x", "--model", "nobody/model"], "there is no provider 'nobody'"),
        (["run", "x", "--columns", "a; a"], "named twice"),
        (["run", "x", "--columns", "a (colour)"], "colour"),
        (["run", "x", "--budget-usd", "0"], "--budget-usd"),
        (["run", "x", "--max-subagents", "1001"], "--max-subagents"),
        (["run", "x", "--timeout", "soon"], "10m"),
        (["run", "x", "--out", "a.pdf"], ".csv"),
        (["run", "x", "--out", "nowhere/a.csv"], "nowhere"),
        (["run", "x", "--attach", "nowhere.txt"], "nowhere.txt"),
        (["run", "x", "--over", "nowhere"], "nowhere"),
        (["fly"], "fly"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    openswarm: Command, hello: str, home: Path, arguments: list[str], said: str
) -> None:
    given = (
        arguments
        if "--model" in arguments or arguments[0] != "run"
        else [*arguments, "--model", hello]
    )
    done = openswarm(*given)
    assert (done.code, done.out) == (2, "")
    line = done.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert said in line
    assert "Traceback" not in done.err


@pytest.mark.requirement("cli.exit-codes")
def test_a_model_that_fails_is_exit_code_1(openswarm: Command, script: Script) -> None:
    done = openswarm("run", "x", "--model", script({"*": [{"error": "auth"}]}), "--json")
    assert (done.code, done.out) == (1, "")
    error, way_on = done.err.splitlines()[-2:]
    assert error == "error: scripted auth"
    assert "openswarm resume" in way_on


@pytest.mark.requirement("bad.key")
def test_a_missing_key_is_named(openswarm: Command) -> None:
    done = openswarm("run", "x", "--model", "openai/gpt-6")
    assert done.code == 1
    assert "OPENAI_API_KEY" in done.err


def test_an_unexpected_error_is_short_and_says_how_to_see_more(
    openswarm: Command, hello: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("openswarm.modes.run.route", broken)
    done = openswarm("run", "x", "--model", hello)
    assert done.code == 1
    assert "ZeroDivisionError: deep inside" in done.err
    assert "OPENSWARM_DEBUG=1" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setenv("OPENSWARM_DEBUG", "1")
    assert "Traceback" in openswarm("run", "x", "--model", hello).err


def test_options_become_limits_and_the_settings_hold_for_the_rest(
    openswarm: Command, hello: str, home: Path
) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("[limits]\nmax_subagents = 7\nusd = 2.0\n")
    openswarm("run", "x", "--model", hello, "--budget-usd", "0.5", "--timeout", "1m30s")
    (folder,) = (home / "runs").iterdir()
    started = json.loads((folder / "events.jsonl").read_text().splitlines()[0])
    limits = Limits.model_validate(started["task"]["limits"])
    assert (limits.max_subagents, limits.usd, limits.wall_s) == (7, 0.5, 90.0)


def test_help_shows_the_defaults_of_the_limits(openswarm: Command) -> None:
    shown = openswarm("run", "--help").out
    limits = Limits()
    for value in (limits.max_subagents, limits.orchestrator_steps, limits.subagent_steps):
        assert f"({value})" in shown
    assert "Examples:" in shown


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "resume",
        "show",
        "export",
        "runs",
        "watch",
        "steer",
        "cancel",
        "kill",
        "models",
        "doctor",
    ],
)
def test_every_command_has_an_example(openswarm: Command, command: str) -> None:
    shown = openswarm(command, "--help")
    assert shown.code == 0
    assert f"openswarm {command}" in shown.out.replace("Usage: openswarm", "")


def test_no_command_at_all_shows_what_there_is(openswarm: Command) -> None:
    done = openswarm()
    assert done.code == 0
    assert "Examples:" in done.out


def test_a_finished_run_can_be_resumed_and_gives_the_same_answer(
    openswarm: Command, hello: str
) -> None:
    openswarm("run", "Say hello", "--model", hello)
    done = openswarm("resume", "last")
    assert (done.code, done.out) == (0, "Hello.\n")
