"""Nothing is left when the runtime ends, however it ends."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

RUNTIME = """
import sys
from contextlib import AsyncExitStack
from pathlib import Path
import anyio
from openswarm.tools.sandbox.probe import probe
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.setup import ToolSetup

SLEEP = '(setsid nohup sh -c "sleep 665544; :" &)'
HIDE = f"import os\\nfor _ in range(2):\\n  os.system({SLEEP!r})"

async def main(kind, folder):
    setup = ToolSetup(Path(folder), Path(folder), unsafe_no_sandbox=kind == "none")
    async with AsyncExitStack() as stack:
        confinement = probe(["bubblewrap" if kind == "none" else kind])
        sandbox = await open_sandbox(setup, stack, confinement=confinement)
        async with anyio.create_task_group() as tasks:
            for agent in ("root/1", "root/2"):
                cell = await sandbox.cell(agent)
                await cell.python(HIDE)
                tasks.start_soon(cell.python, "print('in')\\nwhile True: pass")
            cell = await sandbox.cell("root/3")
            await cell.shell("(setsid sleep 665544 &) ; true", 9)
            print("ready", flush=True)
            await anyio.sleep_forever()

anyio.run(main, *sys.argv[1:])
"""


def descendants(parent: int) -> list[int]:
    """All processes below one."""
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def commands(processes: list[int]) -> str:
    """Their command lines."""
    return "\n".join(Path(f"/proc/{n}/cmdline").read_text() for n in processes)


def killed_and_gone(runtime: subprocess.Popen[str], number: int) -> int:
    """Ends the runtime by a signal; how many processes it had, once all of them are gone."""
    processes = descendants(runtime.pid)
    assert "665544" in commands(processes)
    ends = {os.pidfd_open(process) for process in processes}
    count = len(ends)
    os.kill(runtime.pid, number)
    runtime.wait(10)
    while ends:
        ready, _, _ = select.select(ends, [], [], 10)
        assert ready, f"{len(ends)} processes are left"
        for end in ready:
            os.close(end)
            ends.discard(end)
    return count


@pytest.mark.requirement("code.no-leak")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock", "none"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_when_the_runtime_is_killed_all_code_ends(
    lab: Any, tmp_path: Path, kind: str, number: int
) -> None:
    """Those too that run, that are in the background, or in sessions of their own."""
    async with lab(kind):
        pass  # skips where there is no such confinement

    def run() -> int:
        command = [sys.executable, "-c", RUNTIME, kind, str(tmp_path)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=-1, stderr=quiet, text=True) as runtime:
            assert runtime.stdout is not None and runtime.stdout.readline() == "ready\n"
            return killed_and_gone(runtime, number)

    with anyio.fail_after(30):
        assert await anyio.to_thread.run_sync(run) >= 6


@pytest.mark.requirement("code.no-leak")
async def test_what_an_agent_held_is_gone_when_its_tools_are_released(lab: Any) -> None:
    """Its interpreter, its control group, its socket; its files stay."""
    async with lab() as opened:
        await opened.python("open('kept', 'w').write('x')\nimport os; os.system('sleep 554433 &')")
        cell = await opened.sandbox.cell("root/1")
        group = cell._group
        assert await opened.python_tool.release("root/1", True) == ""
        left = await anyio.to_thread.run_sync(commands, descendants(os.getpid()))
        assert "554433" not in left
        if group is not None:
            assert not any(folder.exists() for folder in group.folders)
        assert (cell.jail.scratch / "kept").exists()
        assert (await opened.python("1")).ok


@pytest.mark.requirement("code.no-leak")
async def test_groups_of_killed_runtimes_are_swept_away(lab: Any) -> None:
    """At the next opening; those of living ones stay."""
    async with lab() as opened:
        home = opened.sandbox.confinement.groups
        if home is None:
            pytest.skip("no control group can be made on this computer")
        dead = [folder / "openswarm-4194304-1" for folder in home.folders]
        for folder in dead:
            folder.mkdir(exist_ok=True)
        await opened.python("1")
        async with lab():
            assert not any(folder.exists() for folder in dead)
        assert (await opened.python("1")).ok
