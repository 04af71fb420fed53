"""A run as one file to share: packed with its secrets taken out, and a stranger's file unpacked.

The file is a zip of `RUN_ID/events.jsonl` and the blobs that its events name, `RUN_ID/blobs/…`.
Packing is the same for the same run, down to the byte. Unpacking takes nothing on trust.
"""

import codecs
import hashlib
import os
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args, get_origin

from pydantic import BaseModel

from openswarm.core.envelope import Content
from openswarm.core.errors import JournalError, UserError
from openswarm.core.events import BLOB, AnyEvent, Event
from openswarm.journal.folder import BLOBS, read_blob
from openswarm.journal.index import LAST, PLAIN_ID
from openswarm.journal.lines import EVENTS_FILE, parse_line, read_events, whole_lines
from openswarm.journal.redact import MARK, Redactor

SUFFIX = ".zip"

MAX_MEMBERS = 65_000
MAX_MEMBER_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
MAX_RATIO = 200
"""A file may unpack to so many times its own size."""
RATIO_FREE_BYTES = 16 * 1024 * 1024
"""Up to this size any ratio is taken: short runs that say the same again and again pack well."""
CHUNK = 1024 * 1024

_END, _LOCATOR = 22, 20
"""The sizes of the last record of a zip, and of the one before it that only large ones have."""
_ENTRY_BYTES = 512
"""What the list of members may take for each."""
_LEVEL = 6
_ANY_BYTES = ("utf-8", "surrogateescape")
"""Pages and pictures are no text, and stay byte for byte what they are."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_MEMBER = re.compile(rf"({PLAIN_ID.pattern})/(?:{re.escape(EVENTS_FILE)}|{BLOBS}/([0-9a-f]{{64}}))")
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError,
    ValueError,
)  # fmt: skip


def pack(folder: Path, out: Path, secrets: Iterable[str], home: Path | None = None) -> int:
    """Writes a run, live or over, to `out` without its secrets; how many places were redacted.

    `secrets` are exact values; `home` is the folder that becomes `~`, by default this user's.
    Raises `JournalError` for a run that cannot be packed, `UserError` for a place that cannot be
    written to.
    """
    packing = _Packing(folder, Redactor(secrets, home or _own_home()))
    lines: list[bytes] = []
    run_id = ""
    for event in read_events(folder / EVENTS_FILE):
        run_id = run_id or event.run
        lines.append(packing.line(event))
    if not lines:
        raise JournalError(
            f"run {folder.name} has no events yet; there is nothing to pack", "empty"
        )
    run_id = run_id or folder.resolve().name
    if not PLAIN_ID.fullmatch(run_id) or run_id == LAST:
        raise JournalError(f"{folder}: {run_id[:80]!r} cannot be the id of a run", "damaged")
    _write_zip(out, packing.members(run_id, b"".join(lines)))
    return packing.places


class _Packing:
    """The redaction of one run: its events one after another, its blobs once each."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self.places = 0
        self._folder = folder
        self._redactor = redactor
        self._renamed: dict[str, str] = {}
        self._changed: dict[str, bytes] = {}
        """The redacted blobs, by their new names; all others are read again where they lie."""

    def line(self, event: AnyEvent) -> bytes:
        """The event's line, redacted. Raises `JournalError` if it were no event any more."""
        try:
            line = self._model(event, kept=Event.model_fields).model_dump_json().encode()
            parse_line(line, "without its secrets")
        except JournalError as error:
            raise JournalError(f"event {event.seq} cannot be shared: {error}", "damaged") from None
        return line + b"\n"

    def members(self, run_id: str, events: bytes) -> Iterator[tuple[str, bytes]]:
        """What goes into the zip, in the order of the names."""
        total = 0
        names = sorted({*self._renamed.values()})
        if len(names) >= MAX_MEMBERS:
            raise JournalError(f"run {run_id} is too large to share: {len(names)} blobs", "large")
        for name in names:
            data = self._changed.get(name)
            data = read_blob(self._folder, name) if data is None else data
            total += _checked_size(run_id, data)
            yield f"{run_id}/{BLOBS}/{name}", data
        total += _checked_size(run_id, events)
        if total > MAX_TOTAL_BYTES:
            raise JournalError(f"run {run_id} is too large to share: {total} bytes", "large")
        yield f"{run_id}/{EVENTS_FILE}", events

    def _model(self, model: BaseModel, kept: Iterable[str] = ()) -> BaseModel:
        """`kept` and what only takes certain words hold no free text, and stay."""
        names = (name for name in _free_fields(type(model)) if name not in kept)
        changed = {name: self._value(getattr(model, name)) for name in names}
        if blob := getattr(model, BLOB, ""):
            changed[BLOB] = self._blob(blob)
        return model.model_copy(update=changed)

    def _value(self, value: Any) -> Any:
        match value:
            case BaseModel():
                return self._model(value)
            case str() if not isinstance(value, Enum):
                return self._text(value)
            case tuple() | list() | set() | frozenset():
                return type(value)(map(self._value, value))
            case dict():
                made = {self._value(key): self._value(entry) for key, entry in value.items()}
                if len(made) < len(value):
                    raise JournalError("two names differ in nothing but a secret", "damaged")
                return made
            case _:
                return value

    def _text(self, text: str) -> str:
        after = self._redactor.text(text)
        self.places += after.count(MARK) - text.count(MARK)
        return after

    def _blob(self, name: str) -> str:
        if name not in self._renamed:
            data = read_blob(self._folder, name)
            if hashlib.sha256(data).hexdigest() != name:
                raise JournalError(f"{self._folder}: blob {name} is damaged", "damaged")
            after = self._text(data.decode(*_ANY_BYTES)).encode(*_ANY_BYTES)
            new = name if after == data else hashlib.sha256(after).hexdigest()
            self._renamed[name] = new
            if new != name:
                self._changed[new] = after
        return self._renamed[name]


@cache
def _free_fields(kind: type[BaseModel]) -> tuple[str, ...]:
    fields = kind.model_fields.items()
    return tuple(name for name, field in fields if not _is_fixed(field.annotation))


def _is_fixed(annotation: Any) -> bool:
    """Whether a field of that type takes none but certain words."""
    if get_origin(annotation) is Literal:
        return True
    parts = [part for part in get_args(annotation) if part not in (type(None), ...)]
    return bool(parts) and all(map(_is_fixed, parts))


def _checked_size(run_id: str, data: bytes) -> int:
    if len(data) > MAX_MEMBER_BYTES:
        raise JournalError(
            f"run {run_id} is too large to share: {len(data)} bytes at once", "large"
        )
    return len(data)


def _own_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _write_zip(out: Path, members: Iterable[tuple[str, bytes]]) -> None:
    target = out.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for name, data in members:
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, _LEVEL)
        part.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another place") from None
    finally:
        part.unlink(missing_ok=True)


def unpack(file: Path, runs: Path) -> Path:
    """Adds the run of a packed file to a folder of runs; the new run's folder.

    Nothing is left behind where the file is refused. Raises `UserError` for what is no zip,
    `JournalError` for one that holds anything but one whole run, and for a run that is there.
    """
    try:
        with file.open("rb") as opened:
            size = _checked_end(opened, file)
            with zipfile.ZipFile(opened) as archive:
                return _Unpacking(file, archive, size).into(runs)
    except FileNotFoundError:
        raise UserError(f"there is no file {file}") from None
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from None
    except _BROKEN_ZIP as error:
        raise JournalError(f"{file}: the zip is damaged: {error}", "damaged") from None


class _Unpacking:
    """One stranger's file: first its list of members, then each, then what the events say."""

    def __init__(self, file: Path, archive: zipfile.ZipFile, size: int) -> None:
        self._file = file
        self._archive = archive
        self._allowed = min(MAX_TOTAL_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * size))
        self._run_id, self._blobs = self._listed(archive.infolist())

    def into(self, runs: Path) -> Path:
        """Adds the run, whole or not at all."""
        target = runs / self._run_id
        if target.exists() or target.is_symlink():
            raise self._exists()
        try:
            runs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".adding-", dir=runs) as made:
                folder = Path(made) / self._run_id
                self._extract(folder)
                self._check_events(folder)
                folder.rename(target)
        except OSError as error:
            if target.exists():
                raise self._exists() from None
            reason = error.strerror or str(error)
            raise JournalError(f"cannot add {self._file} to {runs}: {reason}", "disk") from None
        return target

    def _exists(self) -> JournalError:
        run = self._run_id
        return JournalError(
            f"run {run} is there already; see it with: openswarm show {run}; to take the file's"
            f" instead, first: openswarm runs rm {run}",
            "exists",
        )

    def _listed(self, entries: list[zipfile.ZipInfo]) -> tuple[str, set[str]]:
        """The run's id and the names of its blobs, when there is nothing else."""
        ids: set[str] = set()
        names: set[str] = set()
        blobs: set[str] = set()
        for entry in entries:
            name = entry.orig_filename
            match = _MEMBER.fullmatch(name)
            if match is None or match[1] == LAST:
                raise self._refused(f"it holds {name[:120]!r}, which is no part of a run")
            self._check_kind(entry)
            if name in names:
                raise self._refused(f"it holds {name} twice")
            names.add(name)
            ids.add(match[1])
            if match[2]:
                blobs.add(match[2])
        if len(ids) > 1:
            raise self._refused(f"it holds {len(ids)} runs: {', '.join(sorted(ids)[:3])}")
        if len(names) != len(blobs) + 1:
            raise self._refused(f"it holds no RUN/{EVENTS_FILE}")
        return ids.pop(), blobs

    def _check_kind(self, entry: zipfile.ZipInfo) -> None:
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise self._refused(f"{entry.filename} is a link or no file")
        if entry.flag_bits & 0x1:
            raise self._refused(f"{entry.filename} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._refused(f"{entry.filename} is compressed in a way that is not taken")

    def _extract(self, folder: Path) -> None:
        (folder / BLOBS).mkdir(parents=True)
        left = self._allowed
        for blob in ("", *sorted(self._blobs)):
            inside = f"{BLOBS}/{blob}" if blob else EVENTS_FILE
            most = min(left, MAX_MEMBER_BYTES)
            size, digest = self._copy(inside, folder / inside, most, is_text=not blob)
            left -= size
            if blob and digest != blob:
                raise self._refused(f"blob {blob} holds something else than its name says")

    def _copy(self, inside: str, target: Path, allowed: int, *, is_text: bool) -> tuple[int, str]:
        """Writes one member; its true size and its SHA-256. What the zip says of it is not used."""
        size, digest, decoder = 0, hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
        with self._archive.open(f"{self._run_id}/{inside}") as source, target.open("xb") as sink:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > allowed:
                    raise self._refused(f"{inside} is too large, or packed too tightly")
                try:
                    decoder.decode(chunk if is_text else b"")
                except UnicodeDecodeError:
                    raise self._refused(f"{inside} is not UTF-8 text") from None
                digest.update(chunk)
                sink.write(chunk)
        return size, digest.hexdigest()

    def _check_events(self, folder: Path) -> None:
        data = (folder / EVENTS_FILE).read_bytes()
        if not data.endswith(b"\n"):
            raise self._refused(f"the last line of {EVENTS_FILE} is torn, or there is none")
        for number, line in enumerate(whole_lines(data), 1):
            event = parse_line(line, f"{self._file}: {EVENTS_FILE}, line {number}")
            if number == 1 and event.run != self._run_id:
                raise self._refused(f"the events are those of run {event.run[:80]!r}")
            missing = next((blob for blob in _blobs_of(event) if blob not in self._blobs), None)
            if missing is not None:
                raise self._refused(
                    f"line {number} names blob {missing[:80]!r}, which is not there"
                )
            for blob in set(_blobs_of(event, texts_only=True)):  # pages and artifacts are bytes
                try:
                    (folder / BLOBS / blob).read_bytes().decode()
                except UnicodeDecodeError:
                    raise self._refused(f"{BLOBS}/{blob} is not UTF-8 text") from None

    def _refused(self, why: str) -> JournalError:
        return JournalError(f"{self._file} is no run that can be added: {why}", "refused")


def _blobs_of(value: Any, *, texts_only: bool = False) -> Iterator[str]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                field = getattr(value, name)
                if name != BLOB:
                    yield from _blobs_of(field, texts_only=texts_only)
                elif field and (isinstance(value, Content) or not texts_only):
                    yield field
        case tuple() | list() | set() | frozenset():
            for entry in value:
                yield from _blobs_of(entry, texts_only=texts_only)
        case dict():
            yield from _blobs_of(tuple(value.values()), texts_only=texts_only)


def _checked_end(opened: BinaryIO, file: Path) -> int:
    """The size of a file that ends as a zip without a comment does, and lists few enough members.

    The list itself is read by `zipfile` as a whole, so its size has to be known before.
    """
    size = opened.seek(0, os.SEEK_END)
    opened.seek(max(0, size - _END - _LOCATOR))
    tail = opened.read()
    locator, end = tail[:-_END], tail[-_END:]
    if not (len(end) == _END and end.startswith(b"PK\5\6") and end.endswith(b"\0\0")):
        raise UserError(f"{file} is not a zip as openswarm export writes it")
    _, _, _, _, members, listed, _, _ = struct.unpack("<4s4H2LH", end)
    too_many = members > MAX_MEMBERS or listed > MAX_MEMBERS * _ENTRY_BYTES
    if too_many or locator.startswith(b"PK\6\7"):
        raise JournalError(f"{file}: a run has at most {MAX_MEMBERS} files", "refused")
    return size
