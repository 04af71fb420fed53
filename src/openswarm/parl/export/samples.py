"""Training samples as lines: one rollout a line of JSON, versioned, strict on both sides.

Owns the form of the lines and the writing and reading of files of them. Knows no trainer. Blocks
on the disk: on an event loop, call it in a thread.
"""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from openswarm.core.errors import UserError
from openswarm.parl.export.soundness import sound
from openswarm.parl.rollout import Rollout, Segment, Stage

VERSION = 1
"""Of the lines; it rises when a field changes its meaning, or one is added or goes."""
MAX_LINE_BYTES = 64 * 1024 * 1024
"""Some two million tokens with their masks and log-probabilities."""

_ROLLOUT: TypeAdapter[Rollout] = TypeAdapter(Rollout)
_PARTS = {"segments": Segment, "stages": Stage}


def to_line(rollout: Rollout) -> bytes:
    """A rollout as one line of JSON, line feed included.

    Raises `ValueError` where it is not sound, and where a text or number has no form in JSON.
    """
    document = {"v": VERSION, **_fields(sound(rollout))}
    try:
        line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"rollout of task {rollout.task!r}: {error}") from None
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"rollout of task {rollout.task!r}: over {MAX_LINE_BYTES} bytes")
    return line


def from_line(line: bytes) -> Rollout:
    """A rollout from its line. Raises `ValueError` that says what is wrong with it.

    Every field has to be there, but those with a default; an unknown field, a field given twice,
    and a value of another type are errors.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"over {MAX_LINE_BYTES} bytes")
    document = _document(line)
    version = document.pop("v", None)
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"version {version!r}; this openswarm reads {VERSION}")
    _known(Rollout, document)
    for name, kind in _PARTS.items():
        for part in _listed(document.get(name)):
            _known(kind, part)
    try:
        rollout = _ROLLOUT.validate_json(orjson.dumps(document), strict=True)
    except (ValidationError, orjson.JSONEncodeError) as error:
        raise ValueError(_first(error)) from None
    return sound(rollout)


def write_samples(file: Path, rollouts: Iterable[Rollout]) -> int:
    """Rollouts into a file, and how many there were. The file is there whole or not at all.

    Raises `ValueError` of `to_line`; what was in the file is then still there.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    count = 0
    try:
        with draft.open("wb") as stream:
            for rollout in rollouts:
                stream.write(to_line(rollout))
                count += 1
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return count


def read_samples(file: Path) -> Iterator[Rollout]:
    """The rollouts of a file, one after another, in memory one at a time.

    Raises `UserError` that names file and line: a damaged line, a torn one at the end, a file that
    cannot be opened.
    """
    try:
        with file.open("rb") as stream:
            lines = iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b"")
            for number, line in enumerate(lines, 1):
                yield _numbered(line, f"{file}, line {number}")
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; samples are read from a file") from None


def _numbered(line: bytes, where: str) -> Rollout:
    try:
        if not line.endswith(b"\n"):
            raise ValueError("the line is cut off, or too long")
        return from_line(line)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def _fields(value: Any) -> dict[str, Any]:
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name in fields.keys() & _PARTS.keys():
        fields[name] = [_fields(part) for part in fields[name]]
    return fields


def _document(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line, object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _known(kind: type, fields: Any) -> None:
    names = {field.name for field in dataclasses.fields(kind)}
    if isinstance(fields, dict) and (unknown := sorted(fields.keys() - names)):
        raise ValueError(f"unknown field {unknown[0]!r} in a {kind.__name__.lower()}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{first['msg']} at {'.'.join(map(str, first['loc']))}"
    return str(error)
