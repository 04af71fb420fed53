"""100 sandboxed interpreters at once: start time, memory, and what a killed runtime leaves.

The floor is 100 plain Python processes, started at once, that answer one line each. Run as
`python -m bench.sandboxes ACTION COUNT FOLDER` it is one measured process: it starts its
interpreters, prints its figures, and holds them until it is killed.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from bench.measure import Figure, Setting, median
from openswarm.tools.sandbox.probe import probe
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.setup import ToolSetup

COUNT = 100
START_RATIO, MEMORY_RATIO = 8.0, 3.0
PLAIN = "import sys\nprint(1, flush=True)\nsys.stdin.read()"
GONE_S = 10.0


def run(bench: Setting) -> list[Figure]:
    """The figures of interpreters in bubblewrap, in Landlock where there is no bubblewrap."""
    kind = probe().kind
    if kind == "none":
        raise RuntimeError("nothing confines code on this computer; `openswarm doctor` says why")
    rounds: list[tuple[dict[str, Any], dict[str, Any]]] = []
    leaked = 0
    for number in range(bench.rounds):
        with held("plain", bench.scratch) as (plain, _):
            pass
        with held("jailed", bench.scratch) as (jailed, runtime):
            leaked += survivors(runtime)
        rounds.append((jailed, plain))
        bench.say(
            f"round {number + 1}: {COUNT} interpreters in {jailed['start_s']:.2f} s, plain ones"
            f" in {plain['start_s']:.2f}; {jailed['pss_mb']:.1f} MB each, plain"
            f" {plain['pss_mb']:.1f}"
        )
    start = median([jailed["start_s"] / plain["start_s"] for jailed, plain in rounds])
    memory = median([jailed["pss_mb"] / plain["pss_mb"] for jailed, plain in rounds])
    took, each = (median([jailed[n] for jailed, _ in rounds]) for n in ("start_s", "pss_mb"))
    processes = median([jailed["processes"] for jailed, _ in rounds])
    return [
        Figure(
            f"{COUNT} sandboxed interpreters at once, start against plain ones",
            start, START_RATIO, "×", note=f"{took:.2f} s, {kind}",
        ),
        Figure("memory of each (PSS), against a plain one", memory, MEMORY_RATIO, "×",
               note=f"{each:.1f} MB"),
        Figure("processes left after kill -9 of the runtime", leaked, 0,
               note=f"of {processes:.0f}, in sessions of their own too"),
    ]  # fmt: skip


@contextmanager
def held(action: str, scratch: Path) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A measured process that holds its interpreters, and its figures."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-m", "bench.sandboxes", action, str(COUNT), folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline()), process
            finally:
                process.kill()


def survivors(runtime: subprocess.Popen[str]) -> int:
    """Kills a runtime; how many of its processes are there still after some seconds."""
    ends = {os.pidfd_open(number) for number in descendants(runtime.pid)}
    os.kill(runtime.pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_S
    while ends and time.monotonic() < deadline:
        for end in select.select(ends, [], [], deadline - time.monotonic())[0]:
            os.close(end)
            ends.discard(end)
    return len(ends)


def descendants(parent: int) -> list[int]:
    """All processes below one."""
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def pss_mb(processes: list[int]) -> float:
    """Memory of processes, what is shared being divided among those that share it."""
    kilobytes = 0
    for number in processes:
        for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def figures(count: int, seconds: float) -> dict[str, float]:
    """Of the interpreters that this process holds."""
    processes = descendants(os.getpid())
    each = pss_mb(processes) / count
    return {"start_s": seconds, "pss_mb": each, "processes": len(processes)}


def plain(count: int) -> None:
    """The floor: `count` interpreters with nothing around them."""
    began = time.perf_counter()
    command = [sys.executable, "-c", PLAIN]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(count)]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    print(json.dumps(figures(count, time.perf_counter() - began)), flush=True)
    signal.pause()


async def jailed(count: int, folder: Path) -> None:
    """`count` sub-agents that each call `python` once; some leave processes behind."""
    async with AsyncExitStack() as stack:
        sandbox = await open_sandbox(ToolSetup(folder, folder), stack)
        began = time.perf_counter()

        async def call(number: int, code: str) -> None:
            cell = await sandbox.cell(f"root/{number}")
            done = await cell.python(code)
            assert done.ending.state == "done", done.ending.output.kept

        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(call, number, "1")
        seconds = time.perf_counter() - began
        told = await anyio.to_thread.run_sync(figures, count, seconds)
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                hide = "import os; os.system('(setsid nohup sleep 600 >/dev/null 2>&1 &)')"
                tasks.start_soon(call, number, hide)
        print(json.dumps(told), flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    action, number, place = sys.argv[1:]
    if action == "plain":
        plain(int(number))
    anyio.run(jailed, int(number), Path(place))
