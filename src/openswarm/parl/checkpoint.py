"""The folder of a training: who was trained from what, and the policy that came of it.

`run.json` is the record, `model/` the policy; `log.jsonl` and `state/` are the trainer's. Owns the
check that a folder goes on with the settings that it began with, and that the frozen worker is the
same before and after. PyTorch is imported where weights are written.
"""

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ValidationError

from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen
from openswarm.llm.policy.folder import PolicyCard, is_policy

if TYPE_CHECKING:
    from openswarm.k25.model import K25

RECORD = "run.json"
MODEL = "model"
MAX_BYTES = 256 * 1024
PART_BYTES = 1 << 20


class Training(Frozen):
    """What a training's folder holds."""

    kind: Literal["start", "arm"]
    arm: str = Field("", max_length=80)
    """The arm's name; '' of a supervised start."""
    seed: int
    settings: dict[str, Any]
    """All that decides what is trained: the recipe, the corpora, the start's hash."""
    profile: str = ""
    """The worker's profile."""
    worker_before: str = ""
    """SHA-256 of the worker before the first update: of its figures, or where a policy works as
    sub-agents of its weights."""
    worker_after: str = ""
    """The same after the last one; '' until then."""
    updates: int = Field(0, ge=0)
    """How many were made when it ended."""
    openswarm: str
    """The version."""
    command: str

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The record of a folder. Raises `UserError` for a folder without one."""
        path = folder / RECORD
        try:
            with path.open("rb") as file:
                return cls.model_validate_json(file.read(MAX_BYTES))
        except (OSError, ValidationError) as error:
            raise UserError(f"{folder} holds no training ({RECORD}: {_first(error)})") from None

    def begin(self, folder: Path) -> Self:
        """Claims a folder; the record that it goes on with, which is an earlier one if it is there.

        Raises `UserError` when the folder cannot be written, holds a training with other settings,
        or one whose worker was another.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = (folder / RECORD).exists()
        except OSError as error:
            raise UserError(f"{folder} cannot hold a training: {error}") from None
        if not there:
            return self.write(folder)
        known = type(self).load(folder)
        for name in ("kind", "arm", "seed", "settings", "profile"):
            one, two = getattr(known, name), getattr(self, name)
            if one != two:
                raise UserError(
                    f"{folder} holds a training with other settings ({RECORD}:"
                    f" {_differing(one, two, name)}); give another folder, or remove it"
                )
        self.check_worker(known.worker_before)
        return known

    def finish(self, folder: Path, worker: str, updates: int, *, frozen: bool = True) -> Self:
        """Writes down that it is over. Raises `UserError` when a `frozen` worker is another now."""
        if frozen:
            self.check_worker(worker)
        done = self.model_copy(update={"worker_after": worker, "updates": updates})
        return done.write(folder)

    def check_worker(self, worker: str) -> None:
        """Raises `UserError` when a hash is not that of the worker before the first update."""
        if worker != self.worker_before:
            raise UserError(
                f"the frozen worker {self.profile} is not the one that the training began with:"
                f" its hash was {self.worker_before} and is {worker}"
            )

    def write(self, folder: Path) -> Self:
        """Writes the record, whole or not at all. Raises `UserError`."""
        beside = folder / f"{RECORD}.new"
        try:
            beside.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
            beside.replace(folder / RECORD)
        except OSError as error:
            raise UserError(f"{folder} cannot hold a training: {error}") from None
        return self


def _first(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return error.errors(include_url=False, include_context=False)[0]["msg"]


def _differing(known: Any, asked: Any, name: str) -> str:
    """The first setting inside of one that differs, and both of its values."""
    if isinstance(known, dict) and isinstance(asked, dict):
        for key in sorted(known.keys() | asked.keys()):
            if known.get(key) != asked.get(key):
                inner = key if name == "settings" else f"{name}.{key}"
                return _differing(known.get(key), asked.get(key), inner)
    return f"{name} {known!r}, not {asked!r}"


def save_policy(model: "K25", folder: Path, card: PolicyCard) -> Path:
    """Writes a policy's folder, which `local/FOLDER` runs; one that is there is replaced.

    Weights are in bf16. Returns the folder. Raises `ModelFileError` when the disk does not take it.
    """
    from openswarm.k25.checkpoint import save_model
    from openswarm.k25.errors import ModelFileError

    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    save_model(model, fresh, int4=False)
    try:
        card.save(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    except OSError as error:
        raise ModelFileError(f"{folder} cannot be written: {error}") from None
    return folder


def policy_folder(folder: Path) -> Path:
    """Where the policy of a training's folder is, or the folder itself if it is a policy.

    Raises `UserError` when there is none.
    """
    for place in (folder / MODEL, folder):
        if is_policy(place):
            return place
    raise UserError(f"{folder} holds no trained policy; is its training over?")


def weights_sha256(policy: Path) -> str:
    """The hash of a policy's weights, in hex. Raises `UserError` when they cannot be read."""
    found = hashlib.sha256()
    try:
        for path in sorted(policy.glob("*.safetensors")):
            with path.open("rb") as file:
                while part := file.read(PART_BYTES):
                    found.update(part)
    except OSError as error:
        raise UserError(f"{policy} cannot be read: {error}") from None
    return found.hexdigest()


def model_sha256(model: "K25") -> str:
    """The hash of a model's weights as they are in memory, in hex."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        found.update(bytes(value.detach().cpu().contiguous().clone().untyped_storage()))
    return found.hexdigest()


def limit_threads(count: int) -> None:
    """How many threads PyTorch's arithmetic may take in this process."""
    import torch

    torch.set_num_threads(count)
