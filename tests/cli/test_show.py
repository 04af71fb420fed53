"""`show`, `export` and `runs`: any run, from its journal."""

import json
import sys
import time
from pathlib import Path

import pytest
from command_line import COLUMNS, Command, Script

from openswarm.core.events import Content, ModelReplied, RunStarted, TaskAssigned
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal


@pytest.fixture
def wide_run(openswarm: Command, wide: str) -> str:
    """The id of a run that made a table of two rows, one missing."""
    done = openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide, "--json")
    return json.loads(done.out)["run_id"]


def unfinished(home: Path, run_id: str) -> FolderJournal:
    """A run without an answer; it is alive until its journal is closed."""
    journal = FolderJournal.create(home / "runs" / run_id)
    task = Task(text="half")
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.append(TaskAssigned(system=Content(), brief=Content()))
    journal.append(ModelReplied(model="m"))
    return journal


@pytest.mark.requirement("cli.show", "journal.show")
def test_show_prints_what_run_printed(openswarm: Command, wide: str) -> None:
    ran = openswarm("run", "Facts", "--columns", COLUMNS, "--model", wide)
    shown = openswarm("show", "last")
    assert shown.code == 0
    assert shown.out.startswith(ran.out)
    assert "1 row missing" in shown.out


def test_show_as_json_is_the_object_of_run(openswarm: Command, wide: str) -> None:
    ran = json.loads(openswarm("run", "F", "--columns", COLUMNS, "--model", wide, "--json").out)
    shown = json.loads(openswarm("show", ran["run_id"], "--json").out)
    ran.pop("wall_s")
    shown.pop("wall_s")
    assert shown == ran


@pytest.mark.requirement("cli.show")
def test_the_table_alone_can_be_shown(openswarm: Command, wide_run: str) -> None:
    lines = openswarm("show", wide_run, "--table").out.splitlines()
    assert lines[0] == "| country | capital        |       population |"
    assert lines[-1] == "[2] peru.md#1"


@pytest.mark.requirement("cli.show")
def test_every_agent_is_shown_with_its_outcome(openswarm: Command, wide_run: str) -> None:
    lines = openswarm("show", wide_run, "--agents").out.splitlines()
    (laos,) = [line for line in lines if "Laos" in line]
    assert "root/3" in laos and "failed" in laos
    assert len([line for line in lines if "| root" in line]) == 4


@pytest.mark.requirement("cli.show")
def test_every_event_is_a_line(openswarm: Command, wide_run: str, home: Path) -> None:
    lines = openswarm("show", wide_run, "--events").out.splitlines()
    written = (home / "runs" / wide_run / "events.jsonl").read_text().splitlines()
    assert len(lines) == len(written)
    assert "run_started" in lines[0] and "answered" in lines[-1]


@pytest.mark.requirement("cli.show")
def test_costs_are_summed_by_configuration(openswarm: Command, wide_run: str) -> None:
    out = openswarm("show", wide_run, "--cost").out
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines() if "|" in line
    ]
    by_name = {row[0]: row for row in rows}
    assert by_name["orchestrator"][2:] == ["2", "200", "0", "20", "–"]
    assert by_name["researcher"][2:] == ["2", "200", "0", "20", "–"]
    assert by_name["all"][2:] == ["4", "400", "0", "40", "–"]


def test_a_gantt_chart_is_drawn(openswarm: Command, wide_run: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = openswarm("show", wide_run, "--gantt", tmp_path / "g.png")
    assert done.code == 0
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert openswarm("show", wide_run, "--gantt", tmp_path / "g.docx").code == 2


@pytest.mark.requirement("journal.show", "bad.half-run")
def test_an_interrupted_run_is_shown_as_far_as_it_came(openswarm: Command, home: Path) -> None:
    unfinished(home, "half").close()
    shown = openswarm("show", "half")
    assert shown.code == 0
    assert "partial: it was interrupted" in shown.out
    assert "openswarm resume half" in shown.out


@pytest.mark.requirement("journal.show")
def test_a_damaged_run_is_an_error_that_names_the_line(
    openswarm: Command, wide_run: str, home: Path
) -> None:
    events = home / "runs" / wide_run / "events.jsonl"
    events.write_bytes(b"nonsense\n" + events.read_bytes())
    done = openswarm("show", wide_run)
    assert done.code == 1
    assert "line 1" in done.err


def test_a_table_that_is_not_there_is_named(openswarm: Command, script: Script) -> None:
    openswarm("run", "x", "--model", script({"*": [{"text": "Hi."}]}))
    done = openswarm("show", "last", "--table")
    assert done.code == 2
    assert "has no table" in done.err


@pytest.mark.requirement("cli.export")
def test_export_writes_the_table(openswarm: Command, wide_run: str, tmp_path: Path) -> None:
    done = openswarm("export", wide_run, "--out", tmp_path / "t.csv", "--sources")
    assert done.code == 0
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "Chile,Santiago,19658839"
    assert (tmp_path / "t.sources.csv").exists()


def test_export_writes_the_answer_of_a_run_without_a_table(
    openswarm: Command, script: Script, tmp_path: Path
) -> None:
    openswarm("run", "x", "--model", script({"*": [{"text": "Hi."}]}))
    assert openswarm("export", "last", "--out", tmp_path / "a.txt").code == 0
    assert (tmp_path / "a.txt").read_text() == "Hi.\n"
    assert openswarm("export", "last", "--out", tmp_path / "a.csv").code == 2


@pytest.mark.requirement("cli.runs")
def test_runs_are_listed_newest_first(openswarm: Command, script: Script, home: Path) -> None:
    unfinished(home, "older").close()
    model = script({"*": [{"text": "Hi."}]})
    openswarm("run", "say hi", "--model", model)
    found = json.loads(openswarm("runs", "--json").out)
    assert [run["outcome"] for run in found] == ["completed", "interrupted"]
    assert found[1]["run_id"] == "older"
    assert "say hi" in openswarm("runs").out


def test_no_runs_are_an_empty_array(openswarm: Command) -> None:
    assert json.loads(openswarm("runs", "--json").out) == []
    assert "no runs yet" in openswarm("runs").err


@pytest.mark.requirement("cli.runs")
def test_runs_are_removed_by_name_and_live_ones_are_not(openswarm: Command, home: Path) -> None:
    unfinished(home, "one").close()
    alive = unfinished(home, "two")
    assert openswarm("runs", "rm", "one", "--yes").code == 0
    refused = openswarm("runs", "rm", "two", "--yes")
    alive.close()
    assert refused.code == 1
    assert "openswarm kill two" in refused.err
    assert sorted(path.name for path in (home / "runs").iterdir()) == ["two"]


def test_old_and_failed_runs_are_removed_together_or_apart(openswarm: Command, home: Path) -> None:
    now = time.time()
    for name, age_days, broken in (
        ("old-good", 40, False), ("old-bad", 40, True), ("new-bad", 1, True), ("new-good", 1, False)
    ):  # fmt: skip
        at = now - age_days * 86_400
        journal = FolderJournal.create(home / "runs" / name, clock=lambda at=at: at)
        task = Task(text="t")
        journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
        journal.close()
        if broken:
            (home / "runs" / name / "events.jsonl").write_text("nonsense\n")

    def left() -> list[str]:
        return sorted(path.name for path in (home / "runs").iterdir())

    openswarm("runs", "rm", "--older-than", "30", "--yes")
    assert left() == ["new-bad", "new-good", "old-bad"]  # what is damaged has the age of its folder
    openswarm("runs", "rm", "--failed", "--yes")
    assert left() == ["new-good"]


@pytest.mark.requirement("cli.runs")
def test_the_age_comes_from_the_settings_where_none_is_given(
    openswarm: Command, home: Path
) -> None:
    journal = FolderJournal.create(home / "runs" / "old", clock=lambda: 1_000.0)
    task = Task(text="t")
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.close()
    refused = openswarm("runs", "rm", "--yes")
    assert refused.code == 2
    assert "keep_runs_days" in refused.err
    (home / "settings.toml").write_text("keep_runs_days = 10\n")
    assert openswarm("runs", "rm", "--yes").code == 0
    assert not (home / "runs" / "old").exists()


def test_nothing_is_removed_where_nobody_can_be_asked(
    openswarm: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished(home, "one").close()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    done = openswarm("runs", "rm", "one")
    assert done.code == 2
    assert "--yes" in done.err
    assert (home / "runs" / "one").exists()
