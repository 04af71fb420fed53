"""Shards for tests: written by hand, byte by byte, or sparse and as large as the published ones."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from openswarm.k25.headers import INDEX
from openswarm.k25.layout import TensorSpec


def write_raw(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    """A file with this header (text as it is, anything else as JSON) and these bytes after it."""
    text = header if isinstance(header, str) else json.dumps(header)
    encoded = text.encode()
    begin = (len(encoded) if length is None else length).to_bytes(8, "little")
    path.write_bytes(begin + encoded + data)
    return path


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    """What a header says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def write_sparse(folder: Path, specs: Iterable[TensorSpec], real: Mapping[str, bytes]) -> Path:
    """One shard of any size and its index; only `real` tensors take room on the disk."""
    header: dict[str, Any] = {}
    offset = 0
    for spec in specs:
        header[spec.name] = entry(spec.dtype, list(spec.shape), offset, offset + spec.bytes)
        offset += spec.bytes
    path = folder / "model-00001-of-00001.safetensors"
    write_raw(path, header)
    begin = path.stat().st_size
    with path.open("r+b") as file:
        for name, data in real.items():
            file.seek(begin + header[name]["data_offsets"][0])
            file.write(data)
        file.truncate(begin + offset)
    (folder / INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(header, path.name)}))
    return path
