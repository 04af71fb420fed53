"""Traces on their way to a collector: every run is exported where one is named, and no run notices
when that fails."""

import subprocess
import sys
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from recorded import Recorded
from telemetry_runs import RIVER, eventful_run, model, swarm_run, tools

import openswarm
from collector import collecting
from openswarm.core.errors import SettingsError, UserError
from openswarm.journal.folder import FolderJournal
from openswarm.modes import telemetry
from openswarm.modes.otlp import otlp_exporter, traces_url
from openswarm.modes.telemetry import after, export_run, spans_of

pytestmark = pytest.mark.anyio

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.requirement("telemetry.tree")
async def test_a_collector_is_sent_the_same_tree() -> None:
    eventful = await eventful_run()
    ours = list(spans_of(eventful.events()))
    async with collecting() as collector:
        exporter = otlp_exporter(collector.url)
        sent = await anyio.to_thread.run_sync(export_run, eventful.folder, exporter)
        exporter.shutdown()
    assert sent == len(ours)
    arrived = {
        s.span_id.hex(): (s.name, s.trace_id.hex(), s.parent_span_id.hex()) for s in collector.spans
    }
    assert arrived == {s.span_id: (s.name, s.trace_id, s.parent_id) for s in ours}
    (request,) = collector.requests
    (resource,) = request.resource_spans
    described = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert described["service.name"] == "openswarm"


@pytest.mark.requirement("telemetry.content")
async def test_a_collector_gets_words_only_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await swarm_run()
    for variable, wanted in (("", False), ("no_content", False), ("true", True)):
        monkeypatch.setenv(telemetry.CONTENT, variable)
        async with collecting() as collector:
            monkeypatch.setenv(ENDPOINT, collector.url)
            await exported(run)
        assert ("All about Chile." in str(collector.requests)) is wanted
        assert ("All but Laos." in str(collector.requests)) is wanted


async def exported(run: Recorded, since: int = 0, **options: Any) -> None:
    """What is done when a process is through with a run."""
    journal = FolderJournal.reopen(run.folder)
    try:
        await after(journal, since, **options)
    finally:
        journal.close()


@pytest.mark.requirement("telemetry.every-run")
async def test_a_run_is_exported_where_the_environment_names_a_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await swarm_run()
    async with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=swarm")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "atlas")
        await exported(run)
    assert collector.names.count("invoke_agent researcher") == 2
    assert collector.headers[0]["x-team"] == "swarm"
    assert 'string_value: "atlas"' in str(collector.requests[0])


@pytest.mark.requirement("telemetry.every-run")
async def test_an_edit_exports_the_edit_and_not_the_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await swarm_run()
    since = len(run.events())
    await openswarm.edit(run.result.run_id, RIVER, model=model(), tools=tools([]))
    async with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        await exported(run, since)
        assert collector.names[-1] == "invoke_workflow edit"
        assert "invoke_workflow swarm" not in collector.names
        await exported(run, len(run.events()))
        assert len(collector.requests) == 1


@pytest.mark.requirement("telemetry.every-run")
@pytest.mark.parametrize(
    ("status", "why"), [(500, "500"), (401, "401"), (404, "404"), (0, "it took longer than 0.2 s")]
)
async def test_a_collector_that_fails_is_one_warning_and_no_error(
    status: int, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = await swarm_run()
    never = anyio.Event()
    async with collecting(status or 200, None if status else never) as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        with anyio.fail_after(5):
            await exported(run, within_s=2.0 if status else 0.2)
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"the trace of run {run.result.run_id} was not exported: ")
    assert why in said or (not status and "timed out" in said)


@pytest.mark.requirement("telemetry.every-run")
@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "127.0.0.1:4318", "grpc://x", "http://"])
async def test_a_collector_that_is_not_there_is_one_warning_and_no_error(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = await swarm_run()
    monkeypatch.setenv(ENDPOINT, address)
    with anyio.fail_after(5):
        await exported(run, within_s=0.5)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "was not exported" in caplog.text


@pytest.mark.requirement("telemetry.every-run")
async def test_a_run_that_was_cancelled_is_exported_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await swarm_run()
    async with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await exported(run)
    assert "invoke_workflow swarm" in collector.names


@pytest.mark.requirement("telemetry.every-run")
async def test_a_missing_extra_is_a_warning_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = await swarm_run()
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    await exported(run)
    assert "pip install 'openswarm[otel]'" in caplog.text
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[otel\]'"):
        export_run(run.folder, InMemorySpanExporter())


@pytest.mark.requirement("telemetry.every-run")
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {ENDPOINT: " "},
        {ENDPOINT: "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {ENDPOINT: "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_a_collector_nothing_is_imported(environment: dict[str, str]) -> None:
    code = (
        "import sys, anyio\n"
        "from openswarm.journal.journal import MemoryJournal\n"
        "from openswarm.modes.telemetry import after\n"
        "anyio.run(after, MemoryJournal())\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('opentelemetry', 'requests')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        (" https://host/otlp/ ", "https://host/otlp/v1/traces"),
        ("http://host:4318/v1/traces", "http://host:4318/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_the_address_of_a_collector_leads_to_its_traces(given: str, url: str) -> None:
    assert traces_url(given) == url


@pytest.mark.parametrize(
    "given",
    ["", "host:4318", "grpc://host", "http://", "http://h:99999", "http://h:x"],
)
def test_what_is_no_address_of_a_collector_is_refused(given: str) -> None:
    with pytest.raises(UserError, match="write http://HOST:4318"):
        traces_url(given)
