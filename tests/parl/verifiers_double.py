"""As much of verifiers 0.4 as our environment touches, played: seats run their harness here."""

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

    id: str = ""
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
    model: str | None = None


class EnvConfig(BaseModel):
    """Of an environment; one seat at a time unless it says otherwise."""

    max_concurrent_agents: int | None = 1


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


@dataclass
class Trace:
    """The record of one seat."""

    agent: SimpleNamespace
    info: dict[str, Any] = field(default_factory=dict)
    rewards: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def record_reward(self, name: str, value: float, weight: float = 1.0) -> None:
        """One term."""
        self.rewards[name] = value * weight

    def record_metrics(self, values: dict[str, float]) -> None:
        """Several figures."""
        self.metrics.update(values)


class Seat:
    """An agent of an episode: errors of its harness are data on its trace, as in verifiers."""

    def __init__(self, name: str, harness: Any, broken: bool) -> None:
        """`broken` never reaches its harness, as where its runtime does not start."""
        self.name, self.harness, self.broken = name, harness, broken
        self.trainable = True
        self.traces: list[Trace] = []

    async def run(self, task: Any) -> Trace:
        """One run."""
        trace = Trace(SimpleNamespace(name=self.name, trainable=self.trainable))
        context = SimpleNamespace(model=self.name)
        try:
            if self.broken:
                raise RuntimeError("no runtime")
            await self.harness.launch(
                context, trace, None, f"http://{self.name}", "key", {}, task.data
            )
        except Exception as error:  # noqa: BLE001
            trace.errors.append(str(error))
        self.traces.append(trace)
        return trace


async def episode(plugin: Any, *, broken: str = "") -> SimpleNamespace:
    """One episode of the plugin's first task: setup, run, finalize."""
    environment = plugin.environment(plugin.config())
    task = next(iter(plugin.taskset(TasksetConfig()).load()))
    names = [name for name, value in environment.config if isinstance(value, AgentConfig)]
    agents = SimpleNamespace(
        **{name: Seat(name, plugin.harness(), broken == name) for name in names}
    )
    await environment.setup(agents)
    await environment.run(task, agents)
    done = SimpleNamespace(traces=[*agents.subagent.traces, *agents.orchestrator.traces])
    await environment.finalize(task, done)
    return done
