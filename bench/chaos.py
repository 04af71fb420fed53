"""100 sub-agents on a site where everything breaks: what can arrive does, and the rest is told.

Each sub-agent reads pages of three kinds in turn, so that every kind is asked for by many at once.
A page of a passing kind fails at its first requests and comes then; one of a lasting kind never
comes, and its call has to say what happened in words of its own.

`python -m bench.chaos PORT TLS_PORT` is the measurement, in a process of its own.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from typing import Any

from bench.fetching import UNITS, reading, serving
from bench.measure import Figure, Setting, run_process
from bench.worker import measured

EACH = 3
AT_ONCE = 32
TIMEOUT_S = 1.5
MOST_MB = 250.0
PASSING = ("page", "reset_at_first", "short_at_first", "throttled_at_first", "refused_at_first",
           "overloaded_at_first")  # fmt: skip
LASTING = {
    "reset": "broke off",
    "short": "ended before the page was whole",
    "drip": "is too slow",
    "bomb": "is larger than 10 MB",
    "spoiled": "compression is damaged",
    "circle": "redirects in a circle",
    "throttled": "answered 429",
    "refused": "answered 429",
    "overloaded": "answered 503",
    "garbage": "not HTTP",
    "nowhere": "answered 404",
    "tls": "TLS certificate is not valid",
}
"""Kinds that never arrive, and what their failure says."""
SELDOM = ("throttled", "refused")
"""429 is the word of a whole host, which is waited for: it is one of its own here, and the pages
of it that never come are few."""
KINDS = (*PASSING, *LASTING)


def run(setting: Setting) -> list[Figure]:
    """One run; what became of each page."""
    with serving() as site:
        command = [sys.executable, "-m", "bench.chaos", str(site.port), str(site.tls_port)]
        environment = setting.environment(setting.scratch)
        figures = json.loads(run_process(command, environment))
    arrived, asked = Counter(figures["arrived"]), Counter(figures["asked"])
    can = sum(asked[kind] for kind in PASSING)
    came = sum(arrived[kind] for kind in PASSING)
    missing = {kind: asked[kind] - arrived[kind] for kind in PASSING if asked[kind] > arrived[kind]}
    setting.say(f"{figures['wall_s']:.1f} s; {came} of {can} that can arrive did, {missing or ''}")
    wrong = figures["untold"]
    failed = sum(asked[kind] for kind in LASTING)
    return [
        Figure("pages that can arrive and do", came, can, at_least=True, note=str(missing or "")),
        Figure("broken pages that are taken for whole", sum(arrived[k] for k in LASTING), 0),
        Figure("failures that do not say what happened", len(wrong), 0,
               note=f"of {failed}; {wrong[0][:60]}" if wrong else f"of {failed}"),
        Figure("sub-agents lost to it", UNITS - figures["completed"], 0),
        Figure("chaos: peak memory", figures["rss_mb"], MOST_MB, "MB"),
        Figure("chaos: wall", figures["wall_s"], None, "s"),
    ]  # fmt: skip


def addresses(unit: str, port: int, tls_port: int) -> list[str]:
    """The pages of a sub-agent."""
    kinds = [kind for kind in KINDS if kind != "tls" or tls_port]
    start = int(unit[-4:] or 0) if unit else 0
    urls = []
    for number in range(EACH):
        kind = kinds[(start + number * 4) % len(kinds)]
        if kind in SELDOM and start % 4:
            kind = "page"
        host = "localhost" if kind.startswith(SELDOM) else "127.0.0.1"
        scheme, at = ("https", tls_port) if kind == "tls" else ("http", port)
        urls.append(f"{scheme}://{host}:{at}/{kind}/{unit}")
    return urls


async def swarm(port: int, tls_port: int) -> dict[str, Any]:
    """openswarm, with a scripted model."""
    from openswarm import run as run_swarm
    from openswarm.core.settings import Settings
    from openswarm.core.tooling import ResourceLimit, ToolSettings, WebSettings

    web = WebSettings(
        allow_hosts=("127.0.0.1", "localhost"),
        host=ResourceLimit(at_once=AT_ONCE),
        timeout_s=TIMEOUT_S,
    )
    kinds: dict[tuple[str, str], str] = {}
    asked: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    untold: list[str] = []

    def observe(event: Any) -> None:
        type_ = getattr(event, "type", "")
        if type_ not in ("tool_called", "tool_returned") or event.name != "fetch":
            return
        call = (event.agent, event.call_id)
        if type_ == "tool_called":
            found = re.search(r"//[^/]+/(\w+)/", event.brief)
            kinds[call] = found[1] if found else event.brief
            asked[kinds[call]] += 1
        elif event.ok:
            arrived[kinds[call]] += 1
        elif LASTING.get(kinds[call], "\0") not in event.text.text:
            untold.append(f"{kinds[call]}: {event.text.text}")

    with measured() as figures:
        result = await run_swarm(
            "Read the site.",
            model=reading(lambda unit: addresses(unit, port, tls_port)),
            mode="swarm",
            tools=["fetch"],
            settings=Settings(tools=ToolSettings(web=web)),
            observer=observe,
        )
    completed = result.stats.sub_agents - len(result.failures)
    return figures | {
        "asked": asked, "arrived": arrived, "untold": untold, "completed": completed,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(swarm(int(sys.argv[1]), int(sys.argv[2])))))
