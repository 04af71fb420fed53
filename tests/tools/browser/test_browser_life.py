"""How long browsers live: started at first use, a context an agent, nothing left afterwards."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from aiohttp import web
from browsing_site import NO_CHROMIUM, Hand, Site, browsing, chromium_processes, descendants, named

from openswarm.core.errors import SettingsError, ToolError
from openswarm.tools.browsing.session import Timings
from openswarm.tools.tool import Tool

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.requirement("browser.real"),
    pytest.mark.skipif(NO_CHROMIUM, reason="no Chromium is installed: apt install chromium"),
]

COOKIE = """<p id="out"></p><script>const before = document.cookie;
    document.cookie = 'who=' + location.search.slice(1) + ';max-age=999';
    localStorage.who = localStorage.who || location.search.slice(1);
    out.textContent = '[' + before + '] ' + localStorage.who</script>"""


PATIENT = Timings(navigation_s=30, action_s=20, settle_s=3)


class Watched:
    """Processes whose end is waited for, without a look at the clock."""

    def __init__(self, pids: list[int], stack: ExitStack) -> None:
        self._files = []
        for pid in pids:
            try:
                self._files.append(file := os.pidfd_open(pid))
            except ProcessLookupError:
                continue
            stack.callback(os.close, file)

    async def ended(self, within_s: float = 10.0) -> None:
        """Returns when all of them have ended."""
        with anyio.fail_after(within_s):
            for file in self._files:
                await anyio.wait_readable(file)


async def test_chromium_starts_at_the_first_use_and_ends_with_the_run(site: Site) -> None:
    """One process of it for all agents."""
    site.pages["/plain"] = "<p>plain words</p>"
    with ExitStack() as stack:
        before = chromium_processes("")
        async with browsing(site.host) as tool:
            assert chromium_processes("") == before
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(lambda: Hand(tool).view("open", url=site.url("/plain")))
            started = [pid for pid in chromium_processes("") if pid not in before]
            assert len(started) == 1
            watched = Watched([*started, *descendants(started[0])], stack)
        await watched.ended()


async def test_each_agent_has_cookies_of_its_own_and_twenty_work_at_once(site: Site) -> None:
    """And a release lets go of them."""
    site.pages["/cookie"] = COOKIE
    async with browsing(site.host, timings=PATIENT) as tool:
        await twenty(tool, site)


async def twenty(tool: Tool, site: Site) -> None:
    """Twenty agents that open a page twice, then one that was released."""
    hands = [Hand(tool) for _ in range(20)]
    texts: dict[str, str] = {}

    async def visit(hand: Hand) -> None:
        name = hand.agent.replace("/", "-")
        await hand.view("open", url=site.url(f"/cookie?{name}"))
        texts[name] = (await hand.view("open", url=site.url(f"/cookie?{name}"))).text.strip()

    async with anyio.create_task_group() as tasks:
        for hand in hands:
            tasks.start_soon(visit, hand)
    assert texts == {name: f"[who={name}] {name}" for name in texts}
    assert len(texts) == 20
    for hand in hands:
        assert await tool.release(hand.agent, True) == ""
    again = await hands[0].view("open", url=site.url("/cookie?x"))
    assert again.text.strip() == "[] x"
    assert await tool.release("root/unknown", False) == ""


async def test_the_page_that_was_idle_longest_makes_room(site: Site) -> None:
    """Its agent is told, and opens it again."""
    site.pages["/plain"] = "<p>plain words</p>"
    async with browsing(site.host, contexts=2) as tool:
        first, second, third = (Hand(tool) for _ in range(3))
        for hand in (first, second, first, third):
            await hand.view("open", url=site.url("/plain"))
        assert (await first.view("scroll")).address == site.url("/plain")
        with pytest.raises(ToolError, match="is gone, other agents needed its place"):
            await second.do("read")
        assert (await second.view("open", url=site.url("/plain"))).address == site.url("/plain")


@pytest.mark.parametrize(
    ("kind", "why"),
    [("renderer", "it crashed"), ("", "it was closed|the browser crashed")],
    ids=["page", "browser"],
)
async def test_what_crashed_is_made_anew_at_the_next_call(kind: str, why: str, site: Site) -> None:
    """And the agent is told what it lost."""
    site.pages["/plain"] = "<p>plain words</p>"
    async with browsing(site.host) as tool:
        before = chromium_processes(kind)
        hand = Hand(tool)
        await hand.view("open", url=site.url("/plain"))
        with ExitStack() as stack:
            mine = [pid for pid in chromium_processes(kind) if pid not in before]
            watched = Watched(mine, stack)
            for pid in mine:
                os.kill(pid, signal.SIGKILL)
            await watched.ended()
        with pytest.raises(ToolError, match=f"is gone.*({why})"):
            while True:
                await hand.do("scroll")
        assert "plain words" in (await hand.view("open", url=site.url("/plain"))).text


async def test_a_crash_that_nobody_noticed_costs_no_call(site: Site) -> None:
    """The browser dies between two calls, and the next one asks for a page of its own."""
    site.pages["/plain"] = "<p>plain words</p>"
    async with browsing(site.host) as tool:
        before = chromium_processes("")
        await Hand(tool).view("open", url=site.url("/plain"))
        with ExitStack() as stack:
            mine = [pid for pid in chromium_processes("") if pid not in before]
            watched = Watched(mine, stack)
            for pid in mine:
                os.kill(pid, signal.SIGKILL)
            await watched.ended()
        assert "plain words" in (await Hand(tool).view("open", url=site.url("/plain"))).text


async def test_a_cancelled_call_leaves_a_page_that_works(site: Site, hand: Hand) -> None:
    """Cancelled at any point of opening, also the first time."""
    site.pages["/plain"] = "<p>plain words</p>"
    arrived = anyio.Event()

    async def never(_: web.Request) -> web.Response:
        arrived.set()
        await anyio.sleep_forever()
        raise AssertionError

    site.pages["/never"] = never
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: hand.do("open", url=site.url("/never")))
        await arrived.wait()
        tasks.cancel_scope.cancel()
    other = Hand(hand.tool)
    with anyio.move_on_after(0.01):
        await other.do("open", url=site.url("/plain"))
    for each in (hand, other):
        assert "plain words" in (await each.view("open", url=site.url("/plain"))).text
    await hand.tool.release(other.agent, False)


async def test_calls_of_one_agent_take_turns(site: Site, hand: Hand) -> None:
    """Though a model asked for them at once."""
    site.pages["/form"] = "<input aria-label=A><input aria-label=B>"
    view = await hand.view("open", url=site.url("/form"))
    async with anyio.create_task_group() as tasks:
        for name in ("A", "B"):
            call = (lambda n: lambda: hand.view("type", element=named(view, n), text=n))(name)
            tasks.start_soon(call)
    view = await hand.view("scroll", screens=0)
    assert {element.value for element in view.elements} == {"A", "B"}


KILLED = """
import sys, anyio
sys.path.insert(0, {tests!r})
from browsing_site import browsing, Hand, serving

async def main():
    async with serving() as site, browsing(site.host) as tool:
        site.pages["/busy"] = "<p>x</p><script>setTimeout(() => {{ while (true); }}, 2000)</script>"
        for _ in range(3):
            await Hand(tool).do("open", url=site.url("/busy"))
        print("ready", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


def started_runtime() -> subprocess.Popen[str]:
    """A process that browses, and says so."""
    code = KILLED.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("driver_too", [False, True], ids=["runtime", "runtime and driver"])
async def test_nothing_survives_a_killed_runtime(driver_too: bool) -> None:
    """Chromium hangs on a pipe to its driver, and that on one to the runtime."""
    with ExitStack() as stack:
        child = stack.enter_context(started_runtime())
        assert child.stdout is not None
        line = await anyio.to_thread.run_sync(child.stdout.readline)
        assert line == "ready\n"
        below = descendants(child.pid)
        assert sum("--type=renderer" in command for command in below.values()) >= 3
        watched = Watched(list(below), stack)
        drivers = [pid for pid, command in below.items() if "run-driver" in command]
        assert drivers
        for pid in [child.pid, *(drivers if driver_too else ())]:
            os.kill(pid, signal.SIGKILL)
        await watched.ended()


async def test_a_browser_that_does_not_start_says_so(tmp_path: Path, monkeypatch, site) -> None:
    """With the program that was tried."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho no display >&2; exit 3\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with browsing(site.host) as tool:
        with pytest.raises(SettingsError, match=r"chromium did not start"):
            await Hand(tool).do("open", url=site.url("/"))
