"""A policy's folder: a K2.5-shaped checkpoint, and `policy.json` that names who writes its words.

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
from openswarm.llm.policy.vocabulary import tokenizer

if TYPE_CHECKING:
    from openswarm.k25.model import K25

FILE = "policy.json"
MAX_BYTES = 64 * 1024


class PolicyCard(Frozen):
    """What is said of a policy beside its weights."""

    name: str = Field(min_length=1, max_length=80)
    writer: str = Field("local/qwen2.5-coder-1.5b", max_length=200)
    """The model that writes answers from what the policy has read."""
    parallel: bool = True
    """Whether its turns may have more than one call."""
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


def is_policy(folder: Path) -> bool:
    """Whether a checkpoint's folder holds a policy."""
    return (folder / FILE).is_file()


def policy_config() -> K25Config:
    """The shape of these policies: 0.6 M active parameters of 1.2 M, a window of 4,096."""
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
