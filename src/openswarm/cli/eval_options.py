"""The options of `openswarm eval`, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

WHAT, AGAINST, HOW = "Tasks", "Arms and budgets", "Runs"

Families = Annotated[
    list[str], typer.Argument(metavar="FAMILY…", help="Families of `openswarm eval list`.")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of an eval: its --out.")]
Out = Annotated[
    Path, typer.Option(metavar="FOLDER", help="Where results go, and where it goes on from.")
]
Tasks = Annotated[int, typer.Option(min=1, help="Of each family.", rich_help_panel=WHAT)]
Split = Annotated[
    str, typer.Option(metavar="test|train", help="Which tasks.", rich_help_panel=WHAT)
]
Draw = Annotated[int, typer.Option(help="Draws other tasks.", rich_help_panel=WHAT)]
Rows = Annotated[
    str,
    typer.Option(metavar="LEAST-MOST", help="Rows of a table, or parts.", rich_help_panel=WHAT),
]
Distractors = Annotated[
    int, typer.Option(min=0, help="Documents that are not needed.", rich_help_panel=WHAT)
]
Sample = Annotated[
    bool,
    typer.Option(
        "--sample", help="The small corpora that openswarm ships: no download.",
        rich_help_panel=WHAT,
    ),
]  # fmt: skip
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm", metavar="NAME[=SPEC]", show_default="single, swarm", rich_help_panel=AGAINST,
        help="single, swarm, parallel, fixed-N, parl; =SPEC gives it a model of its own.",
    ),
]  # fmt: skip
Budgets = Annotated[
    str,
    typer.Option(
        metavar="8,16,…", show_default="none", rich_help_panel=AGAINST,
        help="Critical steps that a run may take before it has to answer.",
    ),
]  # fmt: skip
TokenBudgets = Annotated[
    str,
    typer.Option(
        metavar="16000,…", show_default="none", rich_help_panel=AGAINST,
        help="Tokens of all agents that a run may use.",
    ),
]  # fmt: skip
Seeds = Annotated[
    int, typer.Option(min=1, max=100, help="Repeats of every run.", rich_help_panel=AGAINST)
]
AtOnce = Annotated[int, typer.Option(min=1, max=256, help="Runs at once.", rich_help_panel=HOW)]
KeepRuns = Annotated[
    bool,
    typer.Option(
        help="Keep each run's journal, for `openswarm show FOLDER/runs/RUN`.", rich_help_panel=HOW
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again", help="Make runs again that ended in an error.", rich_help_panel=HOW
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="One JSON value, and nothing else.")]
Public = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="widesearch.jsonl, or the CSV of BrowseComp or DeepSearchQA."
    ),
]
Answers = Annotated[
    Path,
    typer.Option(
        metavar="PATH",
        help='Lines of {"id": …, "text": …}, or a folder with ID.md for each task. '
        "Several lines of one id are trials.",
    ),
]
Scoring = Annotated[
    str,
    typer.Option(
        "--mode", metavar="official|strict",
        help="With every quirk of the published scorer, or bounded.",
    ),
]  # fmt: skip
JudgeModel = Annotated[
    str,
    typer.Option(
        "--judge", metavar="SPEC", show_default="none",
        help="A model that grades; without one, answers are compared by rule.",
    ),
]  # fmt: skip
Verdicts = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where every question to the judge is recorded."),
]
FiguresOut = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", show_default="FOLDER/figures", help="Where to."),
]
OnlyFamily = Annotated[
    list[str] | None,
    typer.Option("--family", metavar="FAMILY", show_default="all", help="Of this family alone."),
]
