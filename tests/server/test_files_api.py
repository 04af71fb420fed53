"""Uploaded files: kept whole or not at all, handed back as they were, and never by a false name."""

import errno
import io
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio.to_thread
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from served import TOKEN, Served, serving

from openswarm.core.messages import ImagePart, VideoPart
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.server.failures import ApiError
from openswarm.server.file_store import MAX_NAME_BYTES, FileStore, plain_name

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("api.files")]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
MP4 = b"\0\0\0\x18ftypisom" + bytes(8)


@asynccontextmanager
async def sdk(scripts: Any = None, **options: Any) -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    """The official client of a server that runs."""
    async with serving(scripts or {}, **options) as server:
        url = f"{server.url}/v1"
        async with AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
            yield client, server


async def test_a_file_is_uploaded_listed_read_and_deleted() -> None:
    """With the official client, which reads the bytes as they were."""
    async with sdk() as (client, server):
        made = await client.files.create(file=("Größe.bin", b"\0\1\2" * 999), purpose="user_data")
        assert (made.filename, made.bytes, made.purpose) == ("Größe.bin", 2_997, "user_data")
        assert made.id.startswith("file-") and made.status == "processed"
        assert await client.files.retrieve(made.id) == made
        assert [file async for file in client.files.list()] == [made]
        content = await client.files.content(made.id)
        assert content.content == b"\0\1\2" * 999
        headers = content.response.headers
        assert headers["content-disposition"].startswith("attachment;")
        assert headers["content-type"] == "application/octet-stream"
        assert "sandbox" in headers["content-security-policy"]
        assert (await client.files.delete(made.id)).deleted
        with pytest.raises(NotFoundError) as gone:
            await client.files.retrieve(made.id)
        assert gone.value.code == "file_not_found"
        assert not [*(server.home / "files").glob("*")]


async def test_the_content_of_a_document_for_extraction_is_its_text() -> None:
    """Purpose `file-extract`; what has no text is refused with words."""
    extract: Any = "file-extract"
    page = b"<html><body><h1>Linz</h1><p>It rains.</p><script>x</script></body></html>"
    async with sdk() as (client, _):
        document = await client.files.create(file=("linz.html", page), purpose=extract)
        picture = await client.files.create(file=("a.bin", b"\0" * 100), purpose=extract)
        text = (await client.files.content(document.id)).text
        with pytest.raises(BadRequestError, match="cannot be read"):
            await client.files.content(picture.id)
    assert "It rains." in text and "<p>" not in text and "script" not in text


async def test_lists_are_filtered_ordered_and_cut() -> None:
    """By purpose, from the oldest or the newest, after a file, so many at once."""
    async with sdk() as (client, server):
        purposes: list[Any] = ["batch", "vision", "batch"]
        made = [
            await client.files.create(file=(f"{i}.txt", b"x"), purpose=purpose)
            for i, purpose in enumerate(purposes)
        ]
        ids = {file.id for file in made}
        batch = [file.id async for file in client.files.list(purpose="batch")]
        oldest = [file.id async for file in client.files.list(order="asc")]
        newest = [file.id async for file in client.files.list(limit=1)]
        assert set(batch) == {made[0].id, made[2].id}
        assert set(oldest) == set(newest) == ids and oldest == newest[::-1]
        page = await client.files.list(limit=2)
        assert len(page.data) == 2 and page.has_more
        for query in ("limit=0", "limit=x", "after=file-0"):
            async with server.client.get(f"/v1/files?{query}") as response:
                assert response.status == 400, query


async def test_pictures_and_video_are_named_in_messages() -> None:
    """`ms://ID` reaches the model as the data itself; anything that is not there is refused."""
    asked: list[Request] = []

    def script(request: Request) -> Say:
        asked.append(request)
        return Say("A dot.")

    async with sdk({"instant": script}) as (client, _):
        image: Any = "image"
        picture = await client.files.create(file=("a.png", PNG), purpose=image)
        video = await client.files.create(file=("a.mp4", MP4), purpose="vision")

        async def ask(kind: str, reference: str) -> None:
            part: Any = {"type": f"{kind}_url", f"{kind}_url": {"url": reference}}
            await client.chat.completions.create(
                model="openswarm-instant", messages=[{"role": "user", "content": [part, part]}]
            )

        await ask("image", f"ms://{picture.id}")
        await ask("video", f"ms://{video.id}")
        wrong = [
            ("image", f"ms://{video.id}"), ("video", f"ms://{picture.id}"),
            ("image", "ms://file-000000000000000000000000"), ("image", "ms://../../etc/passwd"),
            ("image", "ms://"),
        ]  # fmt: skip
        for kind, reference in wrong:
            with pytest.raises(BadRequestError) as refused:
                await ask(kind, reference)
            assert refused.value.param == "messages", reference
    inline = "data:video/mp4;base64,AAAAGGZ0eXBpc29tAAAAAAAAAAA="
    assert [request.history[0].content for request in asked] == [
        (ImagePart.of("image/png", PNG),) * 2,
        (VideoPart(url=inline),) * 2,
    ]


async def test_uploads_that_are_none_are_refused() -> None:
    """Each names the field; nothing is kept of them."""
    async with serving({}, max_body_bytes=200_000) as server:

        async def upload(**fields: Any) -> tuple[int, str | None]:
            form = aiohttp.FormData(default_to_multipart=True)
            for name, value in fields.items():
                is_file = isinstance(value, bytes)
                form.add_field(name, value, filename="a.txt" if is_file else None)
            async with server.client.post("/v1/files", data=form) as response:
                return response.status, (await response.json())["error"]["param"]

        assert await upload(purpose="batch", file="no file") == (400, "file")
        assert await upload(file=b"x") == (400, "purpose")
        assert await upload(file=b"x", purpose="fun") == (400, "purpose")
        assert (await upload(file=b"x", more=b"y", purpose="batch"))[0] == 400
        assert (await upload(file=b"x", purpose="batch", long="x" * 70_000))[0] == 400
        assert (await upload(file=b"x" * 200_001, purpose="batch"))[0] == 413
        bodies: list[tuple[str, bytes]] = [
            ("application/json", b"{}"), ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=b", b"--b\r\nbroken"), ("", b""),
        ]  # fmt: skip
        for kind, body in bodies:
            headers = {"content-type": kind}
            async with server.client.post("/v1/files", data=body, headers=headers) as response:
                assert response.status == 400 and "error" in await response.json(), kind
        folder = server.home / "files"
        assert not await anyio.to_thread.run_sync(lambda: [*folder.glob("*")])
        for method, path in (("GET", "/v1/files/%2e%2e%2fruns"), ("DELETE", "/v1/files/..%2f..")):
            async with server.client.request(method, path) as response:
                assert response.status == 404, path
        async with server.client.put("/v1/files") as response:
            assert (response.status, response.headers["allow"]) == (405, "POST, GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("C:\\a\\b.txt", "b.txt"),
        ("a\0b\nc.txt", "a_b_c.txt"), (".hidden", "hidden"), ("...", "file"), ("", "file"),
        ("dir/", "file"), ("Größe 🐙.csv", "Größe 🐙.csv"),
        ("a" * 300 + ".csv", "a" * 116 + ".csv"),
        ("🐙" * 100 + ".md", "🐙" * 29 + ".md"),
    ],
)  # fmt: skip
def test_names_of_files_are_made_plain(given: str, kept: str) -> None:
    """No folder, no control character, no hidden file, of a length that disks take."""
    assert plain_name(given) == kept == plain_name(kept)
    assert len(kept.encode()) <= MAX_NAME_BYTES


def test_there_is_a_limit_for_all_files_together(tmp_path: Path) -> None:
    """Refused with what to do; what was refused leaves nothing behind."""
    store = FileStore(tmp_path, max_bytes=100)
    kept = store.add(io.BytesIO(b"x" * 60), "a", "batch")
    with pytest.raises(ApiError, match="delete some") as full:
        store.add(io.BytesIO(b"x" * 41), "b", "batch")
    assert full.value.status == 507 and store.every() == [kept]
    assert len([*(tmp_path / "files").iterdir()]) == 1
    store.remove(kept.id)
    assert store.path(store.add(io.BytesIO(b"y" * 100), "c", "batch").id).read_bytes() == b"y" * 100


def test_a_full_disk_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of the file stays."""

    def fill(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    with pytest.raises(ApiError, match="disk is full") as full:
        FileStore(tmp_path).add(io.BytesIO(b"x"), "a", "batch")
    assert full.value.status == 507 and not [*(tmp_path / "files").iterdir()]


def test_what_is_damaged_or_half_there_is_no_file(tmp_path: Path) -> None:
    """A folder without its bytes, with another's id, with a name that leads elsewhere; what an
    upload left that broke off is swept away by a later one."""
    store = FileStore(tmp_path)
    names = ["a.txt", "b.txt", "c.txt", "d.txt"]
    files = [store.add(io.BytesIO(b"x"), name, "batch") for name in names]
    folders = [tmp_path / "files" / file.id for file in files]
    (folders[0] / "bytes" / "a.txt").unlink()
    (folders[1] / "file.json").write_text("{")
    (folders[2] / "file.json").write_text(files[0].model_dump_json())
    evil = files[3].model_copy(update={"name": "../file.json"})
    (folders[3] / "file.json").write_text(evil.model_dump_json())
    abandoned = tmp_path / "files" / ".incoming-file-1"
    abandoned.mkdir()
    old = time.time() - 9_999
    os.utime(abandoned, (old, old))
    assert store.every() == []
    for file in files:
        with pytest.raises(ApiError):
            store.path(file.id)
    store.add(io.BytesIO(b"x"), "e.txt", "batch")
    assert not abandoned.exists()
