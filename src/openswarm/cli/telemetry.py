"""`openswarm otel`: a recorded run as an OpenTelemetry trace, sent to a collector or printed."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from openswarm.cli import options
from openswarm.cli.exits import say
from openswarm.cli.result import print_json
from openswarm.cli.text import count
from openswarm.core.errors import UserError
from openswarm.journal.index import resolve_run
from openswarm.journal.spans import Span, SpanEvent
from openswarm.modes.otlp import ENDPOINTS, endpoint_of, otlp_exporter
from openswarm.modes.settings import home_folder
from openswarm.modes.telemetry import (
    export_run,
    is_content_wanted,
    reader,
    recorded,
    spans_of,
)


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("otel", rich_help_panel="Look")(otel)


def otel(
    run: options.Run,
    endpoint: Annotated[
        str,
        typer.Option(
            help="The collector, by OTLP over HTTP.",
            metavar="URL",
            show_default=ENDPOINTS[1],
        ),
    ] = "",
    content: Annotated[
        bool,
        typer.Option("--content", help="Messages, arguments and results of tools as well."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the spans as a tree, and send nothing.")
    ] = False,
) -> None:
    """Sends a run as an OpenTelemetry trace: a span for each agent, reply and call.

    \b
    Examples:
      openswarm otel last --endpoint http://127.0.0.1:4318
      openswarm otel last --json

    A run can be sent again; its ids stay the same. What agents read and wrote stays out of it,
    unless you add --content.
    """
    folder = resolve_run(home_folder(), run)
    read = reader(folder) if content or is_content_wanted() else None
    if as_json:
        if endpoint:
            raise UserError("--json sends nothing; leave --endpoint or --json away")
        print_json(tree_object(spans_of(recorded(folder), read)))
        return
    if not endpoint and not endpoint_of():
        raise UserError(f"name a collector: --endpoint http://HOST:4318, or set {ENDPOINTS[1]}")
    exporter = otlp_exporter(endpoint)
    try:
        sent = export_run(folder, exporter, read=read)
    finally:
        exporter.shutdown()
    say(f"sent {count(sent, 'span')} of run {folder.name}")


def tree_object(spans: Iterable[Span]) -> dict[str, Any]:
    """Spans as one object: `trace_id`, and `spans`, each with its `children`, by their time."""
    ordered = sorted(spans, key=lambda span: (span.start, span.end, span.span_id))
    objects = {span.span_id: _object(span) for span in ordered}
    roots = []
    for span in ordered:
        siblings = objects[span.parent_id]["children"] if span.parent_id else roots
        siblings.append(objects[span.span_id])
    return {"trace_id": ordered[0].trace_id if ordered else "", "spans": roots}


def _object(span: Span) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind,
        "span_id": span.span_id,
        "start": span.start,
        "end": span.end,
        "error": span.error,
        "message": span.message,
        "attributes": dict(span.attributes),
        "events": [_event_object(event) for event in span.events],
        "links": list(span.links),
        "children": [],
    }


def _event_object(event: SpanEvent) -> dict[str, Any]:
    return {"name": event.name, "at": event.at, "attributes": dict(event.attributes)}
