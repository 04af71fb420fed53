"""As much of verifiers 0.4 as our taskset touches, played: one seat, run and scored."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

A = TypeVar("A")
B = TypeVar("B")


class TaskData(BaseModel):
    """What rides on a trace."""

    id: str | None = None
    prompt: str | None = None


class Task(Generic[A]):
    """Data, and its behaviour."""

    def __init__(self, data: Any, config: Any = None) -> None:
        """As verifiers hands it in."""
        self.data = data


class TasksetConfig(BaseModel):
    """Of a taskset."""

    task: dict = {}


class Taskset(Generic[A, B]):
    """Loads tasks."""

    def __init__(self, config: Any) -> None:
        """With its configuration."""
        self.config = config


class HarnessConfig(BaseModel):
    """Of a harness."""


class Harness(Generic[A]):
    """Runs a seat."""


class SubprocessConfig(BaseModel):
    """A runtime on this computer."""


class AgentConfig(BaseModel):
    """Of a seat."""

    runtime: Any = None


class EnvConfig(BaseModel):
    """Of an environment."""


class Env(Generic[A]):
    """An environment."""

    def __init__(self, config: Any) -> None:
        """With its configuration."""
        self.config = config


@dataclass
class ProgramResult:
    """What a harness returns."""

    exit_code: int
    stdout: str
    stderr: str


def reward(function: Any) -> Any:
    """The decorator."""
    function.kind = "reward"
    return function


def metric(function: Any) -> Any:
    """The decorator."""
    function.kind = "metric"
    return function


@dataclass
class Trace:
    """The record of a seat."""

    info: dict[str, Any] = field(default_factory=dict)
    last_reply: str = ""
    assistant_messages: list[str] = field(default_factory=list)


async def scored(task: Any, trace: Trace) -> dict[str, Any]:
    """What the rewards and metrics of a task give, by name."""
    found = {}
    for name in dir(type(task)):
        if getattr(getattr(task, name), "kind", ""):
            found[name] = await getattr(task, name)(trace)
    return found


async def episode(plugin: Any, task: Any, endpoint: str) -> dict[str, Any]:
    """One episode over an endpoint: the environment's run, then the scoring."""
    trace, context = Trace(), SimpleNamespace(model="m")

    async def run(given: Any) -> None:
        await plugin.harness().launch(context, trace, None, endpoint, "key", {}, given.data)

    environment = plugin.environment(plugin.config())
    await environment.run(task, SimpleNamespace(agent=SimpleNamespace(run=run)))
    return await scored(task, trace)
