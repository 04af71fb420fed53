"""`export … --out run.zip` and `runs add`: a run goes from one home to another."""

import json
import zipfile
from pathlib import Path

import pytest
from command_line import Command

from openswarm.core.events import Answered, Content, ModelReplied, RunStarted, TaskAssigned
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal

RUN = "20261122-073616-91b650"
KEY = "moonshot-key-of-ours"
HEADER = "gateway-header-1"


def begun(home: Path, run_id: str = RUN) -> FolderJournal:
    """A run in which keys were read; it is alive until its journal is closed."""
    journal = FolderJournal.create(home / "runs" / run_id)
    task = Task(text=f"Why does {KEY} not work?")
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.append(TaskAssigned(system=Content(), brief=Content(text=HEADER)))
    journal.append(ModelReplied(model="m", text=journal.keep("The long answer. " * 400)))
    return journal


@pytest.fixture
def finished(home: Path) -> str:
    """The id of a run that is over; its answer is a blob."""
    journal = begun(home)
    text = journal.keep(f"The long answer to {KEY}. " * 300)
    journal.append(Answered(outcome="completed", text=text))
    journal.close()
    return RUN


@pytest.mark.requirement("journal.share", "cli.export", "cli.runs")
def test_a_packed_run_is_shown_in_another_home_without_its_secrets(
    openswarm: Command, finished: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)
    (home / "settings.toml").write_text(
        f'[endpoints.openai]\nheaders = {{ Authorization = "Bearer {HEADER}" }}\n'
    )
    packed = openswarm("export", "last", "--out", tmp_path / "run.zip")
    assert packed.code == 0
    assert f"wrote {tmp_path}/run.zip (302 secrets redacted)" in packed.err
    assert "documents that it read are inside" in packed.err
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        inside = b"".join(map(archive.read, archive.namelist())).decode()
    assert KEY not in inside and HEADER not in inside

    monkeypatch.setenv("OPENSWARM_HOME", str(tmp_path / "elsewhere"))
    added = openswarm("runs", "add", tmp_path / "run.zip")
    assert added.code == 0
    assert f"run {RUN} is in {tmp_path}/elsewhere/runs/{RUN}" in added.err
    assert f"openswarm show {RUN}" in added.err
    shown = openswarm("show", RUN)
    assert shown.code == 0
    assert shown.out.startswith("The long answer to [redacted]. " * 300 + "\n")
    (listed,) = json.loads(openswarm("runs", "--json").out)
    assert (listed["run_id"], listed["outcome"]) == (RUN, "completed")
    assert listed["task"] == "Why does [redacted] not work?"
    for view in ("--events", "--agents", "--cost", "--json"):
        assert openswarm("show", RUN, view).code == 0


def test_a_live_run_is_packed_as_it_stands_and_shown_as_far_as_it_came(
    openswarm: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(home).close()
    alive = FolderJournal.reopen(home / "runs" / RUN)
    packed = openswarm("export", RUN, "--out", tmp_path / "run.zip")
    alive.close()
    assert packed.code == 0, packed.err
    monkeypatch.setenv("OPENSWARM_HOME", str(tmp_path / "elsewhere"))
    assert openswarm("runs", "add", tmp_path / "run.zip").code == 0
    assert "partial: it was interrupted" in openswarm("show", RUN).out


def test_a_zip_stands_beside_other_files(openswarm: Command, finished: str, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("run.ZIP", "answer.md")]
    done = openswarm("export", finished, "--out", files[0], "--out", files[1])
    assert done.code == 0
    assert "run.ZIP (0 secrets redacted)" in done.err
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize(
    ("out", "message"),
    [("none/run.zip", "there is no folder"), ("folder.zip", "is a folder"), ("run.tar", ".csv")],
)
def test_a_place_that_cannot_be_written_to_is_refused_before_anything_is_written(
    openswarm: Command, finished: str, tmp_path: Path, out: str, message: str
) -> None:
    (tmp_path / "folder.zip").mkdir()
    done = openswarm("export", finished, "--out", tmp_path / "a.md", "--out", tmp_path / out)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "a.md").exists()


@pytest.mark.requirement("journal.share")
def test_a_run_that_is_there_is_not_replaced(
    openswarm: Command, finished: str, tmp_path: Path
) -> None:
    openswarm("export", finished, "--out", tmp_path / "run.zip")
    done = openswarm("runs", "add", tmp_path / "run.zip")
    assert done.code == 1
    assert f"see it with: openswarm show {RUN}" in done.err


def test_what_is_no_packed_run_is_an_error_in_a_line(openswarm: Command, tmp_path: Path) -> None:
    assert openswarm("runs", "add", tmp_path / "none.zip").code == 2
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../x", "x")
    done = openswarm("runs", "add", tmp_path / "x.zip")
    assert done.code == 1
    assert "'../../x', which is no part of a run" in done.err
    assert len(done.err.splitlines()) == 1


def test_the_help_teaches_both_with_an_example(openswarm: Command) -> None:
    assert "openswarm export last --out run.zip" in openswarm("export", "--help").out
    assert "openswarm runs add run.zip" in openswarm("runs", "add", "--help").out
