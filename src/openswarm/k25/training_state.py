"""A training run's state on disk: weights in float32, the optimiser's moments, the step.

One safetensors file, `state/state.safetensors`, whose metadata has the step: it is written beside
the old one and renamed, so that there is always a whole one. No pickles.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from openswarm.k25.errors import ModelFileError
from openswarm.k25.model import K25
from openswarm.k25.parallel import ALONE, Ranks, full_state
from openswarm.k25.sharding import gathered, part_of, spread_as
from openswarm.k25.shards import whole_file

_FILE = Path("state", "state.safetensors")
_MODEL, _MOMENT = "model:", "optimiser:"
_NUMBERS = {"step": int, "tokens": int, "moments": dict}
"""What the metadata has; `moments` are those that are no tensors."""
_FAULTS = (
    SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError,
)  # fmt: skip
"""What a state can be wrong with: its file, its entries, tensors that belong to other ones."""
Moments = dict[int, dict[str, Any]]
"""Of each parameter, by the optimiser's number for it."""


def save_state(
    folder: Path,
    step: int,
    tokens: int,
    model: K25,
    optimiser: torch.optim.Optimizer,
    ranks: Ranks = ALONE,
) -> None:
    """Writes the state after `step` updates. Every process has to call it, the main one writes.

    Raises `ModelFileError` when the disk does not take it; the state before stays.
    """
    tensors = {f"{_MODEL}{name}": value for name, value in full_state(model, ranks).items()}
    parameters = _parameters(optimiser)
    numbers: dict[str, Any] = {"step": step, "tokens": tokens, "moments": {}}
    for index, moments in optimiser.state_dict()["state"].items():
        for name, value in moments.items():
            key = f"{_MOMENT}{index}:{name}"
            if not isinstance(value, torch.Tensor):
                numbers["moments"][key] = value
                continue
            whole = gathered(value, parameters[index]) if value.dim() else value
            if ranks.is_main:
                tensors[key] = whole
    if ranks.is_main:
        _write(folder, tensors, numbers)


def _parameters(optimiser: torch.optim.Optimizer) -> list[torch.Tensor]:
    """In the order in which the optimiser's state numbers them."""
    return [each for group in optimiser.param_groups for each in group["params"]]


def _write(folder: Path, tensors: dict[str, torch.Tensor], numbers: dict[str, Any]) -> None:
    path = folder / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: value.detach().contiguous() for name, value in tensors.items()}
    with whole_file(path) as partial:
        save_file(whole, partial, metadata={"training": json.dumps(numbers)})


def latest_step(folder: Path) -> int | None:
    """After how many updates the folder's state was written; None when there is none."""
    return _numbers(folder / _FILE)["step"] if (folder / _FILE).is_file() else None


def load_state(folder: Path, model: K25, optimiser: torch.optim.Optimizer | None = None) -> int:
    """Reads the state into a model and its optimiser. Returns the tokens seen.

    Raises `ModelFileError` when the file is damaged or belongs to another configuration.
    """
    path = folder / _FILE
    numbers = _numbers(path)
    try:
        weights, moments = _read(path, numbers["moments"])
        _restore_model(model, weights)
        if optimiser is not None:
            _restore_moments(optimiser, moments)
    except _FAULTS as error:
        raise ModelFileError(f"{path} is damaged, or of another model: {error}") from None
    return numbers["tokens"]


def _read(path: Path, loose: dict[str, Any]) -> tuple[dict[str, torch.Tensor], Moments]:
    """Weights by name, and moments by parameter."""
    weights: dict[str, torch.Tensor] = {}
    entries = loose.copy()
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - not a dict
            if key.startswith(_MODEL):
                weights[key.removeprefix(_MODEL)] = file.get_tensor(key)
            else:
                entries[key] = file.get_tensor(key)
    moments: Moments = {}
    for key, value in entries.items():
        index, name = key.removeprefix(_MOMENT).split(":", 1)
        moments.setdefault(int(index), {})[name] = value
    return weights, moments


def _restore_model(model: K25, weights: dict[str, torch.Tensor]) -> None:
    own = model.state_dict()
    spread = {
        name: spread_as(value, own[name]) if name in own else value
        for name, value in weights.items()
    }
    model.load_state_dict(spread)


def _restore_moments(optimiser: torch.optim.Optimizer, moments: Moments) -> None:
    groups = optimiser.state_dict()["param_groups"]
    for index, parameter in enumerate(_parameters(optimiser)):
        for name, value in moments.get(index, {}).items():
            if not isinstance(value, torch.Tensor) or not value.dim():
                continue
            if value.shape != parameter.shape:
                shape = tuple(parameter.shape)
                raise ValueError(f"{name} {index} is {tuple(value.shape)}, its weight {shape}")
            moments[index][name] = part_of(value, parameter)
    optimiser.load_state_dict({"state": moments, "param_groups": groups})


def load_weights(folder: Path, model: K25) -> None:
    """Gives a model the weights of another run, whose optimiser stays behind."""
    if latest_step(folder) is None:
        raise ModelFileError(f"{folder} holds no training that could be gone on from")
    load_state(folder, model)


def _numbers(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            numbers = json.loads((file.metadata() or {})["training"])
        for name, kind in _NUMBERS.items():
            if type(numbers[name]) is not kind:
                raise ValueError(f"its {name} are no {kind.__name__}")
    except _FAULTS as error:
        raise ModelFileError(f"{path} is no training state: {error}") from None
    return numbers
