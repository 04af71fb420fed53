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
from typing import Any, Literal

from openswarm.core.errors import UserError
from openswarm.llm.policy.folder import PolicyCard, load_policy, new_policy
from openswarm.parl.arms import Arm
from openswarm.parl.checkpoint import (
    MODEL,
    Training,
    limit_threads,
    model_sha256,
    policy_folder,
    save_policy,
    weights_sha256,
)
from openswarm.parl.curriculum import Curriculum, build_curriculum
from openswarm.parl.environment import TRAINING_WORDS, Environment
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
    """The frozen workers: the name of a shipped profile, or a file that ends in `.json`."""
    threads: int = 1
    stronger: str = ""
    """The workers of the second half of an arm's training; '' keeps them to the end."""
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
    record = _record("start", "", recipe.seed, settings, profile.sha256, around).begin(folder)
    if record.worker_after:
        return Trained(record, policy_folder(folder), recipe.steps)
    environment = Environment(curriculum.corpora, profile, words=TRAINING_WORDS)
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
    record.check_worker(environment.profile.sha256)
    done = record.finish(folder, profile_of(around.profile).sha256, recipe.steps)
    return Trained(done, policy, 0)


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
    stronger = profile_of(around.stronger) if around.stronger else None
    origin = policy_folder(start)
    curriculum = build_curriculum(around.home)
    settings = {
        "recipe": _without(asdict(recipe), "save_every"),
        "arm": _without(asdict(arm), "summary"),
        "start": weights_sha256(origin),
        **_tasks(curriculum),
    }
    model = load_policy(origin)
    worker = _hash(profile, stronger) if arm.workers == "scripted" else model_sha256(model)
    record = _record("arm", arm.name, recipe.seed, settings, worker, around).begin(folder)
    environment = Environment(curriculum.corpora, profile)
    trainer = Trainer(model, arm, recipe, curriculum, environment, folder, stronger)
    trainer.resume()
    resumed = trainer.update
    trainer.run(tell)
    card = PolicyCard(
        name=f"{arm.name}-{recipe.seed}",
        parallel=arm.seat.parallel,
        reads=arm.seat.reads,
        creates=arm.seat.creates,
        arm=arm.name,
        updates=trainer.update,
    )
    policy = save_policy(model, folder / MODEL, card)
    after = _worker_now(trainer, around)
    done = record.finish(folder, after, trainer.update, frozen=arm.workers != "joint")
    return Trained(done, policy, resumed)


def _record(
    kind: Literal["start", "arm"],
    arm: str,
    seed: int,
    settings: dict[str, Any],
    worker: str,
    around: Surroundings,
) -> Training:
    return Training(
        kind=kind,
        arm=arm,
        seed=seed,
        settings=json.loads(json.dumps(settings)),
        profile=", then ".join(filter(None, (around.profile, around.stronger))),
        worker_before=worker,
        openswarm=version("openswarm"),
        command=around.command,
    )


def _worker_now(trainer: Trainer, around: Surroundings) -> str:
    """The hash of the workers after training: of what the trainer has, and what their files say.

    Raises `UserError` when these are not the same.
    """
    if trainer.arm.workers != "scripted":
        return model_sha256(trainer.start)
    held = _hash(trainer.environment.profile, trainer.stronger)
    if held != _read_hash(around):
        raise UserError(f"the file of the worker {around.profile} is not what it was at the start")
    return held


def _read_hash(around: Surroundings) -> str:
    stronger = profile_of(around.stronger) if around.stronger else None
    return _hash(profile_of(around.profile), stronger)


def _hash(profile: WorkerProfile, stronger: WorkerProfile | None = None) -> str:
    """The hash of the figures of frozen workers; of both, where stronger ones come later."""
    if stronger is None:
        return profile.sha256
    return hashlib.sha256(f"{profile.sha256}{stronger.sha256}".encode()).hexdigest()


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
