"""A shell sees and changes its agent's own copy of the user's folders."""

import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio
import pytest
from layered_house import OpenHouse, filled, mounts, needs_layers, open_house, tree

from openswarm.modes.toolbox import Toolbox
from openswarm.tools.files import changes
from openswarm.tools.sandbox.probe import Kind
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolContext

ODD = "a,b:c\\d e\n'f\""

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox, pytest.mark.requirement("files.overlay")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return filled(tmp_path / "data")


@pytest.fixture
def house(tmp_path: Path, root: Path) -> OpenHouse:
    return partial(open_house, tmp_path)


# one copy for all tools of an agent


async def test_shell_and_file_tools_share_an_agents_copy(house: OpenHouse, root: Path) -> None:
    before = tree(root)
    async with house() as opened:
        needs_layers(opened)
        await opened.call("write", path="new/n.txt", content="made by write\n")
        said = await opened.shell(
            "cd /roots/data && cat new/n.txt && echo changed >> a.txt && rm -r d && echo x > s.txt"
        )
        assert said == "made by write\n"
        assert "2\tchanged" in (await opened.call("read", path="a.txt")).text
        assert await opened.shell("cd /roots/data && ls && cat a.txt") == (
            "a.txt\nnew\ns.txt\none\nchanged\n"
        )
        assert await opened.shell("ls /roots/data", "root/2") == "a.txt\nd\n"
        assert tree(root) == before


async def test_what_a_shell_changed_is_merged_at_its_agents_end(
    house: OpenHouse, root: Path
) -> None:
    """Also where the agent has no tool but the shell."""
    async with house() as opened:
        needs_layers(opened)
        await opened.shell("cd /roots/data && echo more >> a.txt && rm d/b.txt && touch d/c.txt")
        (root / "d" / "other.txt").write_text("somebody else's")
        note = await opened.tools["shell"].release("root/1", True)
        assert note == "Files of data: merged a.txt, d/b.txt, d/c.txt."
        assert await opened.tools["write"].release("root/1", True) == ""
        assert (root / "a.txt").read_text() == "one\nmore\n"
        assert sorted(path.name for path in (root / "d").iterdir()) == ["c.txt", "other.txt"]


async def test_what_an_agent_left_unfinished_stays_its_own(house: OpenHouse, root: Path) -> None:
    async with house() as opened:
        needs_layers(opened)
        await opened.shell("echo more >> /roots/data/a.txt")
        assert "before it was done" in await opened.tools["shell"].release("root/1", False)
        assert (root / "a.txt").read_text() == "one\n"
        assert await opened.shell("cat /roots/data/a.txt") == "one\nmore\n"


async def test_python_sees_the_folders_as_the_user_has_them(house: OpenHouse) -> None:
    """Its interpreter lives on while layers change, and it says so."""
    async with house() as opened:
        needs_layers(opened)
        await opened.shell("echo mine > /roots/data/a.txt")
        result = await opened.call("python", code="print(open('/roots/data/a.txt').read())")
        assert result.data.output == "one\n\n"
        result = await opened.call("python", code="open('/roots/data/a.txt', 'w')")
        assert "Read-only file system" in result.text
        assert "are not seen here, but by `shell`" in opened.tools["python"].description


async def test_several_agents_change_the_same_files_at_once(house: OpenHouse, root: Path) -> None:
    async with house() as opened:
        needs_layers(opened)

        async def change(agent: str) -> None:
            for _ in range(3):
                await opened.shell(f"echo {agent} >> /roots/data/a.txt", agent)
            assert await opened.shell("cat /roots/data/a.txt", agent) == "one\n" + f"{agent}\n" * 3

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(change, f"root/{number}")
        assert (root / "a.txt").read_text() == "one\n"


async def test_folders_may_have_any_name(house: OpenHouse, tmp_path: Path) -> None:
    """Also one that holds what separates the options of a mount."""
    first, second = tmp_path / ODD, tmp_path / "other" / ODD
    for folder in (first, second):
        folder.mkdir(parents=True)
        (folder / "f").write_text(f"{folder}")
    async with house(roots=(first, second)) as opened:
        needs_layers(opened)
        await opened.shell('for d in /roots/*; do cat "$d/f" > "$d/g"; done')
        assert await opened.tools["shell"].release("root/1", True)
        assert (second / "g").read_text() == f"{second}"
        assert (first / "g").read_text() == f"{first}"


async def test_somebody_who_is_not_root_has_layers_too(
    house: OpenHouse, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mounted in a user namespace, with what is deleted written in its own way."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    async with house() as opened:
        needs_layers(opened)
        await opened.shell("cd /roots/data && rm a.txt && rm -r d && mkdir d && echo new > d/n.txt")
        monkeypatch.undo()
        assert await opened.shell("cd /roots/data && ls -R . | tr '\\n' ' '") == ".: d  ./d: n.txt "
        await opened.tools["shell"].release("root/1", True)
        assert set(tree(root)) == {".", "d", "d/n.txt"}


async def test_changes_that_cannot_be_noted_are_told_and_can_be_taken_back(
    house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGES", 5)
    async with house() as opened:
        needs_layers(opened)
        result = await opened.call("shell", command="cd /roots/data && touch {1..9} && echo done")
        assert "done\n" in result.data.output
        assert "cannot be merged as it is: more than 5 files changed" in result.text
        result = await opened.call("shell", command="rm /roots/data/{1..7}")
        assert "cannot be merged" not in result.text


# where no overlay can be mounted


@pytest.mark.requirement("code.landlock", "code.unsafe")
@pytest.mark.parametrize("kind", ["landlock", "none"])
async def test_without_bubblewrap_the_shell_sees_the_folders_themselves(
    house: OpenHouse, root: Path, kind: Kind
) -> None:
    """Read-only where anything confines, and it says so."""
    async with house(kind) as opened:
        await opened.call("write", path="n.txt", content="mine")
        assert await opened.shell(f"cd {root} && ls") == "a.txt\nd\n"
        said = opened.tools["shell"].description
        assert f"The user's folders: {root}." in said
        assert "Your own changes are not seen here: that takes bubblewrap." in said
        result = await opened.call("shell", command=f"touch {root}/x")
        assert result.ok == (kind == "none")
        assert ("cannot be changed" in said or "not changed" in said) == (kind == "landlock")


async def test_without_the_programs_that_mount_the_folders_are_read_only(
    house: OpenHouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with house() as opened:
        needs_layers(opened)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with house() as opened:
        await opened.call("write", path="n.txt", content="mine")
        assert await opened.shell("ls /roots/data; touch /roots/data/x 2>&- || echo no") == (
            "a.txt\nd\nno\n"
        )
        assert "apt install util-linux" in opened.tools["shell"].description


async def test_a_folder_with_another_file_system_in_it_is_read_only(house: OpenHouse) -> None:
    """An overlay would show an empty folder in its place."""
    async with house(roots=(Path("/dev"),)) as opened:
        said = opened.tools["shell"].description
        assert "is a file system of its own" in said and "not changed" in said


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ("mount", "echo not permitted >&2; exit 1"),
        ("mount", "exit 0"),
        ("unshare", "exit 0"),
        ("unshare", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'),
    ],
)
async def test_the_probe_believes_only_an_overlay_that_it_has_tried(
    house: OpenHouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, script: str
) -> None:
    """Not programs that do nothing, whatever they say; nothing is mounted on the host then."""
    async with house() as opened:
        needs_layers(opened)
    fake = tmp_path / program
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with house() as opened:
        said = opened.tools["shell"].description
        assert "not changed" in said and "no overlay can be mounted" in said
        assert str(tmp_path) not in mounts()


# in a run's toolbox


@pytest.mark.parametrize("wanted", [["files", "python", "shell"], ["shell", "files", "python"]])
async def test_the_toolbox_tells_the_shell_of_the_working_copies(
    house: OpenHouse, tmp_path: Path, root: Path, wanted: list[str]
) -> None:
    """Whichever is named first; and code ends before files are merged."""
    async with house() as opened:
        needs_layers(opened)
    setup = ToolSetup(tmp_path / "scratch", tmp_path / "home", roots=(str(root),))
    setup.scratch.mkdir()
    async with AsyncExitStack() as stack:
        tools = {tool.name: tool for tool in await Toolbox(setup, stack).open(wanted)}
        assert set(list(tools)[:2]) == {"python", "shell"}
        write, shell = tools["write"], tools["shell"]
        context = ToolContext("root/1", "call")
        await write.run(write.params(path="n.txt", content="mine\n"), context)
        result = await shell.run(shell.params(command="cat /roots/data/n.txt"), context)
        assert result.data.output == "mine\n"
