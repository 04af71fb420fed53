"""Whatever ends a merge or an agent, every version of every file can still be had."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anyio.to_thread
import pytest
from file_tools import Run, fill, names

from openswarm.core.errors import ToolError
from openswarm.core.events import ReportReceived
from openswarm.tools.files import carrying

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("files.nothing-lost")]

FILES: dict[str, str | bytes] = {f"{name}.txt": f"old {name}\n" for name in "abcd"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", FILES)


@pytest.fixture
async def run(root: Path, tmp_path: Path) -> Run:
    return await Run.open(tmp_path, root)


def texts(root: Path) -> list[str]:
    return [path.read_text() for path in sorted(root.iterdir())]


OLD = [f"old {name}\n" for name in "abcd"]
NEW = [f"new {name}\n" for name in "abcd"]


class Killed(BaseException):
    """The end of a process, as far as one can be played inside of it."""


async def change_all(run: Run) -> None:
    for name in "abcd":
        await run.change("root/1", f"{name}.txt", "old", "new")


@pytest.mark.parametrize("after", range(6))
async def test_a_process_that_dies_while_it_merges_is_finished_by_the_next(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """It dies after each number of renames of the merge, in the root and around it."""
    await change_all(run)
    real, count = os.rename, [0]

    def rename(*args: object, **names: object) -> None:
        if count[0] == after:
            raise Killed
        count[0] += 1
        real(*args, **names)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(carrying.os, "rename", rename)
        try:
            await run.finish()
        except Killed:
            assert texts(root)[:after] == NEW[:after]
            assert run.merges() == []
    again = await Run.again(run.setup)
    assert texts(root) == NEW
    (event,) = again.merges()
    assert len(event.changed) == 4
    assert "merged a.txt, b.txt, c.txt, d.txt" in await again.finish()
    assert len(again.merges()) == 1
    assert names(root) == sorted(FILES)


async def test_a_merge_that_the_journal_has_is_not_written_twice(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_all(run)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("openswarm.tools.files.merging.settle", die)
        with pytest.raises(Killed):
            await run.finish()
    fill(root, {"a.txt": "somebody after it\n"})
    again = await Run.again(run.setup)
    assert (root / "a.txt").read_text() == "somebody after it\n"
    assert "merged a.txt" in await again.finish()
    assert len(again.merges()) == 1
    assert "somebody" in (await again.call("read", "root/1", path="a.txt")).text
    run.setup.journal.append(ReportReceived(agent="root/1", outcome="completed"))
    later = await Run.again(run.setup)
    assert await later.finish() == ""


DYING = """
import os, signal, sys, anyio
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from file_tools import Run

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}
left = None

def hook(event, arguments):
    global left
    if left is not None and event in CHANGES:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

async def main(number):
    global left
    run = await Run.open(Path(sys.argv[2]) / f"run{number}", Path(sys.argv[2]) / f"root{number}")
    for name in "ab":
        await run.change("root/1", f"{name}.txt", "old", "new")
    left = number
    await run.finish()

sys.addaudithook(hook)
for number in range(100):
    child = os.fork()
    if not child:
        anyio.run(main, number)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not status:
        print(number)
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
"""
"""Processes of which the nth is killed at its nth change of the file system after it began to
merge, until one is not killed; prints how many were."""


def die_everywhere(tmp_path: Path) -> int:
    """How many processes died; each has folders of its own."""
    for number in range(100):
        fill(tmp_path / f"root{number}", FILES)
    command = [sys.executable, "-c", DYING, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
async def test_kill_nine_at_any_moment_of_a_merge_loses_nothing(tmp_path: Path) -> None:
    died = await anyio.to_thread.run_sync(die_everywhere, tmp_path)
    assert died > 8
    for number in range(died):
        folder = tmp_path / f"root{number}"
        visible = [path.read_text() for path in sorted(folder.glob("?.txt"))]
        assert [text for text in visible if text not in OLD + NEW] == []
        assert len(visible) == 4
        run = await Run.open(tmp_path / f"run{number}", folder)
        await run.finish()
        assert (number, texts(folder)) == (number, NEW[:2] + OLD[2:])
        assert names(folder) == sorted(FILES)


async def test_what_was_replaced_or_deleted_is_kept_as_a_blob(run: Run, root: Path) -> None:
    await run.change("root/1", "a.txt", "old", "new")
    await run.finish()
    sha = hashlib.sha256(b"old a\n").hexdigest()
    assert run.setup.journal.read_bytes(sha) == b"old a\n"


async def test_contents_that_no_diff_can_show_are_kept_as_blobs(run: Run, root: Path) -> None:
    (workspace_root,) = run.workspaces.roots
    upper = await run.workspaces.upper("root/1", workspace_root)
    fill(upper, {"a.txt": b"\0picture"})
    fill(root, {"a.txt": "somebody else\n"})
    assert "a.txt" in await run.finish()
    (event,) = run.merges()
    assert event.conflicts == ("a.txt",)
    sha = hashlib.sha256(b"\0picture").hexdigest()
    assert f"after {sha}" in run.patch(event)
    assert run.setup.journal.read_bytes(sha) == b"\0picture"


async def test_a_merge_that_cannot_be_finished_is_named(run: Run, root: Path) -> None:
    await change_all(run)
    folder = root.parent / "scratch" / "files" / "root.1" / "root"
    fill(folder, {"merge/intent.json": "{"})
    with pytest.raises(ToolError, match=r"cannot be finished.*then resume"):
        await Run.again(run.setup)


async def test_an_agent_that_did_not_finish_merges_nothing_and_keeps_its_work(
    run: Run, root: Path
) -> None:
    await change_all(run)
    note = await run.finish(finished=False)
    assert "nothing was merged" in note
    assert texts(root) == OLD
    (event,) = run.merges()
    assert (event.changed, event.conflicts) == ((), ())
    assert run.patch(event).count("+new") == 4
    again = await Run.again(run.setup)
    assert "merged a.txt" in await again.finish()
    assert texts(root) == NEW


async def test_a_full_disk_leaves_every_file_whole_and_the_rest_in_the_copy(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_all(run)
    real, count = carrying.write_all, [0]

    def write_all(descriptor: int, data: bytes) -> None:
        count[0] += 1
        if count[0] > 2:
            raise OSError(28, "No space left on device")
        real(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr(carrying, "write_all", write_all)
        note = await run.finish()
    assert "c.txt: it could not be written: No space left on device" in note
    assert texts(root) == NEW[:2] + OLD[2:]
    assert "new c" in (await run.call("read", path="c.txt")).text
    await (await Run.again(run.setup)).finish()
    assert texts(root) == NEW


async def test_no_room_to_prepare_a_merge_changes_nothing(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_all(run)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("openswarm.tools.files.intent.put_durably", full)
        assert "nothing was merged (it could not be written: No space" in await run.finish()
    assert texts(root) == OLD
    assert run.patch(run.merges()[0]).count("+new") == 4
    await (await Run.again(run.setup)).finish()
    assert texts(root) == NEW


async def test_a_root_that_is_gone_is_said_and_the_work_is_kept(run: Run, root: Path) -> None:
    await change_all(run)
    elsewhere = shutil.move(root, root.with_name("elsewhere"))
    assert "cannot be opened" in await run.finish()
    with pytest.raises(ToolError, match="cannot be opened"):
        await run.call("read", path="a.txt")
    shutil.move(elsewhere, root)
    await (await Run.again(run.setup)).finish()
    assert texts(root) == NEW


async def test_a_write_that_fails_changes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run.call("read", path="a.txt")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("openswarm.tools.files.copy.write_all", full)
        with pytest.raises(ToolError, match=r"a\.txt: no space left"):
            await run.call("write", path="a.txt", content="x")
    assert "old a" in (await run.call("read", path="a.txt")).text
    assert await run.finish() == ""


async def test_a_torn_line_of_the_index_costs_only_itself(run: Run, root: Path) -> None:
    await run.change("root/1", "a.txt", "old", "new")
    (index,) = root.parent.glob("scratch/files/root.1/root/index.jsonl")
    with index.open("ab") as file:
        file.write(b'\n{"path": ["b.t')
    again = await Run.again(run.setup)
    await again.change("root/1", "c.txt", "old", "new")
    last = await Run.again(run.setup)
    fill(root, {"c.txt": "somebody else\n"})
    note = await last.finish()
    assert "merged a.txt" in note
    assert "c.txt: another one changed the same lines" in note
