"""A shell changes nothing but its agent's layers, and leaves nothing mounted."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from layered_house import OpenHouse, filled, mounts, needs_layers, open_house, tree
from test_leaks import killed_and_gone

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox, pytest.mark.requirement("files.overlay")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return filled(tmp_path / "data")


@pytest.fixture
def house(tmp_path: Path, root: Path) -> OpenHouse:
    return partial(open_house, tmp_path)


# nothing else is reached

THROUGH = """
import ctypes, fcntl, mmap, os, struct, sys
os.chdir('/roots/data')
libc = ctypes.CDLL(None, use_errno=True)
IMMUTABLE, SETFLAGS = 0x10, 0x40086602
outcome = {}

def checked(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), 'refused')

def reopened():
    read = os.open('a.txt', os.O_RDONLY)
    os.write(os.open(f'/proc/self/fd/{read}', os.O_RDWR), b'XXXX')

def mapped():
    with open('d/b.txt', 'r+b') as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:3] = b'XXX'

def immutable():
    file = os.open('d/b.txt', os.O_RDONLY)
    fcntl.ioctl(file, SETFLAGS, struct.pack('l', IMMUTABLE))

def device():
    os.mknod('disk', 0o60600, os.makedev(8, 0))

def whiteout():
    os.mknod('white', 0o20600, 0)

def attribute():
    os.setxattr('d', 'trusted.overlay.opaque', b'y')

def redirected():
    os.setxattr('d', 'trusted.overlay.redirect', b'/etc')

def remounted():
    checked(libc.mount(None, b'/roots/data', None, 0x20 | 0x1000, None))

def unmounted():
    checked(libc.umount2(b'/roots/data', 2))

def mounted():
    options = b'lowerdir=/etc,upperdir=/roots/data/d,workdir=/roots/data/d'
    checked(libc.mount(b'overlay', b'/tmp', b'overlay', 0, options))

def beside():
    os.listdir('/roots/data/../upper')

def given_away():
    os.chown('a.txt', 65534, 65534)

changes = (reopened, mapped, lambda: os.chmod('a.txt', 0o4777), lambda: os.utime('a.txt', (1, 1)),
    lambda: os.link('a.txt', 'hard'), lambda: os.truncate('hard', 1),
    lambda: os.rename('d/b.txt', 'moved'), lambda: os.setxattr('moved', 'user.x', b'1'),
    lambda: os.symlink('/etc', 'away'), lambda: os.rmdir('d'), lambda: os.mkdir('d', 0o7777))
attempts = (immutable, device, whiteout, attribute, redirected, remounted, unmounted, mounted,
    beside, given_away)
os.mkdir('e')
for change in changes:
    change()
for attempt in attempts:
    try:
        attempt()
        print('escaped', attempt.__name__)
    except OSError:
        print('refused')
"""
"""Changes that are allowed and stay in the layer, then attempts that are refused."""


@pytest.mark.requirement("code.escapes")
@pytest.mark.parametrize("user", [0, 1000])
async def test_nothing_written_through_a_layer_reaches_the_folder_itself(
    house: OpenHouse, root: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: user)
    before = tree(root)
    async with house() as opened:
        needs_layers(opened)
        monkeypatch.undo()
        command = f"{sys.executable} - <<'END'\n{THROUGH}\nEND\n"
        assert set((await opened.shell(command)).split()) == {"refused"}
        assert tree(root) == before
        assert await opened.shell("head -c 4 /roots/data/moved") == "XXX\n"
    assert tree(root) == before


@pytest.mark.requirement("code.escapes")
async def test_the_jail_says_nothing_of_where_layers_lie(house: OpenHouse, tmp_path: Path) -> None:
    """Code finds names of the jail in its mounts, and no option that names a folder of the host."""
    async with house() as opened:
        needs_layers(opened)
        said = await opened.shell(
            "grep -o 'lowerdir.*' /proc/self/mountinfo; tr '\\0' ' ' < /proc/1/cmdline; env"
        )
        assert "lowerdir=view,upperdir=upper" in said
        assert str(tmp_path) not in said


@pytest.mark.requirement("code.escapes")
@pytest.mark.parametrize("tool", ["python", "shell"])
async def test_openswarms_own_folders_are_not_seen_inside_of_a_root(
    house: OpenHouse, tmp_path: Path, tool: str
) -> None:
    """What other agents wrote, keys, journals."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("secret")
    (tmp_path / "seen.txt").write_text("seen")
    async with house(roots=(tmp_path,)) as opened:
        await opened.call("write", agent="root/2", path="x.txt", content="theirs")
        listing = f"find /roots/{tmp_path.name}"
        code = {"python": f"import os; os.system({listing!r})", "shell": listing}[tool]
        field = {"python": "code", "shell": "command"}[tool]
        result = await opened.call(tool, **{field: code})
        assert "seen.txt" in result.data.output
        assert "/home/" not in result.data.output and "scratch/" not in result.data.output


@pytest.mark.requirement("code.limits")
async def test_a_command_that_fills_a_layer_is_killed(house: OpenHouse) -> None:
    async with house(file_mb=1) as opened:
        needs_layers(opened)
        command = "cd /roots/data; for i in {1..6}; do head -c 1M /dev/zero > $i; done; sleep 50"
        result = await opened.call("shell", command=command)
        assert result.data.state == "full"
        assert await opened.shell("rm /roots/data/[1-6]; echo freed") == "freed\n"


# nothing is left


@pytest.mark.requirement("code.no-leak")
async def test_no_mount_is_left_nor_seen_on_the_host(house: OpenHouse, tmp_path: Path) -> None:
    """Not while a command runs, not after it, not after one that was stopped."""
    async with house() as opened:
        needs_layers(opened)
        pipe = said_through(tmp_path)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(opened.shell, "touch /roots/data/x; echo ready > pipe; sleep 60")
            with anyio.fail_after(20):
                assert await anyio.to_thread.run_sync(pipe.read_text) == "ready\n"
            assert str(tmp_path) not in mounts()
            tasks.cancel_scope.cancel()
        assert str(tmp_path) not in mounts()
        assert not {"work", "view"} & set(await opened.leftovers())
        assert await opened.shell("ls /roots/data/x") == "/roots/data/x\n"


def said_through(tmp_path: Path) -> Path:
    """A pipe in the first agent's working directory, which its code finds as `pipe`."""
    pipe = tmp_path / "run" / "scratch" / "root-1" / "code" / "pipe"
    pipe.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(pipe)
    return pipe


RUNTIME = """
import sys
from contextlib import AsyncExitStack
from pathlib import Path
import anyio
from openswarm.tools.files.workspaces import open_workspaces
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.setup import ToolSetup

async def main(folder, root):
    setup = ToolSetup(Path(folder, "run", "scratch"), Path(folder, "home"), roots=(root,))
    async with AsyncExitStack() as stack:
        workspaces = await open_workspaces(setup, stack)
        sandbox = await open_sandbox(setup, stack, workspaces=workspaces)
        cell = await sandbox.cell("root/1")
        await cell.shell("cd /roots/data; echo kept > kept; rm a.txt; cd; echo ready > pipe;"
            " sleep 665544", 60)

anyio.run(main, *sys.argv[1:])
"""


@pytest.mark.requirement("code.no-leak", "files.nothing-lost")
async def test_after_kill_9_no_mount_is_left_and_the_next_process_goes_on(
    house: OpenHouse, tmp_path: Path, root: Path
) -> None:
    async with house() as opened:
        needs_layers(opened)
    pipe = said_through(tmp_path)

    def run() -> None:
        command = [sys.executable, "-c", RUNTIME, str(tmp_path), str(root)]
        with subprocess.Popen(command, text=True) as runtime:
            assert pipe.read_text() == "ready\n"
            killed_and_gone(runtime, signal.SIGKILL)

    with anyio.fail_after(30):
        await anyio.to_thread.run_sync(run)
    assert str(tmp_path) not in mounts()
    async with house() as opened:
        assert "work" in await opened.leftovers()
        assert await opened.shell("cd /roots/data; ls; cat kept") == "d\nkept\nkept\n"
        assert not {"work", "view"} & set(await opened.leftovers())
        note = await opened.tools["shell"].release("root/1", True)
        assert note == "Files of data: merged a.txt, kept."
