"""The names under which models are served: `openswarm-MODE`, and `openswarm-MODE@SPEC`.

The first is the server's own model in that mode; the second is another one that the server was
started with. Nothing else can be asked for, so that a request cannot make the server connect to
an address of its choice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from openswarm.core.task import Mode
from openswarm.server.failures import ApiError

PREFIX = "openswarm-"
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Served:
    """One served model: its name, and the mode and specification that it stands for."""

    name: str
    mode: Mode
    spec: str


def every_name(specs: Sequence[str]) -> Iterable[Served]:
    """All that is served; the first specification is the one of the short names."""
    for position, spec in enumerate(specs):
        for mode in MODES:
            short = f"{PREFIX}{mode}"
            yield Served(short if position == 0 else f"{short}@{spec}", mode, spec)


def served(name: object, specs: Sequence[str]) -> Served:
    """The model of that name. Raises `ApiError` that lists the names there are."""
    if not isinstance(name, str) or not name:
        raise ApiError(400, "model is missing: name one of GET /v1/models", param="model")
    known = {entry.name: entry for entry in every_name(specs)}
    known |= {f"{PREFIX}{mode}@{specs[0]}": known[f"{PREFIX}{mode}"] for mode in MODES}
    if name not in known:
        names = ", ".join(entry.name for entry in every_name(specs[:1]))
        raise ApiError(
            404,
            f"there is no model {name[:100]!r}; there are {names}, and those of GET /v1/models",
            kind="model_not_found",
            param="model",
        )
    return known[name]
