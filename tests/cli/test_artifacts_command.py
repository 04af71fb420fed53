"""What tools made: listed, written out under plain names, and changes of files as a patch."""

import json
from pathlib import Path

import pytest
from command_line import Command

from openswarm.core.events import (
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    ArtifactKept,
    ChangesMerged,
    Content,
    ModeChosen,
    RunStarted,
    TaskAssigned,
    ToolsOpened,
)
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal

NONE = Content()
PATCH = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"


@pytest.fixture
def journal(home: Path) -> FolderJournal:
    """A run with tools, not answered yet."""
    journal = FolderJournal.create(home / "runs" / "run-1")
    task = Task(text="Draw it", mode="agent", tools=("python",))
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.append(ModeChosen(mode="agent", why="chosen by the user"))
    journal.append(TaskAssigned(system=NONE, brief=NONE))
    return journal


def answered(journal: FolderJournal) -> None:
    """Ends the run."""
    journal.append(Answered(outcome="completed", text=Content(text="Drawn.")))
    journal.close()


def keep(journal: FolderJournal, name: str, data: bytes, agent: str = "root") -> None:
    """An artifact of an agent."""
    journal.append(
        ArtifactKept(
            agent=agent,
            call_id="c",
            name=name,
            media_type="image/png",
            size=len(data),
            blob=journal.keep_bytes(data),
        )
    )


@pytest.mark.requirement("code.artifacts")
def test_artifacts_are_listed_and_written_out(
    journal: FolderJournal, openswarm: Command, tmp_path: Path
) -> None:
    keep(journal, "plot.png", b"\x89PNG one", "root/1")
    keep(journal, "plot.png", b"\x89PNG two", "root/2")
    answered(journal)
    listed = openswarm("show", "last", "--artifacts").out
    assert listed.count("plot.png") == 2
    assert "root/2" in listed
    assert "2 artifacts: openswarm export run-1 --artifacts FOLDER" in openswarm("show", "last").out
    done = openswarm("export", "last", "--artifacts", tmp_path / "out")
    assert (done.code, done.err) == (0, f"wrote 2 files to {tmp_path / 'out'}\n")
    assert (tmp_path / "out/root-1/plot.png").read_bytes() == b"\x89PNG one"
    assert (tmp_path / "out/root-2/plot.png").read_bytes() == b"\x89PNG two"


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/passwd", "a/b/c.txt", "..", "", "\x00x", "x" * 4000, "-rf", "con:"]
)
def test_no_name_of_an_artifact_leads_out_of_its_folder(
    journal: FolderJournal, openswarm: Command, tmp_path: Path, name: str
) -> None:
    keep(journal, name, b"data")
    answered(journal)
    out = tmp_path / "deep" / "out"
    assert openswarm("export", "last", "--artifacts", out).code == 0
    (written,) = [path for path in tmp_path.joinpath("deep").rglob("*") if path.is_file()]
    assert written.parent == out / "root"
    assert written.read_bytes() == b"data"


def test_no_file_is_replaced_and_no_link_is_followed(
    journal: FolderJournal, openswarm: Command, tmp_path: Path
) -> None:
    keep(journal, "a.txt", b"new")
    answered(journal)
    folder = tmp_path / "out" / "root"
    folder.mkdir(parents=True)
    (folder / "a.txt").symlink_to(tmp_path / "elsewhere")
    (folder / "a-2.txt").write_text("old")
    assert openswarm("export", "last", "--artifacts", tmp_path / "out").code == 0
    assert not (tmp_path / "elsewhere").exists()
    assert (folder / "a-2.txt").read_text() == "old"
    assert (folder / "a-3.txt").read_bytes() == b"new"


def test_export_says_what_it_needs(journal: FolderJournal, openswarm: Command) -> None:
    answered(journal)
    done = openswarm("export", "last")
    assert done.code != 0
    assert "--out FILE" in done.err


@pytest.mark.requirement("files.conflicts", "files.nothing-lost")
def test_changes_conflicts_and_what_was_not_merged_are_told_and_shown_as_a_patch(
    journal: FolderJournal, openswarm: Command
) -> None:
    kept = journal.keep(PATCH)
    for agent, changed, conflicts in (
        ("root/1", ("x.py", "y.py"), ()),
        ("root/2", (), ("x.py",)),
        ("root/3", (), ()),
    ):
        journal.append(
            ChangesMerged(
                agent=agent, root="/src", changed=changed, conflicts=conflicts, patch=kept
            )
        )
    answered(journal)
    told = openswarm("show", "last").out
    assert "root/1 changed 2 files: x.py, y.py" in told
    assert "root/2 has conflicts in x.py; see: openswarm show run-1 --patch" in told
    assert "changes of root/3 were not merged; see: openswarm show run-1 --patch" in told
    patch = openswarm("show", "last", "--patch").out
    assert patch.count(PATCH) == 3
    assert "# root/1 in /src: merged in x.py, y.py\n" in patch
    assert "# root/2 in /src: conflicts, not merged, in x.py\n" in patch
    assert "# root/3 in /src: not merged\n" in patch


def test_without_changes_there_is_no_patch(journal: FolderJournal, openswarm: Command) -> None:
    answered(journal)
    done = openswarm("show", "last", "--patch")
    assert done.code != 0
    assert "no agent of run run-1 changed a file" in done.err


@pytest.mark.requirement("policy.headless")
def test_calls_that_were_denied_are_told_and_are_in_the_object(
    journal: FolderJournal, openswarm: Command
) -> None:
    keep(journal, "plot.png", b"\x89PNG", "root/1")
    asked = ApprovalAsked(agent="root/1", id="1", call_id="c", tool="pay", command="pay 5")
    journal.append(asked)
    journal.append(
        ApprovalGiven(agent="root/1", id="1", call_id="c", tool="pay", answer="deny", by="nobody")
    )
    answered(journal)
    assert "1 call denied: pay; allow with: --allow TOOL" in openswarm("show", "last").out
    made = json.loads(openswarm("show", "last", "--artifacts", "--json").out)
    assert made["denied"] == [{"agent": "root/1", "tool": "pay", "command": "pay 5"}]
    assert [artifact["name"] for artifact in made["artifacts"]] == ["plot.png"]
    assert (made["changes"], made["sandbox"]) == ([], "")


@pytest.mark.requirement("journal.share")
def test_a_run_with_pictures_goes_from_one_home_to_another(
    journal: FolderJournal, openswarm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = bytes(range(256)) * 20
    keep(journal, "plot.png", picture)
    answered(journal)
    assert openswarm("export", "last", "--out", tmp_path / "run.zip").code == 0
    monkeypatch.setenv("OPENSWARM_HOME", str(tmp_path / "other"))
    assert openswarm("runs", "add", tmp_path / "run.zip").code == 0
    assert openswarm("export", "last", "--artifacts", tmp_path / "out").code == 0
    assert (tmp_path / "out/root/plot.png").read_bytes() == picture


@pytest.mark.requirement("code.unsafe")
def test_a_run_whose_code_was_not_confined_says_so(
    journal: FolderJournal, openswarm: Command
) -> None:
    journal.append(ToolsOpened(tools=("python",), sandbox="none"))
    journal.append(ToolsOpened(tools=("python",), sandbox="bubblewrap"))
    answered(journal)
    assert "ran without a sandbox (--unsafe-no-sandbox)" in openswarm("show", "last").out
