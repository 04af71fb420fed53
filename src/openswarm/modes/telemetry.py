"""Telemetry: runs as OpenTelemetry traces. Owns what of a run is exported, and when.

`after` exports what a process did, where the environment names a collector; `export_run` hands a
recorded run to any exporter. Which spans there are is `journal.span_fold`'s business, and `otlp`
knows OpenTelemetry.
"""

import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.events import AnyEvent, Content, GenerationStarted
from openswarm.journal.folder import read_blob
from openswarm.journal.journal import Journal
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.journal.span_fold import SpanFold
from openswarm.journal.span_words import Made, Words
from openswarm.journal.spans import Span
from openswarm.modes.otlp import Exporter, endpoint_of, otlp_exporter, send, to_sdk
from openswarm.swarm.stages import Stages

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CONTENT_ON = ("true", "1", "span_only", "span_and_event")
EXPORT_S = 5.0
"""What the export of a run may take when it ends."""
BATCH_S = 2.0
"""And what one batch of it may take, so that a collector that is not there is given up sooner."""
BATCH_SPANS = 512
BATCH_CHARS = 2_000_000
LOG = logging.getLogger("openswarm.telemetry")

Read = Callable[[Content], str]


# what is exported


def spans_of(events: Iterable[AnyEvent], read: Read | None = None) -> Iterator[Span]:
    """The spans of a run with its figures, each as soon as it is over.

    `read` gives texts of the run; content is exported where it is given.
    """
    stages = Stages()
    fold = SpanFold(Words(read), lambda: _figures(stages))
    for event in events:
        yield from fold.apply(event)
        if isinstance(event, GenerationStarted):
            stages = Stages()
        stages.apply(event)
    yield from fold.finish()


def _figures(stages: Stages) -> Made:
    return {
        "swarm.sub_agents": len(stages.steps),
        "swarm.stages": len(stages.stages),
        "swarm.critical_steps": stages.critical_steps,
        "swarm.total_steps": stages.total_steps,
        "swarm.parallelism": round(stages.parallelism, 2),
        "swarm.max_in_flight": stages.max_in_flight,
    }


def recorded(folder: Path) -> Iterator[AnyEvent]:
    """The events of a run folder. Raises `JournalError` where it is damaged."""
    return read_events(folder / EVENTS_FILE)


def reader(folder: Path) -> Read:
    """Reads the texts of a run folder."""
    return lambda c: read_blob(folder, c.blob).decode("utf-8", "replace") if c.blob else c.text


def export_run(
    run: Path | Sequence[AnyEvent],
    exporter: Exporter,
    *,
    read: Read | None = None,
    since: int = 0,
) -> int:
    """Hands a run, by its folder or its events, to an exporter; how many spans it has taken.

    Of a run that went on, `since` leaves out the run, edits and questions in which nothing happened
    after its first so many events.
    Blocks. Raises `EndpointError` when the exporter fails, `SettingsError` without the extra.
    """
    convert = to_sdk()

    def events() -> Iterable[AnyEvent]:
        return recorded(run) if isinstance(run, Path) else run

    spans, count = spans_of(events(), read), 0
    if since:
        tops = (span for span in spans_of(events()) if not span.parent_id)
        newer = {span.span_id for span in tops if span.last_seq > since}
        spans = (span for span in spans if span.top_id in newer)
    for batch in _batches(spans):
        send(exporter, [convert(span) for span in batch])
        count += len(batch)
    return count


def _batches(spans: Iterator[Span]) -> Iterator[list[Span]]:
    """Batches that stay small enough for a collector."""
    while batch := list(itertools.islice(spans, 1)):
        size = batch[0].size
        while len(batch) < BATCH_SPANS and size < BATCH_CHARS:
            span = next(spans, None)
            if span is None:
                break
            batch.append(span)
            size += span.size
        yield batch


# when a run ends


async def after(
    journal: Journal, since: int = 0, *, content: bool = False, within_s: float | None = None
) -> None:
    """Exports what happened in a run after its first `since` events, if the environment names a
    collector.

    It never fails the run: what goes wrong, or takes longer, is one warning in the log. Without a
    collector nothing is imported or read. The environment can ask for content, too.
    """
    if not is_wanted():
        return
    within_s = EXPORT_S if within_s is None else within_s
    read = journal.read if content or is_content_wanted() else None
    try:
        why = f"it took longer than {within_s:g} s"
        with anyio.move_on_after(within_s, shield=True):
            await _export_in_thread(journal, since, read, within_s)
            why = ""
    except Exception as error:  # noqa: BLE001 - no run is to fail for its trace
        why = str(error) or type(error).__name__
    if why:
        LOG.warning("the trace of run %s was not exported: %s", journal.run_id, why[:500])


async def _export_in_thread(
    journal: Journal, since: int, read: Read | None, within_s: float
) -> None:
    events = await anyio.to_thread.run_sync(journal.events)
    if len(events) <= since:
        return
    timeout_s = min(within_s, BATCH_S)
    exporter = await anyio.to_thread.run_sync(lambda: otlp_exporter(timeout_s=timeout_s))
    try:
        await anyio.to_thread.run_sync(
            lambda: export_run(events, exporter, read=read, since=since), abandon_on_cancel=True
        )
    finally:
        exporter.shutdown()


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names a collector, and does not forbid traces."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_off = is_off or environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not is_off and bool(endpoint_of(environ))


def is_content_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for messages, arguments and results."""
    return environ.get(CONTENT, "").strip().lower() in CONTENT_ON
