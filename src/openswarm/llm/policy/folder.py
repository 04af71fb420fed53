"""A policy's folder: a K2.5-shaped checkpoint, and `policy.json` that says how it was trained.

Owns the file that makes a checkpoint a policy. PyTorch is imported where weights are read.
"""

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, ValidationError

from openswarm.core.errors import SettingsError
from openswarm.core.frozen import Frozen
from openswarm.k25.config import K25Config, parse_config
from openswarm.k25.errors import ModelFileError
from openswarm.llm.policy.model import PolicyModel
from openswarm.llm.policy.vocabulary import tokenizer

if TYPE_CHECKING:
    from openswarm.k25.model import K25

FILE = "policy.json"
EXTRA = "pip install 'openswarm[model]'"
SLOTS = 16
"""Runs that a policy leads at once before it needs more memory."""
MAX_BYTES = 64 * 1024


class PolicyCard(Frozen):
    """What is said of a policy beside its weights."""

    name: str = Field(min_length=1, max_length=80)
    parallel: bool = True
    """Whether its turns may have more than one call."""
    reads: int = Field(1, ge=1)
    """Calls of a turn that read."""
    creates: bool = True
    """Whether it may register configurations of its own."""
    arm: str = ""
    """How it was trained."""
    updates: int = Field(0, ge=0)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The card of a folder. Raises `SettingsError` for one that cannot be used."""
        try:
            with (folder / FILE).open("rb") as file:
                return cls.model_validate_json(file.read(MAX_BYTES))
        except (OSError, ValidationError) as error:
            raise SettingsError(f"{folder / FILE} cannot be used: {error}") from None

    def save(self, folder: Path) -> None:
        """Writes the card. Raises `OSError`."""
        text = json.dumps(self.model_dump(), indent=1) + "\n"
        (folder / FILE).write_text(text, encoding="utf-8")


def policy_model(folder: Path, spec: str) -> PolicyModel:
    """The policy of a folder as the orchestrator of runs. Its weights are read at the first reply.

    Raises `SettingsError` for a card that cannot be used.
    """
    card = PolicyCard.load(folder)
    tokens = policy_config().text_config.max_position_embeddings

    try:
        from openswarm.llm.policy.deciders import OneByOne
        from openswarm.llm.policy.sampler import Sampler
    except ImportError as error:
        if (error.name or "").startswith("openswarm"):
            raise
        raise SettingsError(f"{spec} needs {error.name}: {EXTRA}") from None

    def load() -> Sampler:
        return Sampler(load_policy(folder), slots=SLOTS, tokens=tokens, temperature=0.0)

    return PolicyModel(
        spec,
        OneByOne(load, tokens),
        parallel=card.parallel,
        reads=card.reads,
        creates=card.creates,
    )


def is_policy(folder: Path) -> bool:
    """Whether a checkpoint's folder holds a policy."""
    return (folder / FILE).is_file()


def policy_config() -> K25Config:
    """The shape of these policies: 0.6 M active parameters of 1.1 M, a window of 4,096."""
    text = (resources.files("openswarm.llm.policy") / "config.json").read_text(encoding="utf-8")
    return parse_config(text, "the policy's config.json")


def new_policy(seed: int) -> "K25":
    """A policy with fresh weights. Needs PyTorch."""
    from openswarm.k25.model import K25

    model = K25(policy_config())
    model.initialise(seed)
    return model


def load_policy(folder: Path) -> "K25":
    """The weights of a policy. Raises `SettingsError` when they are not of this vocabulary."""
    from openswarm.k25.checkpoint import load_model

    try:
        model = load_model(folder)
    except ModelFileError as error:
        raise SettingsError(f"{folder} cannot be loaded: {error}") from None
    if model.config.text_config.vocab_size != tokenizer().vocab_size:
        raise SettingsError(f"{folder} is no policy of this vocabulary; train it anew")
    return model
