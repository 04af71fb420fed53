"""200 streams of the server at once, and what each costs beside a bare Starlette endpoint.

Both serve in a process of their own on one core's worth of event loop; the client is this process.
What a server takes to start and to answer nobody is measured first, and taken off.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

import aiohttp
import anyio
import orjson

from bench.measure import Figure, Setting, median
from bench.streams_side import CHUNKS, PAUSE_S, TOKEN, WORDS

STREAMS = 200
BAR = 3.0
"""Processor time a stream, as a multiple of the bare endpoint's."""
LATE = 1.5
"""The wall time of all, as a multiple of what one stream takes on an idle machine."""
BODY = {
    "model": "openswarm-instant", "stream": True, "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Say it."}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What one round took."""

    cpu_s: float
    mb: float
    wall_s: float
    first_s: float
    """From a request to the first word, the median."""


def run(setting: Setting) -> list[Figure]:
    """Rounds that alternate."""
    rounds: dict[str, list[Taken]] = {"openswarm": [], "floor": []}
    idle = {side: serve(side, 0).cpu_s for side in rounds}
    for number in range(setting.rounds):
        for side, taken in rounds.items():
            taken.append(serve(side, STREAMS))
            setting.say(f"round {number + 1}, {side}: {taken[-1]}")
    cost = {s: median([t.cpu_s - idle[s] for t in rounds[s]]) / STREAMS * 1000 for s in rounds}
    memory = {s: median([t.mb for t in rounds[s]]) for s in rounds}
    first = {s: median([t.first_s for t in rounds[s]]) * 1000 for s in rounds}
    wall = median([t.wall_s for t in rounds["openswarm"]]) / (CHUNKS * PAUSE_S)
    name = f"{STREAMS} streams"
    return [
        Figure(f"{name}: processor time a stream over the bare endpoint's",
               cost["openswarm"] / cost["floor"], BAR, "×",
               note=f"{cost['openswarm']:.1f} ms and {cost['floor']:.1f} ms, {CHUNKS} deltas each"),
        Figure(f"{name}: wall over the pace of the model", wall, LATE, "×"),
        Figure(f"{name}: time to the first word", first["openswarm"], None, "ms",
               floor=first["floor"]),
        Figure(f"{name}: peak memory", memory["openswarm"], None, "MB", floor=memory["floor"]),
    ]  # fmt: skip


def serve(side: str, streams: int) -> Taken:
    """One server process under so many streams."""
    command = [sys.executable, "-m", "bench.streams_side", side]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None and process.stdin is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        wall, firsts = anyio.run(take_all, url, streams)
        process.stdin.close()
        figures = json.loads(process.stdout.read())
    return Taken(figures["cpu_s"], figures["mb"], wall, median(firsts or [0.0]))


async def take_all(url: str, streams: int) -> tuple[float, list[float]]:
    """Seconds until all have ended, and until each had its first word."""
    firsts: list[float] = []
    headers = {"authorization": f"Bearer {TOKEN}"}
    connector = aiohttp.TCPConnector(limit=0)
    started = time.monotonic()
    async with (
        aiohttp.ClientSession(url, headers=headers, connector=connector) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(streams):
            tasks.start_soon(take, client, firsts)
    return time.monotonic() - started, firsts


async def take(client: aiohttp.ClientSession, firsts: list[float]) -> None:
    """One stream, which has to say every word and to end."""
    started, words, ended = time.monotonic(), 0, False
    async with client.post("/v1/chat/completions", json=BODY) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            if line.startswith(b"data: {"):
                choices = orjson.loads(line[6:])["choices"]
                said = choices[0]["delta"].get("content") if choices else None
                if said and not words:
                    firsts.append(time.monotonic() - started)
                words += (said or "").count(WORDS)
            ended = ended or line.startswith(b"data: [DONE]")
    if words != CHUNKS or not ended:
        raise RuntimeError(f"a stream brought {words} of {CHUNKS} words, ended: {ended}")
