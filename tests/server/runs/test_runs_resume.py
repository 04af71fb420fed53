"""Runs that ended early, or whose server was killed, go on; what was paid for is not paid again."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.to_thread
import pytest
from runs_client import knowing, runs_api
from served import TOKEN

from openswarm.llm.scripted import ScriptedModel

pytestmark = pytest.mark.anyio


def asked_of(model: ScriptedModel) -> dict[str, int]:
    """How often each agent was asked."""
    return {name: len(requests) for name, requests in model.requests.items()}


@pytest.mark.requirement("api.runs", "api.limits")
async def test_a_run_at_its_limit_goes_on_with_a_higher_one() -> None:
    model = knowing()
    async with runs_api(model) as api:
        run_id = await api.finished(limits={"steps": 3})
        seen = await api.snapshot(run_id)
        assert (seen["outcome"], seen["why"][:7]) == ("partial", "budget:")
        assert asked_of(model) == {"orchestrator": 1, "researcher": 2}
        refused = await api.post(f"/api/runs/{run_id}/resume", 400, limits={"steps": 0})
        assert refused["error"]["message"].startswith("limits.steps: ")
        await api.post(f"/api/runs/{run_id}/resume", 202, limits={"steps": 50}, attended=False)
        seen = await api.over(run_id)
        assert (seen["why"], seen["answer"]) == (
            "1 row is missing: Laos", "Santiago is the capital of Chile [c1].",
        )  # fmt: skip
        assert asked_of(model) == {"orchestrator": 2, "researcher": 2}


@pytest.mark.requirement("api.errors")
async def test_a_run_that_is_over_is_not_resumed() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        refused = await api.post(f"/api/runs/{run_id}/resume", 409)
        assert refused["error"]["code"] == "over"
        change = {"op": "set_cell", "row": "Peru", "column": "capital", "value": "Cusco"}
        await api.post(f"/api/runs/{run_id}/edits", 202, operations=[change])
        await api.over(run_id)
        await api.post(f"/api/runs/{run_id}/resume", 409)


@contextmanager
def server_process(script: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`openswarm serve` as another process, and its address."""
    command = [sys.executable, "-m", "openswarm", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--model", f"scripted:{script}", "--token", TOKEN],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ),
        cwd=script.parent,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"web view +(http://[0-9.:]+)/", line):
                yield process, found[1]
                break
    finally:
        process.kill()
        process.communicate()


def swarm_script(folder: Path) -> Path:
    """A model that finds three countries, of which one takes for ever."""
    items = {"agent": "researcher", "prompt_template": "Do {{item}}.", "items": ["A", "B", "C"]}
    found = "Found it, with its source and all that belongs to it. " * 5
    script = {
        "orchestrator": [
            {"calls": [{"name": "assign_batch", "arguments": items}]}, {"text": "Done."},
        ],
        "researcher": {
            "Do A.": [{"text": found}], "Do C.": [{"text": found}],
            "Do B.": [{"text": found, "delay_s": 3600}],
        },
    }  # fmt: skip
    path = folder / "script.json"
    path.write_text(json.dumps(script))
    return path


async def killed_half_way(url: str, process: "subprocess.Popen[str]") -> tuple[str, int]:
    """Begins a run, and kills its server when two of three have reported; the last event seen."""
    reports = last = 0
    async with aiohttp.ClientSession(url, headers={"x-api-key": TOKEN}) as client:
        task = {"task": "Do it all.", "mode": "swarm"}
        async with client.post("/api/runs", json=task) as answer:
            run_id = (await answer.json())["run_id"]
        async with client.get(f"/api/runs/{run_id}/events") as answer:
            while reports < 2:
                line = await answer.content.readline()
                last = int(line[4:]) if line.startswith(b"id: ") else last
                reports += b'"type":"report_received"' in line
    process.send_signal(signal.SIGKILL)
    await anyio.to_thread.run_sync(process.wait)
    return run_id, last


@pytest.mark.slow
@pytest.mark.requirement("api.shutdown", "api.last-event-id")
async def test_a_run_whose_server_was_killed_goes_on_at_another_one(tmp_path: Path) -> None:
    script = await anyio.to_thread.run_sync(swarm_script, tmp_path)
    opened: Any = server_process(script)
    process, url = await anyio.to_thread.run_sync(opened.__enter__)
    try:
        with anyio.fail_after(30):
            run_id, last = await killed_half_way(url, process)
    finally:
        await anyio.to_thread.run_sync(opened.__exit__, None, None, None)
    data = json.loads(await anyio.Path(script).read_text())
    data["researcher"]["Do B."][0].pop("delay_s")
    await anyio.Path(script).write_text(json.dumps(data))
    model = await anyio.to_thread.run_sync(ScriptedModel.from_file, script)
    async with runs_api(model) as api:
        seen = await api.snapshot(run_id)
        assert (seen["alive"], seen["here"], seen["outcome"]) == (False, False, None)
        assert (await api.get("/api/runs"))["runs"][0]["outcome"] == "interrupted"
        await api.post(f"/api/runs/{run_id}/resume", 202)
        missed = [event async for event in api.follow(run_id, str(last))]
        assert [int(event.id) for event in missed[:-1]] == [*range(last + 1, last + len(missed))]
        assert missed[-1].data["outcome"] == "completed"
        assert asked_of(model) == {"researcher": 1, "orchestrator": 1}
