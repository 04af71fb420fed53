"""Uploaded files on disk: `home/files/ID/` holds what is known of a file, and its bytes.

Blocks: call it in a thread. Names and types are what a stranger said; ids are ours.
"""

import base64
import errno
import mimetypes
import re
import secrets
import shutil
import threading
import time
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from openswarm.core.frozen import Frozen
from openswarm.modes.attachments import picture_type
from openswarm.server.failures import ApiError, bad_request

MAX_TOTAL_BYTES = 1024**3
MAX_FILES = 2_000
MAX_NAME_BYTES = 120
ABANDONED_S = 3600.0
"""An upload that is not whole after so long never will be."""
_ID = re.compile(r"file-[0-9a-f]{24}")
_KNOWN, _BYTES, _INCOMING = "file.json", "bytes", ".incoming-"
_WEBM = b"\x1aE\xdf\xa3"


class StoredFile(Frozen):
    """What is known of a file."""

    id: str
    name: str
    purpose: str
    size: int
    """Bytes."""
    created_at: int
    """Seconds since the epoch."""


class FileStore:
    """The files of one home."""

    def __init__(self, home: Path, max_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._folder = home / "files"
        self._max_bytes = max_bytes
        self._adding = threading.Lock()

    def add(self, source: IO[bytes], name: str, purpose: str) -> StoredFile:
        """Keeps a file, whole or not at all. Raises `ApiError` where there is no room for it."""
        try:
            return self._add(source, plain_name(name), purpose)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ApiError(
                507, "the disk is full; delete files", boundary="journal", kind="disk"
            ) from None

    def every(self) -> list[StoredFile]:
        """All files, newest first."""
        found = (self._read(folder) for folder in self._folder.glob("file-*"))
        files = [file for file in found if file is not None]
        return sorted(files, key=lambda file: (file.created_at, file.id), reverse=True)

    def get(self, file_id: str) -> StoredFile:
        """What is known of a file. Raises `ApiError` for one that there is not."""
        known = self._read(self._folder / file_id) if _ID.fullmatch(file_id) else None
        if known is None:
            raise ApiError(
                404, f"there is no file {file_id[:100]!r}; see GET /v1/files", kind="file_not_found"
            )
        return known

    def path(self, file_id: str) -> Path:
        """Where the bytes of a file are, under its own name. Raises `ApiError` as `get` does."""
        return self._folder / file_id / _BYTES / self.get(file_id).name

    def data_url(self, file_id: str, kind: str) -> str:
        """A picture or video (`kind` is image or video) as a `data:` URL. Raises `ApiError`."""
        path = self.path(file_id)
        data = path.read_bytes()
        media_type = media_type_of(data, path.name)
        if not media_type.startswith(f"{kind}/"):
            raise bad_request(f"the file {file_id} ({path.name}) is no {kind}")
        return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"

    def remove(self, file_id: str) -> None:
        """Deletes a file. Raises `ApiError` for one that there is not."""
        self.get(file_id)
        shutil.rmtree(self._folder / file_id)

    def _add(self, source: IO[bytes], name: str, purpose: str) -> StoredFile:
        identity = f"file-{secrets.token_hex(12)}"
        incoming = self._folder / f"{_INCOMING}{identity}"
        self._sweep()
        try:
            (incoming / _BYTES).mkdir(parents=True, mode=0o700)
            target = incoming / _BYTES / name
            with target.open("xb") as copy:
                shutil.copyfileobj(source, copy)
            file = StoredFile(
                id=identity, name=name, purpose=purpose, size=target.stat().st_size,
                created_at=int(time.time()),
            )  # fmt: skip
            (incoming / _KNOWN).write_text(file.model_dump_json(), encoding="utf-8")
            with self._adding:
                self._make_sure_of_room(file.size)
                incoming.rename(self._folder / identity)
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise
        return file

    def _make_sure_of_room(self, size: int) -> None:
        files = self.every()
        if len(files) >= MAX_FILES or size + sum(file.size for file in files) > self._max_bytes:
            raise ApiError(
                507,
                f"there are {len(files)} files, and no room for {size} bytes more: at most"
                f" {MAX_FILES} files and {self._max_bytes} bytes are kept; delete some",
                kind="no_room",
            )

    def _sweep(self) -> None:
        """Removes what uploads that broke off have left."""
        for folder in self._folder.glob(f"{_INCOMING}*"):
            if folder.stat().st_mtime < time.time() - ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)

    def _read(self, folder: Path) -> StoredFile | None:
        """What is known of the file in a folder; None where it is none of ours, or damaged."""
        try:
            file = StoredFile.model_validate_json((folder / _KNOWN).read_bytes())
        except (OSError, ValidationError):
            return None
        is_sound = file.id == folder.name and file.name == plain_name(file.name)
        return file if is_sound and (folder / _BYTES / file.name).is_file() else None


def plain_name(name: str) -> str:
    """A file name without folders, control characters and a leading dot, of bounded length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    last = "".join(c if c.isprintable() else "_" for c in last).strip().lstrip(".")
    suffix = PurePosixPath(last).suffix[:16]
    room = MAX_NAME_BYTES - len(suffix.encode("utf-8", "replace"))
    stem = last[: len(last) - len(suffix)] if last.endswith(suffix) else last
    stem = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return f"{stem}{suffix}" or "file"


def media_type_of(data: bytes, name: str) -> str:
    """The media type of a picture or video, by its first bytes, or else by its name."""
    if kind := picture_type(data):
        return kind
    if data[4:8] == b"ftyp":
        return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"
    if data.startswith(_WEBM):
        return "video/webm"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
