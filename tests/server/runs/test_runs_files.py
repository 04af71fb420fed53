"""What a run leaves: exported files, blobs and transcripts, and no way out of its folder."""

import io
import json
import zipfile
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import yarl
from runs_client import Runs, knowing, runs_api

from openswarm.core.messages import ToolCall
from openswarm.journal.folder import FolderJournal
from openswarm.llm.scripted import Say
from swarm_scripts import calls

pytestmark = pytest.mark.anyio
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}


async def exported(api: Runs, run_id: str, kind: str) -> bytes:
    """The bytes of an exported file."""
    path = f"/api/runs/{run_id}/export"
    async with api.server.client.get(path, params={"format": kind}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["content-type"] == FORMATS[kind]
        name = f'attachment; filename="{run_id}.{kind}"'
        assert answer.headers["content-disposition"] == name
        assert answer.headers["x-content-type-options"] == "nosniff"
        return await answer.read()


@pytest.mark.requirement("api.export")
async def test_a_table_is_exported_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "made"))
    await anyio.Path(tmp_path / "made").mkdir()
    async with runs_api() as api:
        run_id = await api.finished()
        files = {kind: await exported(api, run_id, kind) for kind in FORMATS}
    assert files["csv"].splitlines()[:2] == [b"country,capital,population", b"Chile,Santiago,19"]
    assert json.loads(files["json"])["rows"][2]["capital"] == "Vientiane"
    assert b"| Peru |" in files["md"]
    assert files["xlsx"].startswith(b"PK")
    assert files["parquet"].startswith(b"PAR1")
    names = zipfile.ZipFile(io.BytesIO(files["zip"])).namelist()
    assert f"{run_id}/events.jsonl" in names
    assert [path async for path in anyio.Path(tmp_path / "made").iterdir()] == []


@pytest.mark.requirement("api.export")
async def test_an_answer_without_a_table_is_exported_as_text() -> None:
    async with runs_api(knowing(instant=[Say("Just so.")])) as api:
        run_id = await api.finished(mode="instant", columns="")
        assert b"Just so." in await exported(api, run_id, "md")
        assert json.loads(await exported(api, run_id, "json"))["answer"] == "Just so."
        for kind, words in (("csv", "no table"), ("exe", "format"), ("", "format")):
            refused = await api.get(f"/api/runs/{run_id}/export", 400, format=kind)
            assert words in refused["error"]["message"]
        await api.get(f"/api/runs/{run_id}/export", 400)


@pytest.mark.requirement("api.export")
async def test_keys_of_this_computer_are_taken_out_of_a_packed_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with runs_api(knowing(instant=[Say("It is hunter2hunter2.")])) as api:
        run_id = await api.finished(mode="instant", columns="")
        monkeypatch.setenv("SOME_SECRET", "hunter2hunter2")
        packed = zipfile.ZipFile(io.BytesIO(await exported(api, run_id, "zip")))
    assert not [name for name in packed.namelist() if b"hunter2" in packed.read(name)]


async def with_blob(api: Runs, data: bytes) -> tuple[str, str]:
    """A finished run with a blob of these bytes; its id and the blob's name."""
    run_id = await api.finished(mode="instant", columns="")

    def keep() -> str:
        journal = FolderJournal.reopen(api.server.home / "runs" / run_id)
        name = journal.keep_bytes(data)
        journal.close()
        return name

    return run_id, await anyio.to_thread.run_sync(keep)


@pytest.mark.requirement("api.export", "api.untrusted-folders")
@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("image/png", "image/png"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/html", "application/octet-stream"),
        ("image/png\r\nx-y: z", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
async def test_a_blob_is_shown_as_text_or_picture_and_runs_nothing(wanted: str, given: str) -> None:
    async with runs_api(knowing(instant=[Say("Yes.")])) as api:
        run_id, name = await with_blob(api, b"<script>alert(1)</script>")
        path = f"/api/runs/{run_id}/blobs/{name}"
        async with api.server.client.get(path, params={"type": wanted}) as answer:
            assert answer.headers["content-type"] == given
            shown = "content-disposition" not in answer.headers
            assert shown == (given != "application/octet-stream")
            assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert await answer.read() == b"<script>alert(1)</script>"


@pytest.mark.requirement("api.untrusted-folders")
async def test_no_name_and_no_link_leads_out_of_a_run(tmp_path: Path) -> None:
    async with runs_api(knowing(instant=[Say("Yes.")])) as api:
        run_id = await api.finished(mode="instant", columns="")
        blobs = anyio.Path(api.server.home) / "runs" / run_id / "blobs"
        await anyio.Path(tmp_path / "secret").write_text("hidden")
        await (blobs / ("a" * 64)).symlink_to(tmp_path / "secret")
        await (blobs / ("b" * 64)).mkdir()
        for name in (
            "a" * 64, "b" * 64, "c" * 64, "A" * 64, "..%2fevents.jsonl", "%2e%2e", "x", "a" * 63,
            "..%2f..%2f..%2fsettings.toml", "%00", "a" * 64 + "%00",
        ):  # fmt: skip
            url = f"{api.server.url}/api/runs/{run_id}/blobs/{name}"
            async with api.server.client.get(raw(url)) as answer:
                assert answer.status == 404, name
        await (blobs.parent.parent / "linked").symlink_to(blobs.parent)
        await api.get("/api/runs/linked", 404)


def raw(url: str) -> yarl.URL:
    """An address that is sent as it is written."""
    return yarl.URL(url, encoded=True)


@pytest.mark.requirement("api.runs")
async def test_a_transcript_says_what_was_said_and_cuts_what_is_long() -> None:
    long = Say("So it is. " * 3000, reasoning="Let me think.")
    model = knowing(agent=[calls(("python", {"code": "1"}), text="I compute."), long])
    async with runs_api(model) as api:
        run_id = await api.finished(mode="agent", columns="")
        seen = await api.get(f"/api/runs/{run_id}/transcript")
        refused = await api.get(f"/api/runs/{run_id}/transcript", 404, agent='root/9","x')
    assert (seen["agent"], seen["brief"]) == ("root", "Find them.")
    first, told, last = seen["turns"]
    (call,) = first["calls"]
    assert ToolCall(**call).name == "python"
    assert (first["text"], first["tokens"]["input"], first["role"]) == (
        "I compute.",
        100,
        "assistant",
    )
    assert (told["role"], told["call_id"], told["ok"]) == ("tool", call["id"], False)
    assert (last["reasoning"], len(last["text"]), last["cut"]) == ("Let me think.", 20_000, True)
    assert not first["cut"]
    assert refused["error"]["code"] == "not_found"
