"""What all handlers of a server share: its options, its models, its runs.

One object, made by `serving` and handed to every module of routes; nothing is global.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from openswarm.core.budget import Ledger
from openswarm.core.errors import UserError
from openswarm.core.limits import Limits
from openswarm.core.settings import Settings
from openswarm.llm.model import ChatModel
from openswarm.llm.paced import PacedModel
from openswarm.llm.resolve import resolve
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Pacing
from openswarm.server.desk import Desk

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_RUNS = 16


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a server was started."""

    home: Path
    settings: Settings
    specs: tuple[str, ...]
    """Specifications of the models that are served; the first is the default."""
    token: str
    """What requests have to show; never ''."""
    host: str = "127.0.0.1"
    port: int = 8700
    hosts: tuple[str, ...] = ()
    """Names by which the server may be called, beside `host` and those of loopback."""
    folders: tuple[Path, ...] = ()
    """Where documents and folders that requests name have to lie."""
    tools: tuple[str, ...] = ()
    """Built-in tools of runs that come by a chat wire."""
    over: tuple[str, ...] = ()
    """The corpus of runs that come by a chat wire."""
    strict: bool = False
    """Whether sampling that K2.5 does not take is refused instead of passed on or left out."""
    max_runs: int = MAX_RUNS
    max_body_bytes: int = MAX_BODY_BYTES
    subagent_spec: str = ""
    """The sub-agents' model of runs; '' is the run's own."""
    models: Mapping[str, ChatModel] = field(default_factory=dict)
    """Models that are given as objects, by their specification in `specs`."""


@dataclass(slots=True)
class Service:
    """A server at work."""

    options: ServeOptions
    desk: Desk
    stack: AsyncExitStack
    """Closes what requests opened for all, at the end of the server."""
    stopping: anyio.Event = field(default_factory=anyio.Event)
    """Set when the server shuts down; what streams ends then."""
    _models: dict[str, ChatModel] = field(default_factory=dict)
    _pacing: Pacing = field(default_factory=Pacing)

    @property
    def limits(self) -> Limits:
        """The limits of a run or a call that sets none."""
        return self.options.settings.limits

    def model(self, spec: str) -> ChatModel:
        """A served model. Raises `UserError` and `SettingsError` as `llm.resolve` does."""
        if spec not in self.options.specs:
            raise UserError(f"this server does not serve {spec[:100]!r}")
        if spec in self.options.models:
            return self.options.models[spec]
        if spec not in self._models:
            options = self.options
            model = resolve(spec, options.settings, os.environ, options.home)
            self.stack.push_async_callback(model.aclose)
            self._models[spec] = model
        return self._models[spec]

    def choice(self, spec: str) -> str | ChatModel:
        """What a run is given to take that model."""
        return self.options.models.get(spec, spec)

    def paced(self, model: ChatModel) -> PacedModel:
        """The model with its endpoint's limiter, which all share, and a budget of its own."""
        gate = BudgetGate(Ledger.of(self.limits))
        return PacedModel(model, self._pacing.limiter(model.resource), gate, self.limits.retry_s)

    def allowed(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Paths as they are to be used. Raises `UserError` for one outside the folders.

        Addresses (`https://…`) are taken as they are: fetching guards itself.
        """
        return tuple(self._allowed(path) for path in paths)

    def _allowed(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        folders = self.options.folders
        base = folders[0] if folders else Path()
        real = Path(os.path.realpath(base / Path(path).expanduser()))
        if not any(real.is_relative_to(os.path.realpath(folder)) for folder in folders):
            where = ", ".join(map(str, folders)) or "nowhere"
            raise UserError(f"{path} lies outside of what this server may read: {where} (--folder)")
        return str(real)
