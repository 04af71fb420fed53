"""The one mapping between names in the published files and parameters of the module.

The module is named as published but for two things: `language_model.model.X` is
`language_model.X`, and the matrices of a layer's routed experts are slices of two stacked
parameters. Knows no torch. Legend: E experts, G twice the width of an expert, H hidden size,
I width of an expert.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from openswarm.k25.config import TextConfig
from openswarm.k25.layout import HEAD, PROJECTOR, TEXT, VISION

Form = Literal["weight", "weight_packed", "weight_scale", "weight_shape"]
"""How an expert's matrix stands in the file: plain, or one of the three tensors of INT4."""
Matrix = Literal["gate_proj", "up_proj", "down_proj"]

MODULE_TEXT = "language_model."
GATE_UP, DOWN = "gate_up_EGH", "down_EHI"
_NUMBER = r"(0|[1-9]\d{0,5})"
_EXPERT = re.compile(
    rf"{re.escape(TEXT)}layers\.{_NUMBER}\.mlp\.experts\.{_NUMBER}"
    rf"\.({'|'.join(get_args(Matrix))})\.({'|'.join(get_args(Form))})"
)
_AS_THEY_ARE = (VISION, PROJECTOR)


@dataclass(frozen=True, slots=True)
class Slice:
    """A matrix of one expert: rows `[first, last)` of entry `expert` of a stacked parameter."""

    expert: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor of the file belongs: a parameter or buffer, or a slice of one."""

    parameter: str
    slice: Slice | None = None
    form: Form = "weight"


def place_of(name: str, config: TextConfig) -> Place | None:
    """Where a published name belongs in the module; None for one that no such model has.

    Only the pattern is judged; which names a model has is said by `layout.tensors`.
    """
    if match := _EXPERT.fullmatch(name):
        layer, expert, matrix, form = match.groups()
        stack, first, last = _rows(matrix, config)
        parameter = f"{MODULE_TEXT}layers.{layer}.mlp.experts.{stack}"
        return Place(parameter, Slice(int(expert), first, last), cast("Form", form))
    if name.startswith(TEXT):
        return Place(MODULE_TEXT + name.removeprefix(TEXT))
    return Place(name) if name == HEAD or name.startswith(_AS_THEY_ARE) else None


def _rows(matrix: str, config: TextConfig) -> tuple[str, int, int]:
    """The stacked parameter that holds a matrix, and the rows that are the matrix."""
    width = config.moe_intermediate_size
    if matrix == "down_proj":
        return DOWN, 0, config.hidden_size
    return (GATE_UP, 0, width) if matrix == "gate_proj" else (GATE_UP, width, 2 * width)
