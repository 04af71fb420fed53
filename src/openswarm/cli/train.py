"""`openswarm train`: the orchestrator's training, from demonstrations to a policy that runs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from openswarm.cli import train_options as options
from openswarm.cli import train_results
from openswarm.cli.eval import command_line
from openswarm.cli.exits import Interrupted, say
from openswarm.cli.result import output, print_grid, print_json
from openswarm.cli.run_first import RunFirst
from openswarm.cli.tables import grid
from openswarm.cli.text import count
from openswarm.cli.train_results import need_extra
from openswarm.cli.train_view import progress_of, update_line
from openswarm.core.errors import UserError
from openswarm.modes.settings import home_folder

if TYPE_CHECKING:
    from openswarm.parl.arms import Arm
    from openswarm.parl.course import Surroundings, Trained
    from openswarm.parl.trainer import Progress

_ABOUT = """Trains an orchestrator to swarm when that pays, with frozen sub-agents (PARL).

\b
Examples:
  openswarm train start --out runs/start
  openswarm train parl --start runs/start --out runs/parl-0
  openswarm train single --start runs/start --out runs/single-0
  openswarm train curves runs/parl-0 runs/single-0 --out curves
  openswarm train evaluate runs/parl-0 runs/single-0 --out results.csv
  openswarm train tables results.csv
  openswarm run "…" --over data/ --model local/runs/parl-0/model

`openswarm train ARM` is short for `openswarm train run ARM`, whose --help has the options.
"""


train_app = typer.Typer(
    cls=RunFirst,
    no_args_is_help=True,
    help=_ABOUT,
    subcommand_metavar="ARM|COMMAND [OPTIONS]",
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    train_results.add_to(train_app)
    app.add_typer(train_app, name="train", rich_help_panel="The model")


@train_app.command("run")
def run(
    context: typer.Context,
    arm: options.Arm,
    out: options.Out,
    start: options.Start = None,
    updates: options.Updates = 60,
    tasks: options.Tasks = 8,
    rollouts: options.Rollouts = 8,
    rate: options.Rate = 1e-3,
    seed: options.Seed = 0,
    profile: options.Profile = "weak",
    stronger: options.Stronger = "qwen2.5-coder-1.5b",
    sample: options.Sample = False,
    home: options.Home = None,
    threads: options.Threads = 1,
    save_every: options.SaveEvery = 10,
    demonstrations: options.Demonstrations = 8000,
    steps: options.Steps = 900,
    as_json: options.Json = False,
) -> None:
    """Trains one arm from a supervised start, or goes on from its last checkpoint.

    \b
    Examples:
      openswarm train parl --out runs/parl --sample --updates 20
      openswarm train no-parallel --start runs/start --seed 1 --out runs/no-parallel-1

    Without --start one is made first, in OUT/start. OUT then holds run.json (what was asked, and
    the worker's hash before and after), log.jsonl (a line an update), state/ (the checkpoint) and
    model/, which `openswarm run --model local/OUT/model` takes.
    """
    need_extra()
    from openswarm.parl.arms import ARMS
    from openswarm.parl.trainer import Recipe

    if arm not in ARMS:
        raise UserError(f"there is no arm {arm[:60]!r}; there are {', '.join(ARMS)}")
    around = _surroundings(context)
    if start is None:
        start = out / "start"
        _start(start, demonstrations, steps, seed, around)
    recipe = Recipe(
        updates=updates, tasks=tasks, rollouts=rollouts, rate=rate, seed=seed,
        save_every=save_every, minibatches=min(2, tasks),
    )  # fmt: skip
    trained, last = _train(ARMS[arm], recipe, start, out, around)
    _say_end(trained, out)
    if as_json:
        print_json({**_object(trained, out), "last": last})


def _train(
    arm: "Arm", recipe: Any, start: Path, out: Path, around: "Surroundings"
) -> "tuple[Trained, dict[str, float | None]]":
    """Trains with a bar; what came of it, and the figures of the last update."""
    from openswarm.parl.course import train_arm

    last: dict[str, float | None] = {}

    def noted(update: "Progress") -> None:
        told(update.update + 1, recipe.updates, update_line(update))
        values = {"update": update.update, "reward": update.reward, **update.figures.values()}
        last.update({k: None if math.isnan(v) else v for k, v in values.items()})

    try:
        with progress_of("updates") as told:
            trained = train_arm(out, arm, recipe, start, around, noted)
    except KeyboardInterrupt:
        raise Interrupted("the same command goes on from the last checkpoint") from None
    return trained, last


@train_app.command("start")
def start(
    context: typer.Context,
    out: options.Out,
    demonstrations: options.Demonstrations = 8000,
    steps: options.Steps = 900,
    seed: options.Seed = 0,
    profile: options.Profile = "weak",
    sample: options.Sample = False,
    home: options.Home = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
) -> None:
    """Makes the supervised start that every arm is trained from.

    \b
    Example:
      openswarm train start --out runs/start

    A policy with fresh weights learns from demonstrations by a script, most of which do one thing
    at a time. What is there already is not made again.
    """
    need_extra()
    made = _start(out, demonstrations, steps, seed, _surroundings(context))
    _say_end(made, out)
    if as_json:
        print_json(_object(made, out))


def _start(
    out: Path, demonstrations: int, steps: int, seed: int, around: "Surroundings"
) -> "Trained":
    from openswarm.parl.course import make_start
    from openswarm.parl.start import StartRecipe

    recipe = StartRecipe(demonstrations=demonstrations, steps=steps, seed=seed)
    say(f"the start in {out}: {count(demonstrations, 'demonstration')}, then {steps} steps")

    def noted(step: int, nats: float, alike: float) -> None:
        told(step + 1, steps, f"start: {nats:.3f} nats a decision, {alike:.1%} alike")

    try:
        with progress_of("steps") as told:
            return make_start(out, recipe, around, noted)
    except KeyboardInterrupt:
        raise Interrupted("the start has no checkpoint; the same command begins anew") from None


@train_app.command("arms")
def arms(as_json: options.Json = False) -> None:
    """Lists the arms: ways of training that differ in one thing.

    \b
    Example:
      openswarm train arms
    """
    need_extra()
    from openswarm.parl.arms import ARMS

    found = [{"arm": arm.name, "summary": arm.summary, "budget": arm.budget,
              "spawns": arm.seat.spawn} for arm in ARMS.values()]  # fmt: skip
    if as_json:
        print_json(found)
        return
    page = output()
    made = grid(page, ("arm", "budget"), (), "summary")
    for facts in found:
        made.add_row(str(facts["arm"]), str(facts["budget"]), str(facts["summary"]))
    print_grid(page, made)


def _surroundings(context: typer.Context) -> "Surroundings":
    from openswarm.parl.course import Surroundings, profile_of

    given = context.params
    profile_of(given["profile"])
    home = None if given["sample"] else given["home"] or home_folder()
    return Surroundings(
        home=home,
        profile=given["profile"],
        threads=given["threads"],
        stronger=given.get("stronger", ""),
        command=command_line(context),
    )


def _object(trained: "Trained", out: Path) -> dict[str, Any]:
    record = trained.record
    return {
        "out": str(out),
        "model": str(trained.policy),
        "arm": record.arm or "start",
        "seed": record.seed,
        "updates": record.updates,
        "resumed": trained.resumed,
        "worker_before": record.worker_before,
        "worker_after": record.worker_after,
    }


def _say_end(trained: "Trained", out: Path) -> None:
    record = trained.record
    same = record.worker_before == record.worker_after
    say(
        f"worker {record.profile}: {record.worker_before[:16]} before,"
        f" {record.worker_after[:16]} after: {'unchanged' if same else 'trained as well'}"
    )
    say(f"{trained.policy} is ready: openswarm run … --model local/{trained.policy}")
