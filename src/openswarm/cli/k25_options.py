"""The options of `openswarm k25 train`, each with its help."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated

import typer


def _finite(value: float) -> float:
    """Typer's ranges let NaN pass."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"it has to be a number, not {value}")
    return value


def _positive(value: float) -> float:
    if not value > 0:
        raise typer.BadParameter(f"it has to be above 0, not {value}")
    return _finite(value)


_share = partial(typer.Option, min=0, max=1, callback=_finite)
Model = Annotated[str, typer.Argument(metavar="mini|tiny", help="Which configuration.")]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where to, and where from again.")]
Steps = Annotated[int, typer.Option(min=0, help="Updates; 0 is the model's own number.")]
Rate = Annotated[float, typer.Option(callback=_positive, help="Learning rate at its highest.")]
Rows = Annotated[int, typer.Option(min=1, help="Sequences in a batch.")]
Length = Annotated[int, typer.Option(min=0, help="Tokens in each; 0 is the model's own.")]
Vision = Annotated[float, _share(help="Share of tokens with pictures.")]
VisionFrom = Annotated[
    float, _share(help="Share of the steps before the first picture; 0: early fusion.")
]
WholeUntil = Annotated[float, _share(help="Share of the steps in which prompts are learned too.")]
QatFrom = Annotated[
    float, _share(help="Share of the steps after which experts are INT4; 1: never.")
]
ExtendFrom = Annotated[
    float, _share(help="Share of the steps after which rows are long; 1: never.")
]
BalanceRate = Annotated[
    float, typer.Option(min=0, callback=_finite, help="Of router biases; 0 leaves them.")
]
Seed = Annotated[int, typer.Option(help="Of weights and data.")]
Start = Annotated[
    Path | None, typer.Option("--from", metavar="FOLDER", help="Begin with its weights.")
]
Bf16 = Annotated[bool, typer.Option(help="Compute in bf16, or in float32.")]
Checkpointing = Annotated[bool, typer.Option(help="Less memory, more time.")]
Parallel = Annotated[
    str, typer.Option(metavar="none|fsdp|experts", help="How torchrun's processes share it.")
]
SaveEvery = Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")]
Each = Annotated[int, typer.Option(min=1, help="Cases of each kind in the examination.")]
