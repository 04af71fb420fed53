"""The bytes of tensors: read one at a time from mapped shards, written shard by shard.

Owns the mapping of files into memory and the way files and folders come to be: beside their place,
and moved there when they are whole. Knows names, types and ranges, and nothing of a model. Headers
are read by `headers`; nothing is ever unpickled.
"""

import json
import mmap
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from openswarm.k25.errors import ModelFileError
from openswarm.k25.headers import INDEX, Stored
from openswarm.k25.layout import TensorSpec

DTYPES = {
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "F32": torch.float32,
    "I32": torch.int32,
    "I64": torch.int64,
}
"""The types in which tensors of a model are read and written."""


class MappedShards:
    """Shards that are mapped into memory when their first tensor is asked for.

    The files have to stay as they are until `close`.
    """

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self.stored = stored
        self._maps: dict[Path, mmap.mmap] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the mapped files back; tensors that were read stay valid."""
        for mapped in self._maps.values():
            mapped.close()
        self._maps.clear()

    def tensor(self, name: str) -> torch.Tensor:
        """A copy of one tensor, in its type in the file; no other byte of the file is touched.

        Raises `ModelFileError` for a name that is in no file and a type that no model has.
        """
        stored = self.stored.get(name)
        if stored is None:
            raise ModelFileError(f"{name} is in no file of the checkpoint")
        if stored.dtype not in DTYPES:
            raise ModelFileError(f"{stored.file}: {name}: {stored.dtype} cannot be read")
        dtype = DTYPES[stored.dtype]
        if stored.start == stored.end:
            return torch.empty(stored.shape, dtype=dtype)
        with memoryview(self._mapped(stored.file)) as whole:
            data = bytearray(whole[stored.start : stored.end])
        if len(data) != stored.end - stored.start:
            raise ModelFileError(f"{stored.file}: {name}: the file has become shorter")
        return torch.frombuffer(data, dtype=dtype).view(stored.shape)

    def _mapped(self, path: Path) -> mmap.mmap:
        if path not in self._maps:
            try:
                with path.open("rb") as file:
                    self._maps[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise ModelFileError(f"{path} cannot be mapped: {error}") from None
        return self._maps[path]


def planned(specs: Iterable[TensorSpec], shard_bytes: int) -> list[list[TensorSpec]]:
    """The tensors in shards of at most `shard_bytes`; a larger tensor has one of its own."""
    shards: list[list[TensorSpec]] = [[]]
    filled = 0
    for spec in specs:
        if shards[-1] and filled + spec.bytes > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(spec)
        filled += spec.bytes
    return shards


def write_shards(
    folder: Path,
    shards: Sequence[Sequence[TensorSpec]],
    tensors: Iterator[tuple[str, torch.Tensor]],
) -> None:
    """Writes shards and their index. `tensors` come in the order of the plan, and one shard of
    them is held at a time."""
    index: dict[str, str] = {}
    for number, specs in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        held = dict(islice(tensors, len(specs)))
        save_file(held, folder / name, metadata={"format": "pt"})
        index |= dict.fromkeys(held, name)
    total = sum(spec.bytes for specs in shards for spec in specs)
    text = json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=2)
    (folder / INDEX).write_text(text + "\n", "utf-8")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` when the block ends well, and is gone when
    it does not.

    Raises `ModelFileError` for a folder that has something in it, and when the disk does not take
    what is written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelFileError(f"{folder} is there already; save to a new folder")
    partial = _beside(folder)
    try:
        partial.mkdir(parents=True)
        yield partial
        for path in (*partial.iterdir(), partial):
            _synchronise(path)
        partial.replace(folder)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{folder} cannot be written: {error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes the file `path` when the block ends well, and is gone when
    it does not; a file that was there stays until then.

    Raises `ModelFileError` when the disk does not take what is written.
    """
    partial = _beside(path)
    try:
        yield partial
        _synchronise(partial)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """A name in the same folder that nothing has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def _synchronise(path: Path) -> None:
    """Waits until the disk has it: a rename may not come before what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
