"""Files of a run: its table or answer in a format, the whole run packed, and its blobs.

Blobs hold whatever the web and models made. Text and pictures are shown, everything else is only
saved, and none of it may run anything.
"""

import os
import shutil
import stat
import tempfile
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from openswarm.core.settings import Settings
from openswarm.journal.archive import pack
from openswarm.journal.folder import BLOBS
from openswarm.journal.redact import known_secrets
from openswarm.llm.providers import PROVIDERS
from openswarm.server.failures import ApiError
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.reading import Reading
from openswarm.swarm.export import export_answer, export_table

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
SHOWN = {"text/plain": "text/plain; charset=utf-8"} | {
    kind: kind for kind in ("image/png", "image/jpeg", "image/gif", "image/webp")
}
SANDBOX = {"content-security-policy": "sandbox; default-src 'none'"}
BLOB_CACHE = {"cache-control": "private, max-age=31536000, immutable"}


async def export(asked: Asked) -> Response:
    """The table, the answer, or the whole run as a file."""
    folder, kind = await asked.folder(), asked.query.format
    made = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="openswarm-")))
    out = made / f"{folder.name}.{kind}"
    try:
        if kind == "zip":
            settings = asked.api.service.options.settings
            await anyio.to_thread.run_sync(_pack, folder, out, settings)
        else:
            await asked.api.readings.use(folder, partial(_write, out=out))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_remove, made)
        raise
    return _Passing(out, media_type=MEDIA_TYPES[kind], filename=out.name, headers=SANDBOX)


def _write(run: Reading, out: Path) -> None:
    result = run.result()
    run_id = run.folder.name
    if result.table is None:
        export_answer(result.answer, out, run_id=run_id)
        return
    export_table(result.table, out, answer=result.answer, citations=result.citations, run_id=run_id)


def _pack(folder: Path, out: Path, settings: Settings) -> None:
    keys = [key for provider in PROVIDERS.values() for key in provider.keys]
    pack(folder, out, known_secrets(os.environ, settings, keys))


class _Passing(FileResponse):
    """A file in a folder of its own, which is gone afterwards."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_remove, Path(self.path).parent)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


async def blob(asked: Asked) -> Response:
    """The bytes of a blob, shown where `type` is text or a picture, else to be saved."""
    folder, name = await asked.folder(), asked.request.path_params["blob"]
    path = await anyio.to_thread.run_sync(_blob, folder, name)
    kind = SHOWN.get(asked.query.type)
    return FileResponse(
        path,
        media_type=kind or "application/octet-stream",
        filename=None if kind else name,
        headers=SANDBOX | BLOB_CACHE,
    )


def _blob(folder: Path, name: str) -> Path:
    """Where a blob lies; no name and no link leads out of the run."""
    path = folder / BLOBS / name
    is_name = len(name) == 64 and all(c in "0123456789abcdef" for c in name)
    try:
        is_there = is_name and stat.S_ISREG(path.lstat().st_mode) and not path.parent.is_symlink()
    except OSError:
        is_there = False
    if not is_there:
        raise ApiError(404, f"there is no blob {name[:64]!r}", boundary="journal", kind="no_blob")
    return path
