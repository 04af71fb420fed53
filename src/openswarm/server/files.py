"""`/v1/files`: uploads that later requests name, as in OpenAI's and Moonshot's API."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from openswarm.server.failures import bad_request
from openswarm.server.file_store import FileStore, StoredFile
from openswarm.server.methods import resource
from openswarm.server.service import Service
from openswarm.tools.corpus.readers import Unreadable, read

EXTRACT = "file-extract"
"""The purpose of files whose content is their text."""
PURPOSES = (
    EXTRACT, "image", "video", "assistants", "batch", "fine-tune", "vision", "user_data", "evals",
)  # fmt: skip
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 16
LISTED = 10_000
BYTES = "application/octet-stream"
DOWNLOAD_HEADERS = {"content-security-policy": "sandbox; default-src 'none'"}


def routes(service: Service) -> list[BaseRoute]:
    """Upload, list, look up, read and delete."""
    store = FileStore(service.options.home)

    async def upload(request: Request) -> Response:
        return JSONResponse(file_object(await _received(request, store)))

    async def every(request: Request) -> Response:
        files = await anyio.to_thread.run_sync(store.every)
        return JSONResponse(_page(files, request))

    async def one(request: Request) -> Response:
        return JSONResponse(file_object(await _named(request, store)))

    async def content(request: Request) -> Response:
        file = await _named(request, store)
        path = await anyio.to_thread.run_sync(store.path, file.id)
        if file.purpose == EXTRACT:
            return PlainTextResponse(await anyio.to_thread.run_sync(_text, path))
        return FileResponse(path, filename=file.name, media_type=BYTES, headers=DOWNLOAD_HEADERS)

    async def remove(request: Request) -> Response:
        file_id = request.path_params["file_id"]
        await anyio.to_thread.run_sync(store.remove, file_id)
        return JSONResponse({"id": file_id, "object": "file", "deleted": True})

    return [
        resource("/v1/files", {"POST": upload, "GET": every}),
        resource("/v1/files/{file_id}", {"GET": one, "DELETE": remove}),
        resource("/v1/files/{file_id}/content", {"GET": content}),
    ]


def file_object(file: StoredFile) -> dict[str, Any]:
    """A file as OpenAI's clients read it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_at,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
    }


async def _received(request: Request, store: FileStore) -> StoredFile:
    """The file in a form. Raises `ApiError` for anything else."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise bad_request("send multipart/form-data with the fields file and purpose")
    form = request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    async with form as fields:
        file, purpose = fields.get("file"), fields.get("purpose")
        if not isinstance(file, UploadFile):
            raise bad_request("the form lacks a file", "file")
        if purpose not in PURPOSES:
            raise bad_request(f"purpose has to be one of {', '.join(PURPOSES)}", "purpose")
        name = file.filename or ""
        return await anyio.to_thread.run_sync(store.add, file.file, name, str(purpose))


async def _named(request: Request, store: FileStore) -> StoredFile:
    return await anyio.to_thread.run_sync(store.get, request.path_params["file_id"])


def _page(files: Sequence[StoredFile], request: Request) -> dict[str, Any]:
    """The files that a query asks for, by `purpose`, `order`, `after` and `limit`."""
    query = request.query_params
    limit = query.get("limit", str(LISTED))
    if not limit.isdecimal() or not 1 <= int(limit[:9]) <= LISTED:
        raise bad_request(f"limit has to be a number from 1 to {LISTED}", "limit")
    chosen = [file for file in files if query.get("purpose") in (None, file.purpose)]
    if query.get("order") == "asc":
        chosen.reverse()
    if after := query.get("after"):
        ids = [file.id for file in chosen]
        if after not in ids:
            raise bad_request(f"after names no file: {after[:100]!r}", "after")
        chosen = chosen[ids.index(after) + 1 :]
    shown = chosen[: int(limit)]
    return {
        "object": "list",
        "data": [file_object(file) for file in shown],
        "has_more": len(shown) < len(chosen),
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def _text(path: Path) -> str:
    """The text of a document. Raises `ApiError` for one that has none."""
    try:
        return read(path.read_bytes(), path.name).text
    except Unreadable as error:
        raise bad_request(f"{path.name} cannot be read: {error}") from None
