"""What an agent writes is its own, in a form that overlayfs shares, until it is merged."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from file_tools import Run, fill, names

from openswarm.core.errors import ToolError

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("files.overlay")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(
        tmp_path / "root", {"a.txt": "one\n\nthree\n", "d/b.txt": "two\n", "d/e/c.txt": "three\n"}
    )


@pytest.fixture
async def run(root: Path, tmp_path: Path) -> Run:
    return await Run.open(tmp_path, root)


async def upper_of(run: Run, agent: str = "root/1") -> Path:
    (root,) = run.workspaces.roots
    return await run.workspaces.upper(agent, root)


def whiteout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(0, 0))
    except PermissionError:
        pytest.skip("this kernel makes no whiteouts for its users")


def opaque(path: Path) -> None:
    path.mkdir(parents=True)
    try:
        os.setxattr(path, "user.overlay.opaque", b"y")
    except OSError:
        pytest.skip("this file system has no extended attributes")


async def test_nobody_else_sees_what_an_agent_wrote(run: Run, root: Path) -> None:
    await run.change("root/1", "a.txt", "one", "ONE")
    await run.call("write", "root/1", path="new/file.txt", content="mine\n")
    assert "ONE" in (await run.call("read", "root/1", path="a.txt")).text
    assert "new/file.txt" in (await run.call("glob", "root/1", pattern="**")).data
    assert "1\tone" in (await run.call("read", "root/2", path="a.txt")).text
    assert "new/file.txt" not in (await run.call("glob", "root/2", pattern="**")).data
    with pytest.raises(ToolError, match="no such file"):
        await run.call("read", "root/2", path="new/file.txt")
    assert (root / "a.txt").read_text() == "one\n\nthree\n"
    assert not (root / "new").exists()


async def test_the_upper_has_plain_files_at_their_paths(run: Run) -> None:
    await run.change("root/1", "d/b.txt", "two", "2")
    upper = await upper_of(run)
    assert [path.relative_to(upper).as_posix() for path in sorted(upper.rglob("*"))] == [
        "d", "d/b.txt",
    ]  # fmt: skip
    assert (upper / "d" / "b.txt").read_text() == "2\n"


async def test_what_a_shell_deleted_is_gone_for_the_agent_alone(run: Run) -> None:
    upper = await upper_of(run)
    whiteout(upper / "a.txt")
    whiteout(upper / "d" / "e")
    assert (await run.call("glob", "root/1", pattern="**")).data == ["d/b.txt"]
    for path in ("a.txt", "d/e/c.txt"):
        with pytest.raises(ToolError, match="no such file"):
            await run.call("read", "root/1", path=path)
    assert len((await run.call("glob", "root/2", pattern="**")).data) == 3


async def test_an_opaque_folder_hides_what_lies_below_it(run: Run) -> None:
    upper = await upper_of(run)
    opaque(upper / "d")
    fill(upper, {"d/only.txt": "mine"})
    assert (await run.call("glob", "root/1", pattern="d/**")).data == ["d/only.txt"]


async def test_a_folder_that_was_deleted_and_is_written_again_stays_empty(
    run: Run, root: Path
) -> None:
    whiteout(await upper_of(run) / "d")
    try:
        await run.call("write", "root/1", path="d/new.txt", content="x\n")
    except ToolError:
        pytest.skip("this file system has no extended attributes")
    assert (await run.call("glob", "root/1", pattern="d/**")).data == ["d/new.txt"]
    await run.finish("root/1")
    assert [path.name for path in (root / "d").rglob("*")] == ["new.txt"]


def in_overlay(folder: Path, root: Path, upper: Path, script: str) -> None:
    """Runs a shell script where the upper is mounted over the root."""
    mine = os.geteuid() == 0
    options = f"lowerdir={root},upperdir={upper},workdir=work,redirect_dir=off,metacopy=off"
    if not mine:
        options += ",userxattr"
    mounting = f"mkdir work view && mount -t overlay overlay -o {options} view && cd view"
    user = [] if mine else ["--user", "--map-root-user"]
    command = ["unshare", "--mount", *user, "sh", "-ec", f"{mounting} && {script}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no overlay can be mounted here: {done.stderr}")


async def test_what_a_shell_wrote_over_a_real_overlay_is_merged(
    run: Run, root: Path, tmp_path: Path
) -> None:
    """Changed, made, deleted, replaced: each in the form that overlayfs writes it."""
    upper = await upper_of(run)
    script = "echo changed > a.txt; mkdir n; echo made > n/new.txt; rm -r d; echo file > d"
    in_overlay(tmp_path, root, upper, script)
    await run.workspaces.note("root/1")
    assert (await run.call("glob", "root/1", pattern="**")).data == ["a.txt", "d", "n/new.txt"]
    assert "merged a.txt, d, d/b.txt, d/e/c.txt, n/new.txt" in await run.finish("root/1")
    assert names(root) == ["a.txt", "d", "n", "n/new.txt"]
    assert (root / "a.txt").read_text() == "changed\n"
    assert (root / "d").read_text() == "file\n"
    assert names(upper) == []


async def test_what_a_shell_noted_is_merged_with_what_came_after(
    run: Run, root: Path, tmp_path: Path
) -> None:
    upper = await upper_of(run)
    in_overlay(tmp_path, root, upper, "sed -i s/one/ONE/ a.txt; rm -r d; mkdir d; echo x > d/b.txt")
    await run.workspaces.note("root/1")
    fill(root, {"a.txt": "one\n\nthree\nfour\n", "d/e/later.txt": "somebody else's\n"})
    await run.finish("root/1")
    assert (root / "a.txt").read_text() == "ONE\n\nthree\nfour\n"
    assert names(root / "d") == ["b.txt", "e", "e/later.txt"]


async def test_an_agent_goes_on_after_a_resume_where_it_was(run: Run, root: Path) -> None:
    await run.change("root/1", "a.txt", "one", "ONE")
    fill(root, {"a.txt": "one\n\nthree\nmore\n"})
    again = await Run.again(run.setup)
    assert "1\tONE\n" in (await again.call("read", "root/1", path="a.txt")).text
    assert "merged a.txt" in await again.finish("root/1")
    assert (root / "a.txt").read_text() == "ONE\n\nthree\nmore\n"


async def test_strange_names_of_agents_make_no_folders(run: Run, tmp_path: Path) -> None:
    for agent in ("../x", "", "a//b", "/", "a.b"):
        with pytest.raises(ToolError, match="path of an agent"):
            await run.call("write", agent, path="x.txt", content="x")
    assert list((tmp_path / "scratch" / "files").iterdir()) == []
