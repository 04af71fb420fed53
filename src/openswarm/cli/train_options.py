"""The options of `openswarm train`, each with its help."""

import math
from pathlib import Path
from typing import Annotated

import typer

HOW, WHERE = "Training", "Tasks and workers"


def _positive(value: float) -> float:
    """Typer's ranges let NaN pass."""
    if not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"it has to be a number above 0, not {value}")
    return value


def _none_or_more(value: float) -> float:
    if not (value >= 0 and math.isfinite(value)):
        raise typer.BadParameter(f"it has to be 0 or a number above it, not {value}")
    return value


Arm = Annotated[str, typer.Argument(metavar="ARM", help="One of `openswarm train arms`.")]
Folders = Annotated[
    list[Path], typer.Argument(metavar="FOLDER…", help="Trainings: what was --out of them.")
]
Results = Annotated[
    list[Path],
    typer.Argument(metavar="RESULTS.csv…", help="What `openswarm train evaluate` wrote."),
]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where to, and where from again.")]
Drawings = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where pictures go.")]
ResultsOut = Annotated[
    Path,
    typer.Option(
        "--out", metavar="FILE.csv", help="Where results go; what is there is not made again."
    ),
]
Start = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", show_default="OUT/start, made if it is not there", rich_help_panel=HOW,
        help="The supervised start that the arm begins from.",
    ),
]  # fmt: skip
Updates = Annotated[int, typer.Option(min=1, rich_help_panel=HOW, help="Of the policy.")]
Tasks = Annotated[int, typer.Option(min=1, rich_help_panel=HOW, help="Of an update.")]
Rollouts = Annotated[
    int, typer.Option(min=2, rich_help_panel=HOW, help="Of a task: they are compared.")
]
Rate = Annotated[
    float, typer.Option(callback=_positive, rich_help_panel=HOW, help="Learning rate.")
]
Demonstrations = Annotated[
    int, typer.Option(min=1, rich_help_panel=HOW, help="That the start learns from.")
]
Steps = Annotated[int, typer.Option(min=1, rich_help_panel=HOW, help="Of the start.")]
Seed = Annotated[int, typer.Option(rich_help_panel=HOW, help="Of all that is drawn.")]
SaveEvery = Annotated[
    int, typer.Option(min=1, rich_help_panel=HOW, help="Updates between checkpoints.")
]
Threads = Annotated[
    int, typer.Option(min=1, rich_help_panel=HOW, help="Of the arithmetic in this process.")
]
Profile = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE.json", rich_help_panel=WHERE,
        help="How the frozen workers behave.",
    ),
]  # fmt: skip
Stronger = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE.json", rich_help_panel=WHERE,
        help="Workers of the second half of the training; '' keeps the first.",
    ),
]  # fmt: skip
Sample = Annotated[
    bool,
    typer.Option(
        "--sample", rich_help_panel=WHERE,
        help="The small corpora that openswarm ships: no download.",
    ),
]  # fmt: skip
Home = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", show_default="openswarm's home", rich_help_panel=WHERE,
        help="Where corpora are kept.",
    ),
]  # fmt: skip
Tests = Annotated[
    str,
    typer.Option(metavar="NAME,…", help="Among wide, wider, other and controls."),
]
Budgets = Annotated[
    str,
    typer.Option(
        metavar="6,8,…", show_default="half an octave apart from 6 to 128",
        help="Critical steps that are allowed; 0 is no budget.",
    ),
]  # fmt: skip
PerTest = Annotated[
    int, typer.Option(min=0, help="Tasks of each family in a test; 0 is the test's own number.")
]
Temperature = Annotated[
    float,
    typer.Option(
        callback=_none_or_more,
        help="Of the policy; 0 takes the likeliest decisions, 1 draws as in training.",
    ),
]
OnlyArms = Annotated[
    list[str] | None,
    typer.Option("--arm", metavar="NAME", show_default="all", help="This arm alone; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value, and nothing else.")]
