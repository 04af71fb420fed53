"""Runs as OpenTelemetry traces: one golden tree, and the same in the SDK."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from recorded import Recorded, record
from telemetry_runs import eventful_run, swarm_run

from openswarm.core.errors import EndpointError
from openswarm.core.events import AnyEvent, ModelReplied, Resumed
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.spans import Span
from openswarm.llm.scripted import Say
from openswarm.modes import telemetry
from openswarm.modes.telemetry import export_run, reader, spans_of
from span_trees import CONTENT_NAMES, GENAI_NAMES, check_tree, only, shown
from swarm_scripts import scripted

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).with_name("telemetry_tree.txt")


@pytest.fixture
async def eventful() -> Recorded:
    """A run that was killed, resumed and edited."""
    return await eventful_run()


@pytest.mark.requirement("telemetry.tree")
async def test_the_tree_of_a_run_that_was_killed_resumed_and_edited(eventful: Recorded) -> None:
    spans = list(spans_of(eventful.events()))
    check_tree(spans)
    assert f"{shown(spans)}\n" == GOLDEN.read_text("utf-8")


@pytest.mark.requirement("telemetry.tree")
async def test_the_tree_of_a_run_cut_anywhere_is_a_tree() -> None:
    run = await swarm_run()
    sizes = []
    for data in run.cuts(0, torn=True):
        spans = list(spans_of(run.cut(data)))
        check_tree(spans)
        sizes.append(len(spans))
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (0, len(list(spans_of(run.events()))))


@pytest.mark.requirement("telemetry.names")
def test_the_names_of_the_conventions_are_those_of_their_own_package() -> None:
    named = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    assert (GENAI_NAMES | CONTENT_NAMES) - named == {"error.type"}


# the SDK


@pytest.mark.requirement("telemetry.tree")
async def test_the_sdk_is_given_the_same_tree(eventful: Recorded) -> None:
    exporter = InMemorySpanExporter()
    sent = await anyio.to_thread.run_sync(export_run, eventful.folder, exporter)
    ours = {span.span_id: span for span in spans_of(eventful.events())}
    theirs = exporter.get_finished_spans()
    assert sent == len(theirs) == len(ours)
    for span in theirs:
        assert as_ours(span) == summary(ours[f"{span.context.span_id:016x}"])
    assert {span.resource.attributes["service.name"] for span in theirs} == {"openswarm"}
    first = {span.context.span_id for span in theirs}
    exporter.clear()
    await anyio.to_thread.run_sync(export_run, eventful.events(), exporter)
    assert {span.context.span_id for span in exporter.get_finished_spans()} == first


def summary(span: Span) -> dict[str, Any]:
    """What has to arrive of a span."""
    return {
        "name": span.name,
        "trace": int(span.trace_id, 16),
        "parent": int(span.parent_id, 16) if span.parent_id else None,
        "kind": span.kind,
        "attributes": dict(span.attributes),
        "events": [(event.name, dict(event.attributes)) for event in span.events],
        "links": [int(link, 16) for link in span.links],
        "error": span.error,
        "times": pytest.approx((span.start, span.end), abs=2e-6),
    }


def as_ours(span: ReadableSpan) -> dict[str, Any]:
    """The same of a span of the SDK."""
    return {
        "name": span.name,
        "trace": span.context.trace_id,
        "parent": span.parent.span_id if span.parent else None,
        "kind": span.kind.name.lower(),
        "attributes": dict(span.attributes or {}),
        "events": [(event.name, dict(event.attributes or {})) for event in span.events],
        "links": [link.context.span_id for link in span.links],
        "error": span.status.description or "",
        "times": (span.start_time / 1e9, span.end_time / 1e9),
    }


class Broken(InMemorySpanExporter):
    """An exporter that breaks."""

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        raise RuntimeError("out of paper")


def test_an_exporter_that_fails_is_an_error_that_says_why() -> None:
    shut = InMemorySpanExporter()
    shut.shutdown()
    with pytest.raises(EndpointError, match="it gave no reason"):
        export_run(one_event(), shut)
    with pytest.raises(EndpointError, match="the exporter failed: out of paper"):
        export_run(one_event(), Broken())


def one_event() -> Sequence[AnyEvent]:
    """The shortest run."""
    journal = MemoryJournal()
    journal.append(Resumed())
    return journal.events()


def test_large_runs_are_sent_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "BATCH_SPANS", 2)
    journal = MemoryJournal()
    for number in range(6):
        journal.append(ModelReplied(agent=f"ask/{number}", model="m"))
    sizes: list[int] = []

    class Counting(InMemorySpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            sizes.append(len(spans))
            return super().export(spans)

    assert export_run(journal.events(), Counting()) == 12
    assert sizes == [2] * 6


@pytest.mark.requirement("telemetry.content")
async def test_long_texts_are_read_from_their_blobs(tmp_path: Path) -> None:
    long = "The capital is Santiago. " * 400
    run = await record(lambda: scripted([Say(long)]), lambda _: (), mode="swarm")
    agent = only(list(spans_of(run.events(), reader(run.folder))), "invoke_agent orchestrator")
    (said,) = json.loads(str(agent.attributes["gen_ai.output.messages"]))
    assert said["parts"] == [{"type": "text", "content": long}]
