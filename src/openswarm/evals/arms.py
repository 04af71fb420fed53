"""Arms: the ways of working that an eval compares, each on the same tasks and budgets.

Owns what an arm is, the ones that have a name, and the models that the arms of an eval share.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from openswarm.core.errors import UserError
from openswarm.core.settings import Settings
from openswarm.llm.model import ChatModel, ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.resolve import resolve
from openswarm.modes.parts import ModelChoice, model_specs

PARALLEL_WORDS = (
    "Make as many independent tool calls as you can in every turn: they are carried out at once."
)
FIXED_WORDS = (
    "Use exactly {count} sub-agents, all assigned in one turn, each with an equal share of the"
    " work. Read nothing yourself."
)
NAMES = "single, swarm, parallel, fixed-N (fixed-4), parl"
_FIXED = re.compile(r"fixed-([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of working."""

    name: str
    mode: Literal["agent", "swarm"]
    model: ModelChoice = ""
    """A specification or a model; '' is the default of the settings."""
    subagent_model: ModelChoice = ""
    """Of the sub-agents; '' is the same as `model`."""
    words: str = ""
    """What is said to the root agent after the question."""
    subagents: int | None = None
    """The most sub-agents that it may start; None leaves it to the limits."""

    def prompt(self, question: str) -> str:
        """The task as this arm is given it."""
        return f"{question}\n\n{self.words}" if self.words else question


def named_arm(text: str, model: ModelChoice = "", subagent_model: ModelChoice = "") -> Arm:
    """The arm of a name, or of `NAME=SPEC` with a model of its own.

    single: an agent alone. swarm: an orchestrator that was only told that it may use sub-agents.
    parallel: an agent alone that is told to make many tool calls a turn. fixed-N: an orchestrator
    that is told to use N. parl: an orchestrator whose model was trained to lead, so it needs its
    `=SPEC`, and another model for its sub-agents. Raises `UserError` for other names.
    """
    name, _, spec = text.partition("=")
    own = spec or model
    if name == "single":
        return Arm(name, "agent", own, subagent_model)
    if name == "parallel":
        return Arm(name, "agent", own, subagent_model, PARALLEL_WORDS)
    if name == "swarm":
        return Arm(name, "swarm", own, subagent_model)
    if name == "parl":
        workers = subagent_model or model
        if not spec or not workers:
            raise UserError(
                "the arm parl needs a model that leads and one that works for it:"
                " --arm parl=local/parl-… --subagent-model SPEC"
            )
        return Arm(name, "swarm", own, workers)
    if fixed := _FIXED.fullmatch(name):
        count = int(fixed[1])
        return Arm(name, "swarm", own, subagent_model, FIXED_WORDS.format(count=count), count)
    raise UserError(f"there is no arm {name[:40]!r}; there are {NAMES}")


def check_names(arms: Sequence[Arm]) -> None:
    """Raises `UserError` for two arms of one name, and for none at all."""
    names = [arm.name for arm in arms]
    if not names:
        raise UserError(f"give at least one arm: --arm NAME, among {NAMES}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"two arms are called {twice[0]}; an eval has each once")


class SharedModel:
    """A model that many runs use one after the other: a run's end does not close it."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.spec = model.spec
        self.resource = model.resource
        self.info: ModelInfo = model.info

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        return await self._model.reply(request, on_delta)

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return self._model.input_bound(request)

    async def aclose(self) -> None:
        """Does nothing: the run that calls it is not the last one."""

    async def close(self) -> None:
        """Ends what belongs to the model."""
        await self._model.aclose()


def open_models(
    arms: Sequence[Arm], settings: Settings, home: Path
) -> tuple[tuple[Arm, ...], tuple[SharedModel, ...]]:
    """The arms with models in the place of specifications, and those models, each once.

    Raises `SettingsError` and `UserError` for a model that cannot be had, before anything runs.
    """
    opened: dict[str, SharedModel] = {}

    def shared(choice: ModelChoice, spec: str) -> SharedModel:
        if isinstance(choice, str):
            if spec not in opened:
                opened[spec] = SharedModel(resolve(spec, settings, os.environ, home))
            return opened[spec]
        return opened.setdefault(f"{spec} {id(choice)}", SharedModel(choice))

    ready: list[Arm] = []
    for arm in arms:
        specs = model_specs(arm.model, arm.subagent_model, settings)
        lead = shared(arm.model, specs[0])
        is_same = not arm.subagent_model and specs[1] == specs[0]
        workers = lead if is_same else shared(arm.subagent_model, specs[1])
        ready.append(replace(arm, model=lead, subagent_model=workers))
    return tuple(ready), tuple(opened.values())
