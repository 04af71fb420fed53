"""A collector of OpenTelemetry on loopback: takes OTLP over HTTP and decodes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(slots=True)
class Collector:
    """What a collector on loopback was sent."""

    url: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """All spans, as they came."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.spans]


@asynccontextmanager
async def collecting(
    status: int = 200, hang: anyio.Event | None = None
) -> AsyncIterator[Collector]:
    """A collector that takes OTLP over HTTP, and answers so or not at all."""
    collector = Collector()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        collector.headers.append(dict(request.headers))
        try:
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
        except DecodeError:
            return web.Response(status=400)
        if hang is not None:
            await hang.wait()
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()
