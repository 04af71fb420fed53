"""`openswarm otel`: a recorded run goes to a collector, or is printed as a tree."""

import json
import sys
from pathlib import Path

import anyio.to_thread
import pytest
from command_line import Command, Done

from collector import collecting
from openswarm import run
from openswarm.core.errors import Fault, ModelError
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from swarm_scripts import FULL, batch, brief, calls, scripted

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("telemetry.command")]


def country(request: Request) -> Say:
    """Nothing is to be had on Laos."""
    if "Laos" in brief(request):
        return Say(error=ModelError(Fault.REFUSED, "not about Laos"))
    return Say(f"The capital is Santiago. {FULL}")


@pytest.fixture
async def ran() -> str:
    """A run of two sub-agents, one of which failed."""
    steps = [calls(batch(["Chile", "Laos"])), Say("One of two.")]
    await run("Do it.", model=scripted(steps, researcher=country), mode="swarm")
    return "last"


async def on_thread(command: Command, *arguments: str) -> Done:
    """A command line, beside the event loop that a collector needs."""
    return await anyio.to_thread.run_sync(lambda: command(*arguments))


async def test_a_run_is_sent_to_the_collector_that_is_named(openswarm: Command, ran: str) -> None:
    async with collecting() as collector:
        done = await on_thread(openswarm, "otel", ran, "--endpoint", collector.url)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"sent {len(collector.spans)} spans of run 2")
    assert collector.names.count("invoke_agent researcher") == 2
    assert "Santiago" not in str(collector.requests)


async def test_content_is_sent_where_it_is_asked_for(openswarm: Command, ran: str) -> None:
    async with collecting() as collector:
        await on_thread(openswarm, "otel", ran, "--endpoint", collector.url, "--content")
    assert "Santiago" in str(collector.requests)


async def test_the_collector_of_the_environment_is_taken_where_none_is_named(
    openswarm: Command, ran: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
        done = await on_thread(openswarm, "otel", ran)
    assert (done.code, "invoke_workflow swarm" in collector.names) == (0, True)


async def test_the_tree_is_printed_as_one_object(openswarm: Command, ran: str) -> None:
    done = await on_thread(openswarm, "otel", ran, "--json")
    tree = json.loads(done.out)
    (whole,) = tree["spans"]
    (orchestrator,) = whole["children"]
    assert (done.code, done.err, len(tree["trace_id"])) == (0, "", 32)
    assert whole["name"] == "invoke_workflow swarm"
    assert whole["attributes"]["swarm.outcome"] == "completed"
    steps = [child["name"] for child in orchestrator["children"]]
    assert steps == ["chat scripted", "execute_tool assign_batch", "chat scripted"]
    agents = orchestrator["children"][1]["children"]
    assert sorted(agent["error"] for agent in agents) == ["", "refused"]
    assert "Santiago" not in done.out
    again = await on_thread(openswarm, "otel", ran, "--json", "--content")
    assert "Santiago" in again.out


async def test_a_run_that_was_torn_off_is_printed_as_far_as_it_came(
    openswarm: Command, ran: str, home: Path
) -> None:
    (journal,) = (home / "runs").glob(f"*/{EVENTS_FILE}")
    data = journal.read_bytes()
    journal.write_bytes(data[: len(data) // 2])
    done = await on_thread(openswarm, "otel", ran, "--json")
    assert json.loads(done.out)["spans"][0]["attributes"]["swarm.unfinished"] is True
    journal.write_bytes(b"")
    empty = await on_thread(openswarm, "otel", ran, "--json")
    assert json.loads(empty.out) == {"trace_id": "", "spans": []}


async def test_a_collector_that_is_not_there_is_an_error(
    openswarm: Command, ran: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    done = await on_thread(openswarm, "otel", ran, "--endpoint", "http://127.0.0.1:9")
    assert done.code == 1
    assert done.err.startswith("error: the collector did not take it: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a collector: --endpoint http://HOST:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT"),
        (["--endpoint", "host:4318"], "'host:4318' is no collector; write http://HOST:4318"),
        (["--endpoint", "http://h", "--json"], "--json sends nothing"),
    ],
)
async def test_a_command_that_names_no_collector_says_how(
    arguments: list[str], said: str, openswarm: Command, ran: str
) -> None:
    done = await on_thread(openswarm, "otel", ran, *arguments)
    assert done.code == 2
    assert said in done.err


async def test_without_the_extra_it_says_what_to_install(
    openswarm: Command, ran: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    done = await on_thread(openswarm, "otel", ran, "--endpoint", "http://127.0.0.1:9")
    assert (done.code, "pip install 'openswarm[otel]'" in done.err) == (1, True)
