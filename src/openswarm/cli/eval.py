"""`openswarm eval`: arms beside each other on generated tasks, their figures, public answers."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import anyio
import typer

from openswarm.cli import eval_options as options
from openswarm.cli import eval_score
from openswarm.cli.eval_view import line_object, print_families, print_summary, progress_of_runs
from openswarm.cli.exits import Exit, Interrupted, say
from openswarm.cli.options import Model, SubagentModel
from openswarm.cli.result import print_json
from openswarm.cli.run_first import RunFirst
from openswarm.core.errors import UserError
from openswarm.modes.settings import home_folder, load_settings

if TYPE_CHECKING:
    from openswarm.evals.runner import Eval
    from openswarm.evals.suites.family import Dials, Family, Material

_ROWS = re.compile(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?")
USUAL_ARMS = ("single", "swarm")
_ABOUT = """Measures ways of working against each other on tasks whose answers are known.

\b
Examples:
  openswarm eval factbook-wide --sample --tasks 20 --budgets 8,16,32,64 --out runs/wide
  openswarm eval list
  openswarm eval figures runs/wide
  openswarm eval score widesearch.jsonl --answers answers.jsonl

`openswarm eval FAMILY…` is short for `openswarm eval run FAMILY…`, whose --help has the options.
"""


eval_app = typer.Typer(
    cls=RunFirst,
    no_args_is_help=True,
    help=_ABOUT,
    subcommand_metavar="FAMILY…|COMMAND [OPTIONS]",
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    eval_score.add_to(eval_app)
    app.add_typer(eval_app, name="eval", rich_help_panel="Measure")


@eval_app.command("run")
def run(
    context: typer.Context,
    families: options.Families,
    out: options.Out,
    arms: options.Arms = None,
    model: Model = "",
    subagent_model: SubagentModel = "",
    tasks: options.Tasks = 20,
    split: options.Split = "test",
    draw: options.Draw = 0,
    rows: options.Rows = "3-20",
    distractors: options.Distractors = 8,
    sample: options.Sample = False,
    budgets: options.Budgets = "",
    token_budgets: options.TokenBudgets = "",
    seeds: options.Seeds = 1,
    at_once: options.AtOnce = 2,
    keep_runs: options.KeepRuns = True,
    again: options.Again = False,
    as_json: options.Json = False,
) -> int:
    """Runs tasks of families under each arm and budget, and compares the arms.

    \b
    Examples:
      openswarm eval factbook-wide --sample --arm single --arm swarm --out runs/wide
      openswarm eval factbook-wide sequential --arm single --arm swarm --arm fixed-4 \\
        --arm parl=local/parl-swarm --model local/qwen2.5-coder-1.5b \\
        --budgets 8,16,32,64 --token-budgets 32000,64000 --seeds 3 --out runs/all

    Every arm gets the same tasks and the same budgets. Each run is written down as it ends: the
    same command goes on where it was stopped, and with more tasks, arms or budgets it makes what
    is missing. `openswarm eval figures FOLDER` draws the result.

    Exit codes: 0 done, 1 error, 2 usage, 3 some runs ended in an error, 130 interrupted.
    """
    from openswarm.evals.comparison import summary
    from openswarm.evals.runner import carry_out

    wanted = _wanted(context, context.params)
    try:
        with progress_of_runs() as tell:
            episodes = anyio.run(partial(carry_out, wanted, tell))
    except KeyboardInterrupt:
        raise Interrupted("what is done is kept; the same command goes on") from None
    lines = summary(episodes)
    if as_json:
        print_json({"out": str(out), "lines": [line_object(line) for line in lines]})
    else:
        print_summary(lines)
        say(f"{len(episodes)} runs in {out}; draw them: openswarm eval figures {out}")
    return Exit.PARTIAL if any(episode.error for episode in episodes) else Exit.COMPLETED


@eval_app.command("list")
def list_families(as_json: options.Json = False) -> None:
    """Lists the families of tasks.

    \b
    Example:
      openswarm eval list
    """
    from openswarm.evals.suites.catalogue import FAMILIES

    found = [
        {"family": family.name, "kinds": ", ".join(family.kinds), "summary": family.summary}
        for family in FAMILIES.values()
    ]
    if as_json:
        print_json(found)
    else:
        print_families(found)


@eval_app.command("figures")
def figures(
    folder: options.Folder,
    out: options.FiguresOut = None,
    family: options.OnlyFamily = None,
) -> None:
    """Draws the figures of an eval, each as PNG and as CSV with the command that made it.

    \b
    Example:
      openswarm eval figures runs/wide
    """
    from openswarm.evals.figures import write_figures
    from openswarm.evals.results import read_episodes, read_plan

    episodes = read_episodes(folder)
    if family:
        known = dict.fromkeys(episode.family for episode in episodes)
        episodes = [episode for episode in episodes if episode.family in family]
        if not episodes:
            raise UserError(
                f"{folder} holds no run of {', '.join(family)}; it has {', '.join(known)}"
            )
    plan = read_plan(folder)
    words = ["openswarm", "eval", "figures", str(folder), *_repeated("--family", family)]
    made_by = " && ".join(filter(None, (plan.command if plan else "", _shell(words))))
    for path in write_figures(episodes, out or folder / "figures", made_by):
        say(str(path))


def _wanted(context: typer.Context, given: dict[str, Any]) -> "Eval":
    """What is to be run. Raises `UserError` that names the option that cannot be used."""
    from openswarm.evals.arms import named_arm
    from openswarm.evals.budgets import sweep
    from openswarm.evals.runner import Eval, usual_limits
    from openswarm.evals.scoring.score import score

    home = home_folder()
    settings = load_settings(home)
    names = given["arms"] or USUAL_ARMS
    tasks, corpora = _tasks(given, home)
    return Eval(
        tasks=tasks,
        arms=[named_arm(name, given["model"], given["subagent_model"]) for name in names],
        corpora=corpora,
        out=given["out"],
        scorer=score,
        home=home,
        settings=settings,
        budgets=sweep(
            _numbers("--budgets", given["budgets"]),
            _numbers("--token-budgets", given["token_budgets"]),
        ),
        repeats=given["seeds"],
        limits=usual_limits(settings.limits),
        at_once=given["at_once"],
        keep_runs=given["keep_runs"],
        again=given["again"],
        command=command_line(context),
    )


def _tasks(given: dict[str, Any], home: Path) -> tuple[list[Any], dict[str, Any]]:
    """The tasks of all families, and the documents that they are over, by corpus."""
    from openswarm.evals.task import Split

    split = given["split"]
    if split not in get_args(Split):
        raise UserError(f"--split is one of {', '.join(get_args(Split))}, not {split!r}")
    dials = _dials(given)
    tasks: list[Any] = []
    corpora: dict[str, Any] = {}
    for name in dict.fromkeys(given["families"]):
        family = _family(name)
        material = _material(family, home, sample=given["sample"])
        corpora[material.documents.name] = material.documents
        found = list(family.tasks(material, split, given["tasks"], given["draw"], dials))
        if len(found) < given["tasks"]:
            say(f"{name}: only {len(found)} different tasks can be drawn from this corpus")
        tasks += found
    if not tasks:
        raise UserError("no task can be drawn with these options; widen --rows")
    return tasks, corpora


def _family(name: str) -> "Family":
    from openswarm.evals.suites.catalogue import FAMILIES

    if name not in FAMILIES:
        raise UserError(f"there is no family {name[:60]!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]


def _material(family: "Family", home: Path, *, sample: bool) -> "Material":
    if sample:
        return family.sample()
    say(f"{family.name}: reading its corpus; the first time it is downloaded")
    return family.build(home)


def _dials(given: dict[str, Any]) -> "Dials":
    from openswarm.evals.suites.family import Dials

    found = _ROWS.fullmatch(given["rows"])
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most:
        raise UserError(f"--rows is like 3-20, the least first, not {given['rows'][:60]!r}")
    return Dials(min_rows=least, max_rows=most, distractors=given["distractors"])


def _numbers(option: str, text: str) -> list[int]:
    """Whole numbers with commas between them. Raises `UserError` that names the option."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdecimal() and len(part) <= 9 for part in parts):
        raise UserError(f"{option} takes whole numbers such as 8,16,32, not {text[:60]!r}")
    return [int(part) for part in parts]


def command_line(context: typer.Context) -> str:
    """The command as it would be typed: what was given, defaults left out."""
    words = context.command_path.split()
    for param in context.command.params:
        value = context.params.get(param.name or "")
        if value is None or value in ((), []) or value == param.default:
            continue
        values = list(map(str, value)) if isinstance(value, list) else [str(value)]
        if param.param_type_name == "argument":
            words += values
        elif isinstance(value, bool):
            words += (param.opts if value else param.secondary_opts)[:1]
        else:
            words += _repeated(param.opts[0], values)
    return _shell(words)


def _repeated(option: str, values: Sequence[str] | None) -> list[str]:
    return [word for value in values or () for word in (option, value)]


def _shell(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(words)
