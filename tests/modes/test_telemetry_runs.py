"""Every run, resume, edit, undo and question is exported by itself where a collector is named."""

from collections.abc import AsyncIterator

import anyio
import pytest
from telemetry_runs import RIVER, model, swarm_run, tools

import openswarm
from collector import Collector, collecting
from openswarm.core.errors import Fault, ModelError
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.scripted import Say
from swarm_scripts import scripted

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("telemetry.every-run")]

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """The collector that the environment names."""
    async with collecting() as made:
        monkeypatch.setenv(ENDPOINT, made.url)
        yield made


async def test_what_is_done_with_a_run_is_exported_once_each(collector: Collector) -> None:
    run = await swarm_run()
    run_id = run.result.run_id
    assert tops(collector) == ["invoke_workflow swarm"]
    run.cut(b"".join(run.lines[:-1]))
    await run.resumed()
    assert tops(collector) == ["invoke_workflow swarm"] * 2
    await openswarm.edit(run_id, RIVER, model=model(), tools=tools([]))
    assert tops(collector)[2:] == ["invoke_workflow edit"]
    answers = scripted([], asked=[Say("It is Santiago.")])
    await openswarm.ask(run_id, "Which capital?", model=answers)
    assert tops(collector)[3:] == ["invoke_agent asked"]
    await openswarm.undo(run_id)
    assert tops(collector)[4:] == ["invoke_workflow edit"]
    assert len({span.trace_id for span in collector.spans}) == 1


def tops(collector: Collector) -> list[str]:
    """The names of the spans that lie in no other, in the order in which they came."""
    return [span.name for span in collector.spans if not span.parent_span_id]


async def test_a_run_in_memory_is_exported_too(collector: Collector) -> None:
    done = scripted([Say("Done.")])
    await openswarm.run("Do it.", model=done, mode="swarm", journal=MemoryJournal("in-memory"))
    assert tops(collector) == ["invoke_workflow swarm"]


async def test_a_run_that_fails_is_exported_with_its_error(collector: Collector) -> None:
    broken = scripted([Say(error=ModelError(Fault.QUOTA, "no money"))])
    with pytest.raises(ModelError, match="no money"):
        await openswarm.run("Do it.", model=broken, mode="swarm")
    (run,) = [span for span in collector.spans if not span.parent_span_id]
    assert (run.status.code, run.status.message) == (2, "quota")


async def test_no_run_fails_for_a_collector_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setattr("openswarm.modes.telemetry.EXPORT_S", 0.3)
    with anyio.fail_after(10):
        result = await openswarm.run("Do it.", model=scripted([Say("Done.")]), mode="swarm")
    assert (result.outcome, result.answer) == ("completed", "Done.")
    assert [record.name for record in caplog.records] == ["openswarm.telemetry"]
