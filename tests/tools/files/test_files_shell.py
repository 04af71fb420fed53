"""What a shell in the jail leaves in an agent's layer leads no file tool and no merge astray."""

import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from file_tools import Run, fill, names

from openswarm.core.errors import ToolError
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.shell import shell_tool
from openswarm.tools.tool import ToolContext

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.requirement("files.overlay", "files.escapes"),
]

SECRET = "do not tell"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "outside", {"secret.txt": SECRET})
    return fill(
        tmp_path / "root", {"a.txt": "one\n", "d/b.txt": "two\n", "d/e/c.txt": "three\n", "f": "f"}
    )


@pytest.fixture
async def run(root: Path, tmp_path: Path) -> Run:
    return await Run.open(tmp_path, root)


Shell = Callable[[str], Awaitable[str]]


@pytest.fixture(params=["root", "user"])
async def shell(
    request: pytest.FixtureRequest, run: Run, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shell]:
    """Runs a command in the root, as it is run for an agent; its output."""
    if request.param == "user":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    elif os.geteuid():
        pytest.skip("only root mounts overlays in its own way")
    async with AsyncExitStack() as stack:
        sandbox = await open_sandbox(run.setup, stack, workspaces=run.workspaces)
        monkeypatch.undo()
        tool = shell_tool(sandbox)
        if "can change them" not in tool.description:
            pytest.skip(tool.description.splitlines()[-1])

        async def run_it(command: str) -> str:
            params = tool.params(command=f"set -e; cd /roots/root; {command}")
            result = await tool.run(params, ToolContext("root/1", "1"))
            assert result.ok, result.text
            return result.data.output

        yield run_it


async def test_deleted_and_replaced_names_are_so_for_file_tools_too(
    run: Run, shell: Shell, root: Path
) -> None:
    await shell("rm a.txt f; mkdir f; echo in > f/g; rm -r d; mkdir d; echo new > d/b.txt")
    assert (await run.call("glob", pattern="**")).data == ["d/b.txt", "f/g"]
    with pytest.raises(ToolError, match="no such file"):
        await run.call("read", path="a.txt")
    note = await run.finish()
    assert "merged a.txt, d/b.txt, d/e/c.txt, f, f/g" in note
    assert names(root) == ["d", "d/b.txt", "f", "f/g"]


async def test_file_tools_write_over_what_a_shell_deleted(
    run: Run, shell: Shell, root: Path
) -> None:
    await shell("rm a.txt; rm -r d")
    await run.call("write", path="a.txt", content="again\n")
    await run.call("write", path="d/new.txt", content="new\n")
    assert await shell("cat a.txt; find d -type f") == "again\nd/new.txt\n"
    await run.finish()
    assert names(root) == ["a.txt", "d", "d/new.txt", "f"]


async def test_links_of_a_shell_lead_nobody_out(
    run: Run, shell: Shell, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    await shell(
        f"ln -s {outside}/secret.txt link; ln -s {outside} folder; ln -s ../../outside d/up;"
        f" rm a.txt; ln -s {outside}/secret.txt a.txt; rm -r d/e; ln -s /etc d/e; ln -s d/b.txt in"
    )
    for path in ("link", "folder/secret.txt", "d/up/secret.txt", "a.txt", "d/e/passwd"):
        with pytest.raises(ToolError, match="leads out"):
            await run.call("read", path=path)
        with pytest.raises(ToolError, match="leads out"):
            await run.call("write", path=path, content="x")
    assert SECRET not in (await run.call("grep", pattern=".")).text
    note = await run.finish()
    for name in ("link", "folder", "d/up", "a.txt", "d/e"):
        assert f"- {name}: it is a link that leads out of the folder" in note
    assert (root / "a.txt").read_text() == "one\n" and (root / "in").readlink() == Path("d/b.txt")
    assert not (root / "link").is_symlink() and not (root / "d" / "e").is_symlink()
    assert names(outside) == ["secret.txt"]


async def test_special_files_of_a_shell_block_nobody_and_are_not_merged(
    run: Run, shell: Shell, root: Path
) -> None:
    await shell(
        "mkfifo pipe d/pipe; python3 -c 'import socket; socket.socket(1).bind(\"socket\")';"
        " ! mknod white c 0 0 2>&-; ! mknod disk b 8 0 2>&-; rm a.txt; mkfifo a.txt"
    )
    for path in ("pipe", "d/pipe", "socket", "a.txt"):
        with pytest.raises(ToolError):
            await run.call("read", path=path)
    assert "two" in (await run.call("grep", pattern=".")).text
    note = await run.finish()
    assert note.count("it is no file, folder or link") == 4
    assert names(root) == ["a.txt", "d", "d/b.txt", "d/e", "d/e/c.txt", "f"]
    assert (root / "a.txt").read_text() == "one\n"


async def test_no_right_that_a_shell_adds_goes_beyond_what_chmod_gives_a_file(
    run: Run, shell: Shell, root: Path
) -> None:
    """No file runs with its owner's rights, neither merged nor where others could reach it."""
    await shell("cp /bin/true run; chmod 6755 run; chmod 4777 f; mkdir s; chmod 7777 s; ln run s/h")
    (workspace_root,) = run.workspaces.roots
    upper = await run.workspaces.upper("root/1", workspace_root)
    assert stat.S_IMODE(upper.parent.stat().st_mode) == 0o700
    await run.finish()
    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "f").stat().st_mode) == 0o777
    assert stat.S_IMODE((root / "s").stat().st_mode) & 0o7000 == 0
    assert (root / "run").stat().st_nlink == (root / "s" / "h").stat().st_nlink == 1


async def test_what_a_shell_leaves_for_git_is_not_merged(
    run: Run, shell: Shell, root: Path
) -> None:
    """A hook would run outside of every sandbox."""
    await shell(
        "mkdir -p .git/hooks d/.GIT; echo rm > .git/hooks/pre-commit; echo x > d/.GIT/config"
    )
    assert "not merged" in await run.finish()
    assert not (root / ".git").exists() and not (root / "d" / ".GIT").exists()


async def test_attributes_of_overlays_that_a_shell_sets_lead_nowhere(
    run: Run, shell: Shell, root: Path, tmp_path: Path
) -> None:
    """A shell may hide what is its own to delete; no name leads to another place."""
    await shell(
        'python3 - <<"END"\n'
        "import os\n"
        "os.mkdir('g')\n"
        f"secret = b'{tmp_path}/outside/secret.txt'\n"
        "for path, name, value in (('g', 'redirect', b'/d'), ('a.txt', 'metacopy', b''),\n"
        "        ('a.txt', 'redirect', secret), ('d', 'opaque', b'y')):\n"
        "    for kind in ('user', 'trusted'):\n"
        "        try:\n"
        "            os.setxattr(path, f'{kind}.overlay.{name}', value)\n"
        "        except OSError:\n"
        "            print('refused')\n"
        "END"
    )
    assert "1\tone" in (await run.call("read", path="a.txt")).text
    assert (await run.call("glob", pattern="g/**")).data == []
    assert await shell("cat a.txt; ls g") == "one\n"
    await run.finish()
    assert (root / "a.txt").read_text() == "one\n"
    assert not list((root / "g").iterdir())
    assert names(tmp_path / "outside") == ["secret.txt"]


async def test_strange_names_and_deep_folders_stay_behind_and_are_told(
    run: Run, shell: Shell, root: Path
) -> None:
    await shell("printf x > $'odd\\xff'; printf y > $'line\\nbreak'; printf z > 'a b'")
    note = await run.finish()
    assert "its name is no UTF-8" in note
    assert sorted(names(root)) == [
        "a b",
        "a.txt",
        "d",
        "d/b.txt",
        "d/e",
        "d/e/c.txt",
        "f",
        "line\nbreak",
    ]
    deep = "cd d; for n in {1..150}; do mkdir x; cd x; done; echo x > x"
    assert await shell(deep) == ""
    assert "too deep" in await run.finish()
    assert await shell("rm -r d/x; ls d") == "b.txt\ne\n"
