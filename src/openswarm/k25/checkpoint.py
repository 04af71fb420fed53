"""Checkpoints: the model from published files, one expert from them, and a model into files.

Owns what tensors mean on their way: the place of each (`names`), INT4 taken apart and put together
(`int4`), weights that are not finite. Bytes are moved by `shards`. Legend: R rows, C columns.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, get_args

import torch
from torch.overrides import TorchFunctionMode

from openswarm.k25.config import K25Config, load_config
from openswarm.k25.contents import check, first_of
from openswarm.k25.errors import ModelFileError
from openswarm.k25.headers import stored_tensors
from openswarm.k25.int4 import dequantize, pack, quantize, unpack
from openswarm.k25.layout import NIBBLES, TensorSpec, expert_name, tensors
from openswarm.k25.model import K25
from openswarm.k25.names import Matrix, Place, place_of
from openswarm.k25.scheme import check_scheme, with_int4
from openswarm.k25.shards import DTYPES, MappedShards, planned, whole_folder, write_shards

SHARD_BYTES = 5_000_000_000
_PACKED = ".weight_packed"


class Checkpoint:
    """The files of one model, open: every tensor can be read alone.

    Opening reads configuration and headers and no weight. Raises `ModelFileError` when they do not
    fit each other.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: K25Config = load_config(folder)
        check_scheme(self.config, str(folder / "config.json"))
        self.stored = stored_tensors(folder)
        if not self.stored:
            raise ModelFileError(f"{folder} has a config.json and no weights")
        check(self.config, self.stored, folder)
        self._shards = MappedShards(self.stored)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the files back; tensors that were read stay valid."""
        self._shards.close()

    def tensor(self, name: str) -> torch.Tensor:
        """A tensor by its published name, as it is in the file. Raises `ModelFileError`."""
        return self._shards.tensor(name)

    def expert(
        self, layer: int, expert: int, dtype: torch.dtype = torch.float32
    ) -> dict[Matrix, torch.Tensor]:
        """The three matrices of one routed expert, taken out of INT4; nothing else is read.

        Raises `ModelFileError` where there is no such expert.
        """
        return {
            matrix: self.matrix(expert_name(layer, expert, matrix)).to(dtype)
            for matrix in get_args(Matrix)
        }

    def matrix(self, name: str) -> torch.Tensor:
        """A routed expert's matrix `(R, C)` by its name without `.weight…`.

        From INT4 in float32, otherwise as it is in the file. Raises `ModelFileError`.
        """
        if not self.config.int4:
            return self.tensor(f"{name}.weight")
        packed, scale = self.tensor(f"{name}{_PACKED}"), self.tensor(f"{name}.weight_scale")
        shape = self.tensor(f"{name}.weight_shape").tolist()
        rows, columns = packed.shape[0], packed.shape[1] * NIBBLES
        if shape != [rows, columns]:
            file = self.stored[f"{name}.weight_shape"].file
            raise ModelFileError(
                f"{file}: {name}.weight_shape is {shape}, and has to be {[rows, columns]}"
            )
        return dequantize(unpack(packed, columns), scale)

    def weights(self) -> Iterator[tuple[str, Place, torch.Tensor]]:
        """Every weight, one at a time: the name it is reported by, its place, its value."""
        for spec, place in _places(self.config):
            if place.form == "weight_packed":
                yield spec.name, place, self.matrix(spec.name.removesuffix(_PACKED))
            elif place.form == "weight":
                yield spec.name, place, self.tensor(spec.name)


def load_model(
    folder: Path, *, dtype: torch.dtype = torch.float32, check_finite: bool = True
) -> K25:
    """A model with the weights of a folder, its parameters in `dtype`.

    Beside the model one tensor is in memory at a time. Raises `ModelFileError` naming file and
    tensor for what is missing, unknown, of another shape, or (with `check_finite`) not finite.
    """
    with Checkpoint(folder) as checkpoint:
        with _WithoutStorage():
            model = K25(checkpoint.config)
        buffers = {name for name, _ in model.named_buffers()}
        values = {
            name: torch.empty(
                entry.shape, dtype=entry.dtype if name in buffers else dtype, device="cpu"
            )
            for name, entry in model.state_dict().items()
        }
        faults: list[str] = []
        for name, place, weight in checkpoint.weights():
            if check_finite and not weight.isfinite().all():
                faults.append(f"{name} in {checkpoint.stored[name].file.name}")
            _slice(values[place.parameter], place).copy_(weight)
    if faults:
        raise ModelFileError(
            f"{folder}: not finite (NaN or infinite), {len(faults)} in all: {first_of(faults)}"
        )
    model.load_state_dict(values, strict=True, assign=True)
    return model


def save_model(model: K25, folder: Path, *, int4: bool, shard_bytes: int = SHARD_BYTES) -> None:
    """Writes a model as published: configuration, index and shards, in bf16, the experts in INT4
    if so wanted. The folder is there when it is whole, or not at all.

    Raises `ModelFileError` for a folder with something in it, a full disk, and weights that have
    no INT4 value.
    """
    config = with_int4(model.config, int4)
    shards = planned(tensors(config), shard_bytes)
    with whole_folder(folder) as partial:
        (partial / "config.json").write_text(config.to_json(), "utf-8")
        write_shards(partial, shards, _published(model, config))


@torch.no_grad()
def _published(model: K25, config: K25Config) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of the files, in the order of the layout; each is a copy."""
    values = model.state_dict()
    parts: dict[str, torch.Tensor] = {}
    for spec, place in _places(config):
        value = _slice(values[place.parameter], place)
        if place.form == "weight":
            yield spec.name, value.to("cpu", DTYPES[spec.dtype], copy=True).contiguous()
            continue
        if place.form == "weight_packed":
            parts = _packed(spec.name, value)
        yield spec.name, parts[place.form]


def _places(config: K25Config) -> Iterator[tuple[TensorSpec, Place]]:
    """Every tensor of the layout and where it belongs."""
    for spec in tensors(config):
        place = place_of(spec.name, config.text_config)
        if place is None:
            raise AssertionError(f"{spec.name} is in the layout and has no place in the module")
        yield spec, place


def _packed(name: str, value_RC: torch.Tensor) -> dict[str, torch.Tensor]:
    """The three tensors that stand for a matrix in INT4."""
    try:
        q_RC, scale = quantize(value_RC.cpu())
    except ValueError as error:
        raise ModelFileError(f"{name}: {error}") from None
    shape = torch.tensor(value_RC.shape, dtype=torch.int32)
    return {"weight_packed": pack(q_RC), "weight_scale": scale, "weight_shape": shape}


def _slice(value: torch.Tensor, place: Place) -> torch.Tensor:
    """The part of a parameter that a place names, as a view."""
    cut = place.slice
    return value if cut is None else value[cut.expert, cut.first : cut.last]


class _WithoutStorage(TorchFunctionMode):
    """Modules made inside have shapes and no memory where `torch.empty` makes a parameter.

    Not `torch.device("meta")`: tables that a module computes for itself are kept.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = dict(kwargs or {})
        if func is torch.empty and options.get("device") is None:
            options["device"] = "meta"
        return func(*args, **options)
