"""The adapter to OpenTelemetry: our spans as those of its SDK, and a collector that takes them.

Its packages are imported here alone, where they are needed (the extra `otel`).
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from openswarm.core.errors import EndpointError, Fault, SettingsError, UserError
from openswarm.core.version import VERSION
from openswarm.journal.spans import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The variables that name a collector; the first one that is set counts."""
TRACES_PATH = "/v1/traces"
_EXPORTER_LOG = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


class Exporter(Protocol):
    """Takes spans of the SDK: any of OpenTelemetry's span exporters."""

    def export(self, spans: "Sequence[ReadableSpan]") -> Any:
        """Sends a batch; the name of what it returns is `SUCCESS` or `FAILURE`."""
        ...

    def shutdown(self) -> None:
        """Lets go of everything; what waits gives up."""
        ...


def otlp_exporter(endpoint: str = "", *, timeout_s: float | None = None) -> Exporter:
    """Sends to a collector by OTLP over HTTP; a batch may take `timeout_s`, repeats included.

    `endpoint` is its address. What is not given here is taken from the environment, as are headers,
    certificates and compression. Raises `SettingsError`, and `UserError` for what is no address.
    """
    url = traces_url(endpoint) if endpoint else None
    _check(endpoint or endpoint_of())
    with _extra():
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    session = requests.Session()
    session.stream = True  # what a collector answers beyond its status is not read
    try:
        return OTLPSpanExporter(endpoint=url, timeout=timeout_s, session=session)
    except (ValueError, OSError) as error:
        raise SettingsError(f"the environment's OTEL_EXPORTER_OTLP_…: {error}") from None


def traces_url(endpoint: str) -> str:
    """Where a collector takes traces. Raises `UserError` for what is no address of one."""
    endpoint = endpoint.strip().rstrip("/")
    _check(endpoint)
    return endpoint if endpoint.endswith(TRACES_PATH) else endpoint + TRACES_PATH


def endpoint_of(environ: Mapping[str, str] = os.environ) -> str:
    """The collector that the environment names, or ''."""
    return next((value for name in ENDPOINTS if (value := environ.get(name, "").strip())), "")


def _check(endpoint: str) -> None:
    try:
        url = urlsplit(endpoint)
        _ = url.port  # raises for a port that is none
        is_address = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        raise UserError(f"{endpoint!r} is no collector; write http://HOST:4318")


def to_sdk() -> "Callable[[Span], ReadableSpan]":
    """Makes the SDK's spans of ours. Raises `SettingsError` without the extra."""
    with _extra():
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "openswarm"}))
    scope = InstrumentationScope("openswarm", VERSION)
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)

    def place(span: Span, span_id: str) -> trace.SpanContext:
        return trace.SpanContext(int(span.trace_id, 16), int(span_id, 16), False, flags)

    def convert(span: Span) -> ReadableSpan:
        failed = trace.Status(trace.StatusCode.ERROR, span.message or span.error)
        return ReadableSpan(
            name=span.name,
            context=place(span, span.span_id),
            parent=place(span, span.parent_id) if span.parent_id else None,
            resource=resource,
            attributes=dict(span.attributes),
            events=[Event(e.name, dict(e.attributes), _nanoseconds(e.at)) for e in span.events],
            links=[trace.Link(place(span, link)) for link in span.links],
            kind=trace.SpanKind.CLIENT if span.kind == "client" else trace.SpanKind.INTERNAL,
            status=failed if span.error else trace.Status(),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(span.end),
            instrumentation_scope=scope,
        )

    return convert


def _nanoseconds(at: float) -> int:
    return int(at * 1e6) * 1000


def send(exporter: Exporter, spans: "Sequence[ReadableSpan]") -> None:
    """Hands a batch over. Raises `EndpointError` saying why it was not taken."""
    with _heard() as said:
        try:
            result = exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - any exporter can be handed in
            raise EndpointError(Fault.UNREACHABLE, f"the exporter failed: {error}") from None
    if getattr(result, "name", "") != "SUCCESS":
        why = said[0] if said else "it gave no reason"
        raise EndpointError(Fault.UNREACHABLE, f"the collector did not take it: {why}")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the exporter logs in this thread, which then goes nowhere else."""
    said: list[str] = []
    own = threading.get_ident()

    def hear(record: logging.LogRecord) -> bool:
        if record.thread == own:
            said.append(record.getMessage())
        return record.thread != own

    log = logging.getLogger(_EXPORTER_LOG)
    log.addFilter(hear)
    try:
        yield said
    finally:
        log.removeFilter(hear)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise SettingsError("traces need OpenTelemetry: pip install 'openswarm[otel]'") from None
