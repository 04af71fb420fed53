"""The escape suite: each attempt is really made inside of the jail, and each is refused."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attempts
import pytest
from layered_house import filled, needs_layers, open_house

from openswarm.tools.sandbox.jail import INSIDE, INSIDE_FOLDER, prefixes
from openswarm.tools.sandbox.seccomp import ARCHITECTURES, program

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

REPOSITORY = Path(__file__).parents[3]
ABSTRACT = f"openswarm-test-{os.getpid()}"


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What is to be reached on the host: listeners, a secret, a process, folders."""
    monkeypatch.setenv("OPENSWARM_TEST_SECRET", "top-secret-value")
    (tmp_path / "secret").write_text("top-secret-value")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim,
    ):
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        udp.setblocking(False)
        tcp.setblocking(False)
        abstract.bind(f"\0{ABSTRACT}")
        abstract.listen()
        named.bind(str(tmp_path / "s"))
        named.listen()
        yield {
            "port": port,
            "abstract": ABSTRACT,
            "socket": str(tmp_path / "s"),
            "secret": str(tmp_path / "secret"),
            "home": str(in_home()),
            "repository": str(REPOSITORY),
            "run": str(tmp_path / "run"),
            "other": str(tmp_path / "run" / "scratch" / "root-2" / "code"),
            "pid": os.getpid(),
            "victim": victim.pid,
        }
        for listener in (tcp, udp):
            with pytest.raises(BlockingIOError):
                listener.recvfrom(1) if listener is udp else listener.accept()
        assert victim.poll() is None
        victim.kill()


def in_home() -> Path:
    """Something of the user's that does not lie on the way to the interpreter."""
    home = Path.home()
    entries = home.iterdir() if home.is_dir() else ()
    others = [e for e in entries if not any(p.is_relative_to(e) for p in prefixes())]
    return next(iter(others), home / "none")


@pytest.mark.requirement("code.escapes", "code.landlock")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
async def test_every_attempt_is_refused(lab: Any, kind: str, targets: dict[str, Any]) -> None:
    """Network, files of the host and of others, processes, privileges, the kernel's side doors."""
    inside = INSIDE if kind == "bubblewrap" else str(INSIDE_FOLDER)
    async with lab(kind) as opened:
        await opened.python("open('theirs', 'w').write('x')", "root/2")
        result = await opened.python(attempts.program(targets | {"inside": inside}))
        assert result.ok, result.text
        outcome = json.loads(result.data.output.splitlines()[-1])
    assert {name for name, came in outcome.items() if came != "refused"} == set()
    assert set(attempts.BODIES) <= set(outcome)


@pytest.mark.requirement("code.escapes")
async def test_every_attempt_of_a_shell_with_layers_is_refused(
    tmp_path: Path, targets: dict[str, Any]
) -> None:
    """Mounts of its own change nothing of its jail."""
    code = attempts.program(targets | {"inside": INSIDE})
    (filled(tmp_path / "data") / "attempts.py").write_text(code)
    async with open_house(tmp_path) as opened:
        needs_layers(opened)
        await opened.shell("touch theirs", "root/2")
        said = await opened.shell(f"{sys.executable} /roots/data/attempts.py")
        outcome = json.loads(said.splitlines()[-1])
    assert {name for name, came in outcome.items() if came != "refused"} == set()
    assert set(attempts.BODIES) <= set(outcome)


@pytest.mark.requirement("code.escapes")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock", "none"])
async def test_no_secret_is_in_the_environment(
    lab: Any, kind: str, targets: dict[str, Any]
) -> None:
    """It is made from nothing."""
    async with lab(kind) as opened:
        for result in (
            await opened.python("import os; dict(os.environ)"),
            await opened.shell("env"),
        ):
            assert "HOME" in result.text
            assert "top-secret-value" not in result.text


@pytest.mark.requirement("code.escapes")
async def test_other_processes_are_not_even_seen(lab: Any) -> None:
    """The first process is the sandbox's own, and tells nothing of the host."""
    async with lab() as opened:
        result = await opened.python(
            "import os\nseen = [n for n in os.listdir('/proc') if n.isdigit()]\n"
            "print(len(seen), open('/proc/1/cmdline').read(), open('/proc/1/environ').read())"
        )
        assert int(result.data.output.split()[0]) <= 3
        assert "scratch" not in result.text and "OPENSWARM" not in result.text


@pytest.mark.requirement("code.escapes")
async def test_the_jail_shows_the_system_the_interpreter_and_the_scratch_folder_alone(
    lab: Any,
) -> None:
    """And of the user's home no more than the way to the interpreter."""
    async with lab() as opened:
        result = await opened.shell("ls /; ls /etc; id -u")
        shown = set(result.data.output.split())
        assert "1000" in shown
        assert not shown & {"shadow", "ssh", "sys", "var", "mnt", "media", "boot", "srv"}


@pytest.mark.requirement("code.escapes")
def test_the_filter_is_written_for_both_architectures_and_no_other() -> None:
    """Whole instructions, the last of which allows."""
    for machine in ARCHITECTURES:
        code = program(sockets=True, machine=machine)
        assert len(code) % 8 == 0 and code[-8:] == b"\x06\x00\x00\x00\x00\x00\xff\x7f"
    assert program(sockets=True, machine="riscv64") == b""
