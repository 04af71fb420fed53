"""No path, link, file or race leads out of a root, and nothing in it blocks."""

import ctypes
import os
import socket
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from file_tools import Run, fill, names

from openswarm.core.errors import ToolError

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("files.escapes")]

SECRET = "do not tell"
AT_CWD, EXCHANGE = -100, 2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "outside", {"secret.txt": SECRET})
    return fill(tmp_path / "root", {"a.txt": "inside\n", "d/b.txt": "below\n"})


@pytest.fixture
async def run(root: Path, tmp_path: Path) -> Run:
    return await Run.open(tmp_path, root)


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret.txt", "d/../../outside/secret.txt", "/etc/passwd", "~/.bashrc", "..",
        "a\0b", "x" * 300, "/".join("d" * 200), "\ud800", "a.txt/b", "d", "none/x.txt",
    ],
)  # fmt: skip
async def test_paths_that_lead_nowhere_are_refused(run: Run, path: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as error:
        await run.workspaces.read("root/1", path)
    assert str(tmp_path) not in str(error.value)
    if path != "none/x.txt":
        with pytest.raises(ToolError):
            await run.workspaces.change("root/1", path, lambda _: b"x")


async def test_links_that_stay_inside_are_followed(run: Run, root: Path) -> None:
    (root / "link").symlink_to("d/b.txt")
    (root / "folder").symlink_to("d")
    (root / "d" / "up").symlink_to("../a.txt")
    (root / "whole").symlink_to(root / "a.txt")
    for path, text in (
        ("link", "below"), ("folder/b.txt", "below"), ("folder/up", "inside"), ("whole", "inside"),
    ):  # fmt: skip
        assert text in (await run.call("read", path=path)).text
    await run.change("root/1", "folder/b.txt", "below", "changed")
    await run.finish()
    assert (root / "d" / "b.txt").read_text() == "changed\n"
    assert (root / "folder").is_symlink()


@pytest.mark.parametrize(
    "target", ["../outside/secret.txt", "/etc/passwd", "/proc/self/root/etc/passwd", "d/../../x"]
)
async def test_links_that_lead_out_are_refused(run: Run, root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(ToolError, match="leads out"):
        await run.call("read", path="link")
    with pytest.raises(ToolError, match="leads out"):
        await run.call("write", path="link", content="x")
    assert "do not" not in (await run.call("grep", pattern=".")).text


async def test_links_to_folders_outside_are_not_entered(run: Run, root: Path) -> None:
    (root / "out").symlink_to("../outside")
    with pytest.raises(ToolError, match="leads out"):
        await run.call("read", path="out/secret.txt")
    with pytest.raises(ToolError, match="leads out"):
        await run.call("write", path="out/new.txt", content="x")
    assert (await run.call("glob", pattern="out/*")).data == []
    assert not (root.parent / "outside" / "new.txt").exists()


async def test_links_in_a_circle_end(run: Run, root: Path) -> None:
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    with pytest.raises(ToolError, match="symbolic links"):
        await run.call("read", path="x")


async def test_a_link_to_a_secret_is_not_a_way_around_the_question(run: Run, root: Path) -> None:
    fill(root, {".env": "TOKEN=1"})
    (root / "notes.txt").symlink_to(".env")
    with pytest.raises(ToolError, match="by its own name"):
        await run.call("read", path="notes.txt")
    with pytest.raises(ToolError, match="read it first"):
        await run.call("edit", path="notes.txt", old="TOKEN", new="x")


async def test_pipes_sockets_and_devices_do_not_block(run: Run, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(root, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    with anyio.fail_after(5):
        for name in ("pipe", "socket"):
            with pytest.raises(ToolError):
                await run.call("read", path=name)
        assert "inside" in (await run.call("grep", pattern="inside")).text


async def test_openswarms_own_folders_are_not_seen_inside_a_root(tmp_path: Path) -> None:
    root = fill(tmp_path / "root", {"a.txt": "x"})
    run = await Run.open(root, root)
    await run.call("write", "root/1", path="new.txt", content="mine")
    assert (await run.call("glob", "root/2", pattern="**")).data == ["a.txt"]
    with pytest.raises(ToolError, match="no such file"):
        await run.call("read", "root/2", path="scratch/files/root.1/root/upper/new.txt")


async def test_a_link_planted_in_the_agents_own_layer_leads_nowhere(
    run: Run, tmp_path: Path, root: Path
) -> None:
    (workspace_root,) = run.workspaces.roots
    upper = await run.workspaces.upper("root/1", workspace_root)
    (upper / "planted").symlink_to("/etc/passwd")
    (upper / "folder").symlink_to(tmp_path / "outside")
    for path in ("planted", "folder/secret.txt"):
        with pytest.raises(ToolError, match="leads out"):
            await run.call("read", path=path)
    note = await run.finish()
    assert "a link that leads out" in note
    assert not (root / "planted").is_symlink()
    assert not (root / "folder").is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two names at once")
async def test_a_folder_swapped_for_a_link_all_the_time_never_leads_out(
    run: Run, root: Path, tmp_path: Path
) -> None:
    """A thread swaps while the tools read, write and merge."""
    fill(root, {"swap/secret.txt": "harmless\n"})
    (root / "evil").symlink_to("../outside")
    done = threading.Event()
    exchange = ctypes.CDLL(None).renameat2

    def swap() -> None:
        while not done.is_set():
            names = (os.fsencode(root / "swap"), os.fsencode(root / "evil"))
            assert exchange(AT_CWD, names[0], AT_CWD, names[1], EXCHANGE) == 0

    async def outcome(agent: str, tool: str, **arguments: object) -> str:
        try:
            text = (await run.call(tool, agent, **arguments)).text
        except ToolError as error:
            assert SECRET not in str(error)
            return "refused"
        assert SECRET not in text
        return "done"

    outcomes: set[str] = set()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, swap)
        for number in range(40):
            agent, new = f"root/{number}", f"swap/new{number}.txt"
            outcomes.add(await outcome(agent, "read", path="swap/secret.txt"))
            outcomes.add(await outcome(agent, "write", path=new, content="x"))
            await run.finish(agent)
        done.set()
    assert outcomes == {"refused", "done"}
    assert names(tmp_path / "outside") == ["secret.txt"]


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "d/.GIT/config"])
async def test_what_belongs_to_git_is_not_written(run: Run, path: str, root: Path) -> None:
    """A hook would run outside of every sandbox."""
    with pytest.raises(ToolError, match=r"\.git"):
        await run.call("write", path=path, content="rm")
    (workspace_root,) = run.workspaces.roots
    fill(await run.workspaces.upper("root/1", workspace_root), {path: "rm"})
    assert "not merged" in await run.finish()
    assert not (root / path).exists()
