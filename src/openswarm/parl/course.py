"""A whole training: from settings to a policy's folder, gone on with where it was ended.

Owns what goes into a folder's record, and that the worker's hash is taken before and after. How a
start is learned is `start`'s business, how an arm is trained the trainer's.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from openswarm.core.errors import UserError
from openswarm.llm.policy.folder import PolicyCard, load_policy, new_policy
from openswarm.parl.arms import Arm
from openswarm.parl.checkpoint import (
    MODEL,
    Training,
    limit_threads,
    policy_folder,
    save_policy,
    weights_sha256,
)
from openswarm.parl.curriculum import Curriculum, build_curriculum
from openswarm.parl.environment import Environment
from openswarm.parl.start import StartRecipe, demonstrate, imitate
from openswarm.parl.trainer import LOG, Progress, Recipe, Trainer
from openswarm.parl.workers.profile import WorkerProfile, load_profile, read_profile

OnStep = Callable[[int, float, float], None]
OnUpdate = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What trainings that are compared have in common."""

    home: Path | None
    """Where corpora are built; None takes the samples."""
    profile: str
    """The frozen worker: the name of a shipped profile, or a file that ends in `.json`."""
    threads: int = 1
    command: str = ""
    """What was typed, for the record."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to."""

    record: Training
    policy: Path
    """A folder that `local/FOLDER` runs."""
    resumed: int
    """The update that it went on from; 0 from the start."""


def profile_of(name: str) -> WorkerProfile:
    """A worker's profile by its name or file. Raises `UserError`."""
    return read_profile(Path(name)) if name.endswith(".json") else load_profile(name)


def make_start(
    folder: Path, recipe: StartRecipe, around: Surroundings, tell: OnStep = lambda *_: None
) -> Trained:
    """Makes the supervised start in a folder, or finds that it is there already.

    `tell` gets step, nats a decision, and the share decided alike. Raises `UserError` for a folder
    that cannot be written or holds another training, `SettingsError` for corpora that cannot be
    had.
    """
    limit_threads(around.threads)
    profile = profile_of(around.profile)
    curriculum = build_curriculum(around.home)
    settings = {"recipe": asdict(recipe), **_tasks(curriculum)}
    record = _record("start", "", recipe.seed, settings, profile, around).begin(folder)
    if record.worker_after:
        return Trained(record, policy_folder(folder), recipe.steps)
    environment = Environment(curriculum.corpora, profile)
    segments = demonstrate(environment, curriculum, recipe.demonstrations, recipe.seed)
    model = new_policy(recipe.seed)
    with (folder / LOG).open("w", encoding="utf-8") as log:

        def noted(step: int, nats: float, alike: float) -> None:
            line = {"step": step, "nats": round(nats, 5), "alike": round(alike, 5)}
            log.write(json.dumps(line) + "\n")
            tell(step, nats, alike)

        imitate(model, segments, recipe, noted)
    card = PolicyCard(name=f"start-{recipe.seed}", arm="start")
    policy = save_policy(model, folder / MODEL, card)
    return Trained(_finished(record, folder, around, environment, recipe.steps), policy, 0)


def train_arm(
    folder: Path,
    arm: Arm,
    recipe: Recipe,
    start: Path,
    around: Surroundings,
    tell: OnUpdate = lambda _: None,
) -> Trained:
    """Trains an arm from a start, or goes on from the folder's last checkpoint.

    Raises `UserError` for a start that is none, a folder that cannot be written or holds another
    training, and a worker that changed; `SettingsError` for corpora that cannot be had.
    """
    limit_threads(around.threads)
    profile = profile_of(around.profile)
    origin = policy_folder(start)
    curriculum = build_curriculum(around.home)
    settings = {
        "recipe": _without(asdict(recipe), "save_every"),
        "arm": _without(asdict(arm), "summary"),
        "start": weights_sha256(origin),
        **_tasks(curriculum),
    }
    model = load_policy(origin)
    record = _record("arm", arm.name, recipe.seed, settings, profile, around).begin(folder)
    environment = Environment(curriculum.corpora, profile)
    trainer = Trainer(model, arm, recipe, curriculum, environment, folder)
    trainer.resume()
    resumed = trainer.update
    trainer.run(tell)
    card = PolicyCard(
        name=f"{arm.name}-{recipe.seed}",
        parallel=arm.seat.parallel,
        arm=arm.name,
        updates=trainer.update,
    )
    policy = save_policy(model, folder / MODEL, card)
    done = _finished(record, folder, around, environment, trainer.update)
    return Trained(done, policy, resumed)


def _record(
    kind: Any,
    arm: str,
    seed: int,
    settings: dict[str, Any],
    profile: WorkerProfile,
    around: Surroundings,
) -> Training:
    return Training(
        kind=kind,
        arm=arm,
        seed=seed,
        settings=json.loads(json.dumps(settings)),
        profile=profile.name,
        worker_before=profile.sha256,
        openswarm=version("openswarm"),
        command=around.command,
    )


def _finished(
    record: Training, folder: Path, around: Surroundings, environment: Environment, updates: int
) -> Training:
    """Checks both the figures that were used and those that stand in the profile's file."""
    record.check_worker(environment.profile.sha256)
    return record.finish(folder, profile_of(around.profile).sha256, updates)


def _tasks(curriculum: Curriculum) -> dict[str, Any]:
    """Which tasks there are to draw from, and how."""
    ids = "\n".join(task.id for pool in curriculum.pools.values() for task in pool)
    if not ids:
        raise UserError("no task can be drawn from these corpora")
    return {
        "tasks": hashlib.sha256(ids.encode()).hexdigest(),
        "shares": dict(curriculum.shares),
        "tight": curriculum.tight,
    }


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
