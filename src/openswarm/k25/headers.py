"""Headers of safetensors files and the index of shards: which tensors there are, and where.

Owns the strict reading of both: every length is bounded, every range is inside its file, next to
its neighbours and as long as its type and shape say. Reads no weights, and knows no torch and
nothing of what a model needs. Source: the description of the safetensors format.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from openswarm.k25.bounded import read_bounded
from openswarm.k25.errors import ModelFileError

MAX_HEADER = 100_000_000
"""Bytes of a header, or of an index, at most: the format's own bound."""
MAX_DIMENSIONS = 16
MAX_EXTENT = 2**62
LENGTH = 8
"""A file begins with the length of its header, in so many bytes, the lowest first."""
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
"""The only shard of a checkpoint that has no index."""
METADATA = "__metadata__"
FIELDS = {"dtype", "shape", "data_offsets"}
BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
"""Bytes of one number of each type."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of a file. Its bytes are `[start, end)` of the file, header included."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    start: int
    end: int


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """All tensors of a checkpoint's folder, by name; empty where there are no weights.

    With an index, each of its tensors has to stand in the shard that it names, and no shard may
    hold others. Raises `ModelFileError` naming file and tensor.
    """
    if not (folder / INDEX).exists():
        single = folder / SINGLE
        return read_header(single) if single.exists() else {}
    index = read_index(folder)
    shards = {shard: read_header(folder / shard) for shard in sorted(set(index.values()))}
    for name, shard in index.items():
        if name not in shards[shard]:
            _fail(folder / INDEX, f"says that {name} is in {shard}, and it is not")
    for shard, header in shards.items():
        for name in header:
            if index.get(name) != shard:
                _fail(folder / shard, f"holds {name}, which {INDEX} does not say")
    return {name: shards[shard][name] for name, shard in index.items()}


def read_index(folder: Path) -> dict[str, str]:
    """The shard of each tensor. Shards are plain names of files beside the index.

    Raises `ModelFileError`.
    """
    path = folder / INDEX
    data = read_bounded(path, MAX_HEADER, "index of shards")
    entries = _object(path, data).get("weight_map")
    if not isinstance(entries, dict) or not entries:
        _fail(path, "has no weight_map")
    for name, shard in entries.items():
        if not _is_plain(shard):
            _fail(path, f"{name}: {str(shard)[:80]!r} is no name of a file in this folder")
    return entries


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors of one safetensors file, by name, in the order of their bytes.

    Raises `ModelFileError` for a header that is not well-formed, and for a file that is not
    exactly as long as its tensors.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH), "little")
        if size < LENGTH or length > MAX_HEADER:
            _fail(path, "is no safetensors file: it does not begin with the length of a header")
        begin = LENGTH + length
        if begin > size:
            _fail(path, f"truncated: has {size} of at least {begin} bytes")
        header = _object(path, file.read(length))
    _check_metadata(path, header.pop(METADATA, {}))
    entries = [_entry(path, name, entry, begin) for name, entry in header.items()]
    ordered = sorted(entries, key=lambda stored: (stored.start, stored.end))
    _check_ranges(path, ordered, begin, size)
    return {stored.name: stored for stored in ordered}


def _fail(path: Path, what: str) -> NoReturn:
    raise ModelFileError(f"{path}: {what}")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from None


def _is_plain(shard: Any) -> bool:
    """Whether it names a safetensors file in the folder itself, on any system."""
    return (
        isinstance(shard, str)
        and shard.endswith(".safetensors")
        and shard.isprintable()
        and not shard.startswith(".")
        and not set(shard) & set("/\\:")
    )


def _object(path: Path, data: bytes) -> dict[str, Any]:
    """A JSON object in which no name stands twice."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            raise ValueError("a name stands in it twice")
        return made

    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=distinct)
    except (ValueError, RecursionError) as error:
        _fail(path, f"its header is not JSON: {error}")
    if not isinstance(found, dict):
        _fail(path, "its header is no JSON object")
    return found


def _check_metadata(path: Path, metadata: Any) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        _fail(path, f"{METADATA} is no object of texts")


def _entry(path: Path, name: str, entry: Any, begin: int) -> Stored:
    """One line of the header, with the range counted from the beginning of the file."""
    if not isinstance(entry, dict) or entry.keys() != FIELDS:
        _fail(path, f"{name}: its entry has to have exactly {', '.join(sorted(FIELDS))}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES:
        _fail(path, f"{name}: dtype {str(dtype)[:40]!r} is not known")
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS:
        _fail(path, f"{name}: shape {str(shape)[:80]} is no list of sizes")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        _fail(path, f"{name}: data_offsets {str(offsets)[:80]} are no range")
    found, needed = offsets[1] - offsets[0], prod(shape) * BYTES[dtype]
    if found != needed:
        _fail(path, f"{name}: {found} bytes for {dtype} of shape {shape}, which takes {needed}")
    return Stored(name, dtype, tuple(shape), path, begin + offsets[0], begin + offsets[1])


def _are_counts(values: Any) -> bool:
    """A list of numbers from 0 to a bound; `true` is none."""
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= MAX_EXTENT for value in values
    )


def _check_ranges(path: Path, ordered: Iterable[Stored], begin: int, size: int) -> None:
    """Each tensor begins where the one before ends, and the last one ends the file."""
    end, last = begin, "its header"
    for stored in ordered:
        if stored.start != end:
            how = "overlaps" if stored.start < end else "leaves a hole after"
            _fail(path, f"{stored.name} {how} {last}")
        if stored.end > size and stored.start <= size:
            last_end = max(entry.end for entry in ordered)
            _fail(path, f"{stored.name}: truncated: has {size} of {last_end} bytes")
        end, last = stored.end, stored.name
    if end != size:
        _fail(path, f"has {size - end} bytes after {last}")
