"""A verifiers 0.4 environment over our swarm: a trained orchestrator's seat, a frozen second one.

The second seat is one run that lends its endpoint to all sub-agents until the orchestrator has
ended, so that the loop, the spawn tools and the scheduler are the ones of every other rollout.
Owns the classes that verifiers looks for, made by `plugin` at call. Source of the form: `Env`,
`Taskset`, `Harness`, `AgentConfig` of the verifiers 0.4.0 package. Knows no model.
"""

import importlib
import json
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from openswarm.core.errors import SettingsError
from openswarm.evals.task import EvalTask
from openswarm.parl.export.figures import figures
from openswarm.parl.export.samples import from_line, to_line
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.protocol import Factory

ORCHESTRATOR, SUBAGENT = "orchestrator", "subagent"
ROLLOUT = "openswarm_rollout"
"""The key of a trace's `info` under which the rollout stands, as `samples.to_line` writes it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a seat's model answers, in OpenAI's form; verifiers records what passes."""

    base_url: str
    key: str
    model: str


class EndpointSwarm(Protocol):
    """What runs tasks as swarms over two endpoints."""

    def tasks(self) -> Iterable[EvalTask]:
        """The data set, the same in each call."""
        ...

    async def rollout(self, task: EvalTask, orchestrator: Endpoint, subagents: Endpoint) -> Rollout:
        """One run; all calls of sub-agents go to `subagents`. Segments may be missing."""
        ...

    def rewards(self, rollout: Rollout) -> Mapping[str, float]:
        """The terms of the reward by name, weighted; their sum is what is trained on."""
        ...


@dataclass(slots=True)
class _Meeting:
    """Where the two seats of one episode find each other."""

    lent: anyio.Event = field(default_factory=anyio.Event)
    over: anyio.Event = field(default_factory=anyio.Event)
    subagents: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """The classes that a plugin module of verifiers exports."""

    taskset: type
    environment: type
    harness: type
    config: type


def plugin(place: str, options: Mapping[str, Any] | None = None) -> Plugin:
    """The classes over the `EndpointSwarm` that `place`, `module:function`, gives.

    A module at the top level has to export them by name in `__all__`, since verifiers finds
    plugins so. Raises `SettingsError` where verifiers 0.4 or the function is missing.
    """
    vf = _verifiers()
    swarm: EndpointSwarm = Factory(place, dict(options or {})).build()
    meeting: ContextVar[_Meeting] = ContextVar("meeting")
    data, taskset = _tasks(vf, swarm)
    config, environment = _environment(vf, swarm, meeting)
    return Plugin(taskset, environment, _harness(vf, swarm, meeting, data), config)


def _tasks(vf: Any, swarm: EndpointSwarm) -> tuple[type, type]:
    class SwarmData(vf.TaskData):
        """A task; the model is shown the prompt, the rest is for the run and its scorer."""

        task: EvalTask

    class SwarmTask(vf.Task[SwarmData]):
        """Its reward comes from the environment, which knows both seats."""

    class SwarmTaskset(vf.Taskset[SwarmTask, vf.TasksetConfig]):
        """The tasks of an `EndpointSwarm`."""

        def load(self) -> Iterable[Any]:
            """All of them."""
            for task in swarm.tasks():
                data = SwarmData(id=task.id, prompt=task.question, task=task)
                yield SwarmTask(data, self.config.task)

    return SwarmData, SwarmTaskset


def _harness(vf: Any, swarm: EndpointSwarm, meeting: ContextVar[_Meeting], data_type: type) -> type:
    class SwarmHarness(vf.Harness[vf.HarnessConfig]):
        """Runs a seat in this process; every model call goes through verifiers' endpoint."""

        APPENDS_SYSTEM_PROMPT = True
        EXECUTES_CODE = False
        NEEDS_CONTAINER = False

        async def launch(
            self,
            ctx: Any,
            trace: Any,
            runtime: Any,
            endpoint: str,
            secret: str,
            mcp_urls: dict[str, str],
            data: Any,
        ) -> Any:
            """The orchestrator's run, or the lending of the second seat's endpoint."""
            here, own = meeting.get(), Endpoint(endpoint, secret, ctx.model)
            if not isinstance(data, data_type):
                here.subagents = own
                here.lent.set()
                await here.over.wait()
                return vf.ProgramResult(0, "", "")
            await here.lent.wait()
            if here.subagents is None:
                raise RuntimeError("the sub-agents' seat has no endpoint; its trace says why")
            rollout = await swarm.rollout(data.task, own, here.subagents)
            trace.info[ROLLOUT] = json.loads(to_line(rollout))
            return vf.ProgramResult(0, "", "")

    return SwarmHarness


def _environment(vf: Any, swarm: EndpointSwarm, meeting: ContextVar[_Meeting]) -> tuple[type, type]:
    class SwarmConfig(vf.EnvConfig):
        """Two seats; the model of the second one is a frozen one on an endpoint of its own."""

        orchestrator: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
        subagent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
        max_concurrent_agents: int | None = None

    class SwarmEnv(vf.Env[SwarmConfig]):
        """One task, one orchestrator, one seat for all sub-agents."""

        def __init__(self, config: Any) -> None:
            """Raises `SettingsError` where the two seats could wait for each other for ever."""
            if config.max_concurrent_agents is not None:
                raise SettingsError(
                    "max_concurrent_agents has to be None: the orchestrator waits for sub-agents"
                    " while it holds a place"
                )
            super().__init__(config)

        async def setup(self, agents: Any) -> None:
            """Only the orchestrator is trained."""
            agents.orchestrator.trainable = True
            agents.subagent.trainable = False

        async def run(self, task: Any, agents: Any) -> None:
            """Both seats at once, until the orchestrator has ended."""
            here = _Meeting()
            meeting.set(here)
            seat = vf.Task(vf.TaskData(prompt="Sub-agents of one run."))

            async def lend() -> None:
                try:
                    await agents.subagent.run(seat)
                finally:
                    here.lent.set()

            async with anyio.create_task_group() as group:
                group.start_soon(lend)
                try:
                    await agents.orchestrator.run(task)
                finally:
                    here.over.set()

        async def finalize(self, task: Any, episode: Any) -> None:
            """The terms of the reward and the figures, on the orchestrator's trace."""
            trace = next(each for each in episode.traces if each.agent.name == ORCHESTRATOR)
            if ROLLOUT not in trace.info:
                return
            rollout = from_line(json.dumps(trace.info[ROLLOUT]).encode())
            for name, value in swarm.rewards(rollout).items():
                trace.record_reward(name, value)
            trace.record_metrics(figures(rollout))

    return SwarmConfig, SwarmEnv


def _verifiers() -> Any:
    try:
        return importlib.import_module("verifiers.v1")
    except ImportError as error:
        raise SettingsError(
            f"verifiers 0.4 cannot be imported ({error}); install it, in an environment of its"
            " own, with: pip install 'openswarm[verifiers]'"
        ) from None
