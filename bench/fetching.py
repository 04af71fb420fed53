"""100 sub-agents read a site, two of five pages the same for all, beside a bare aiohttp fetcher.

The floor does the same with nothing around it: the same addresses, as many at once, equal ones
once, main text by the same library, loaded at its first use. What was asked is what the *site* saw.

`python -m bench.fetching swarm|floor PORT` is one measurement, in a process of its own.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.measure import Figure, Setting, median, run_process
from bench.worker import measured

UNITS = 100
OWN, SHARED = 3, 2
"""Pages of each sub-agent: its own, and those that all read."""
AT_ONCE = 6
WALL_OVER_FLOOR = 1.5
CPU_OVER_FLOOR = 2.0


@dataclass(frozen=True, slots=True)
class Site:
    """The site while it runs."""

    port: int
    tls_port: int

    def stats(self) -> dict[str, Any]:
        """What was asked since the last time."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=30) as reply:
            return json.load(reply)


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """A site in a process of its own."""
    command = [sys.executable, "-m", "bench.websites"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield Site(*map(int, process.stdout.readline().split()))
        finally:
            process.terminate()


def run(setting: Setting) -> list[Figure]:
    """Rounds of floor and openswarm, alternating."""
    rounds = []
    with serving() as site:
        for number in range(setting.rounds):
            floor, swarm = (measure(setting, side, site) for side in ("floor", "swarm"))
            setting.say(
                f"round {number + 1}: openswarm {swarm['wall_s']:.2f} s wall,"
                f" {swarm['cpu_s']:.2f} s processor; floor {floor['wall_s']:.2f},"
                f" {floor['cpu_s']:.2f}"
            )
            rounds.append((swarm, floor))
    swarms = [swarm for swarm, _ in rounds]
    pages = UNITS * OWN + SHARED
    wall, cpu = (median([s[key] / f[key] for s, f in rounds]) for key in ("wall_s", "cpu_s"))
    seconds = {key: median([swarm[key] for swarm in swarms]) for key in ("wall_s", "cpu_s")}
    return [
        Figure("pages read, of 500", min(swarm["read"] for swarm in swarms),
               UNITS * (OWN + SHARED), at_least=True),
        Figure("requests for a page, at most", max(swarm["repeats"] for swarm in swarms), 1,
               note=f"{median([swarm['pages'] for swarm in swarms]):.0f} of {pages} pages asked"),
        Figure("requests in flight at a host that admits 6",
               max(swarm["most_busy"] for swarm in swarms), AT_ONCE),
        Figure("fetching: wall / floor", wall, WALL_OVER_FLOOR,
               note=f"{seconds['wall_s']:.2f} s, {pages / seconds['wall_s']:.0f} pages/s"),
        Figure("fetching: processor time / floor", cpu, CPU_OVER_FLOOR,
               note=f"{seconds['cpu_s']:.2f} s"),
        Figure("fetching: peak memory", max(s["rss_mb"] for s in swarms), None, "MB",
               floor=max(floor["rss_mb"] for _, floor in rounds)),
    ]  # fmt: skip


def measure(setting: Setting, side: str, site: Site) -> dict[str, Any]:
    """One worker's figures, with what the site saw of it."""
    site.stats()
    command = [sys.executable, "-m", "bench.fetching", side, str(site.port)]
    figures = json.loads(run_process(command, setting.environment(setting.scratch)))
    seen = site.stats()
    asked = {path: count for path, count in seen["asked"].items() if path.startswith("/page/")}
    return figures | {
        "pages": len(asked),
        "repeats": max(asked.values()),
        "most_busy": seen["most_busy"],
    }


def addresses(unit: str, port: int) -> list[str]:
    """The pages of a sub-agent in the order in which it reads them."""
    own = [f"{unit}-{number}" for number in range(OWN)]
    shared = [f"shared-{number}" for number in range(SHARED)]
    return [f"http://127.0.0.1:{port}/page/{name}" for name in (*shared, *own)]


async def swarm(port: int) -> dict[str, Any]:
    """openswarm, with a scripted model."""
    from openswarm import run as run_swarm
    from openswarm.core.settings import Settings
    from openswarm.core.tooling import ResourceLimit, ToolSettings, WebSettings

    web = WebSettings(allow_hosts=(f"127.0.0.1:{port}",), host=ResourceLimit(at_once=AT_ONCE))
    model = reading(lambda unit: addresses(unit, port))
    read = []

    def observe(event: Any) -> None:
        if getattr(event, "type", "") == "tool_returned" and event.name == "fetch":
            read.append(event.ok)

    with measured() as figures:
        await run_swarm(
            "Read the site.",
            model=model,
            mode="swarm",
            tools=["fetch"],
            settings=Settings(tools=ToolSettings(web=web)),
            observer=observe,
        )
    return figures | {"read": sum(read)}


def reading(urls_of: Any) -> Any:
    """A model whose orchestrator asks for 100 sub-agents, each of which fetches its addresses."""
    from openswarm import Say, ScriptedModel

    units = [f"unit-{number:04d}" for number in range(UNITS)]
    created = ("create_subagent", {"name": "reader", "system_prompt": "You read pages."})
    batch = {"agent": "reader", "prompt_template": "Read for {{item}}.", "items": units}
    lead = [Say(calls=(created, ("assign_batch", batch))), Say("All was read.")]

    def subagent(request: Any) -> Say:
        brief = next(message.text for message in request.history if message.role == "user")
        found = re.search(r"unit-\d{4}", brief)
        urls = urls_of(found[0] if found else "")
        done = sum(message.role == "assistant" for message in request.history)
        if done < len(urls):
            return Say(calls=(("fetch", {"url": urls[done]}),))
        return Say("Everything was read, and what each of the pages says was looked at in full.")

    return ScriptedModel({"orchestrator": lead, "reader": subagent})


async def floor(port: int) -> dict[str, Any]:
    """aiohttp and trafilatura alone."""
    slots, pages = asyncio.Semaphore(AT_ONCE), {}
    read = 0

    async def fetch(url: str, session: Any) -> str:
        import trafilatura

        async with slots, session.get(url) as response:
            body = await response.read()
        options = {"output_format": "markdown", "include_comments": False, "include_links": True}
        return await asyncio.to_thread(trafilatura.extract, body.decode(), **options)

    async def one(unit: str, session: Any) -> None:
        nonlocal read
        for url in addresses(unit, port):
            if url not in pages:
                pages[url] = asyncio.ensure_future(fetch(url, session))
            read += bool(await pages[url])

    with measured() as figures:
        import aiohttp

        async with aiohttp.ClientSession() as session:
            units = [f"unit-{number:04d}" for number in range(UNITS)]
            await asyncio.gather(*(one(unit, session) for unit in units))
    return figures | {"read": read}


if __name__ == "__main__":
    side = {"swarm": swarm, "floor": floor}[sys.argv[1]]
    print(json.dumps(asyncio.run(side(int(sys.argv[2])))))
