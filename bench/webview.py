"""The web view under a swarm: 300 agents and 1,000 events a second, in real Chromium.

The run is written by a process of its own (`webview_run`), served by another, and watched here. A
probe in the page notes the time between frames and the number of each event that arrives.
"""

import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import anyio
from playwright.async_api import Page, async_playwright

from bench.measure import Figure, Setting, median
from bench.webview_run import AGENTS, RATE, SECONDS
from openswarm.tools.browsing.chromium import find_chromium

FRAME_GAP_MS = 200.0
RUN = "bench-run"
TOKEN = "bench"
PROBE = """
window.seen = { gaps: [], ids: [], last: 0 };
const frame = (now) => {
  if (seen.last && seen.on) seen.gaps.push(now - seen.last);
  seen.last = now;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
const real = window.fetch;
window.fetch = async (...given) => {
  const answer = await real(...given);
  if (!String(given[0]).includes("/events")) return answer;
  const [mine, theirs] = answer.body.tee();
  const reader = mine.pipeThrough(new TextDecoderStream()).getReader();
  (async () => {
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("id:")) seen.ids.push(Number(line.slice(3)));
    }
  })();
  return new Response(theirs, { status: answer.status, headers: answer.headers });
};
"""
TABS = ("Agents", "Timeline")


def run(setting: Setting) -> list[Figure]:
    """A round a tab."""
    found = {tab: watched(setting, tab) for tab in TABS}
    figures = []
    for tab, seen in found.items():
        gaps, ids = seen["gaps"], seen["ids"]
        missing = seen["last"] - len(set(ids)) + sum(b - a != 1 for a, b in pairwise(ids))
        note = f"{len(gaps)} frames in {SECONDS} s, median gap {median(gaps):.0f} ms"
        figures += [
            Figure(f"{tab}, {AGENTS} agents: longest time between frames", max(gaps), FRAME_GAP_MS,
                   "ms", note=note),
            Figure(f"{tab}, {RATE:,} events a second: events missing, twice or out of order",
                   missing, 0, note=f"{seen['last']} events; shown at the end: {seen['shown']}"),
        ]  # fmt: skip
    return figures


def watched(setting: Setting, tab: str) -> dict[str, Any]:
    """One run watched in one tab."""
    home = setting.scratch / f"webview-{tab}"
    (home / "runs").mkdir(parents=True)
    environment = {**os.environ, "OPENSWARM_HOME": str(home), "OPENSWARM_TOKEN": TOKEN}
    script = home / "script.json"
    script.write_text(json.dumps({}))
    serve = [sys.executable, "-m", "openswarm", "serve", "--port", "0", "--model",
             f"scripted:{script}"]  # fmt: skip
    write = [sys.executable, "-m", "bench.webview_run", str(home / "runs" / RUN)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(serve, env=environment, **pipes) as server,
        subprocess.Popen(write, env=environment, **pipes) as writer,
    ):
        try:
            assert server.stdout and writer.stdout and writer.stdin
            greeting = ""
            while "#token=" not in greeting:
                greeting = server.stdout.readline()
            assert writer.stdout.readline() == "started\n"
            address = greeting.split()[-1].partition("/#")[0]
            seen = anyio.run(watch, address, tab, writer)
        finally:
            server.terminate()
            writer.kill()
    setting.say(f"{tab}: {len(seen['ids'])} events, longest gap {max(seen['gaps']):.0f} ms")
    return seen


async def watch(address: str, tab: str, writer: "subprocess.Popen[str]") -> dict[str, Any]:
    """Opens the run, lets it go on, and looks at the probe when the page has its last event."""
    async with async_playwright() as driver:
        chromium = find_chromium("", os.environ)
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.add_init_script(PROBE)
        await page.goto(f"{address}/#/run/{RUN}?token={TOKEN}")
        await page.get_by_role("tab", name=tab).click()
        await page.locator("#run-panel").get_by_text("thing 1").first.wait_for()
        await page.evaluate("seen.on = true")
        last = await anyio.to_thread.run_sync(_go_on, writer)
        await page.get_by_text(f"event {last:,} of").wait_for(timeout=60_000)
        seen = await _seen(page)
        await browser.close()
    return seen | {"last": last}


def _go_on(writer: "subprocess.Popen[str]") -> int:
    assert writer.stdin and writer.stdout
    writer.stdin.write("go\n")
    writer.stdin.flush()
    return int(writer.stdout.readline())


async def _seen(page: Page) -> dict[str, Any]:
    shown = await page.locator(".scrub-where").text_content()
    return {**await page.evaluate("({ gaps: seen.gaps, ids: seen.ids })"), "shown": shown}
