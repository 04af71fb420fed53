"""The tasks as a verifiers 0.4 taskset for evaluation: one seat, our run, our strict score.

The seat's model is on the endpoint that verifiers lends, so it records every call of the whole
tree. Training has two seats and stands in `parl.export.verifiers`. Owns the classes that verifiers
looks for, made by `plugin` at call. Source of the form: `Taskset`, `Task`, `Harness`, `Env` of the
verifiers 0.4.0 package.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.adapters.attempt import (
    Attempt,
    Attempts,
    Drawn,
    Way,
    attempt_of_replies,
    draw,
    figures_of,
    strict_score,
    table_words,
    usual_way,
)
from openswarm.evals.runner import question_of
from openswarm.evals.task import EvalTask, Split
from openswarm.llm.http import Endpoint
from openswarm.llm.openai_client import OpenAIModel

ATTEMPT = "openswarm_attempt"
"""The key of a trace's `info` under which the attempt stands."""
REWARD = "item_f1"


@dataclass(frozen=True, slots=True)
class Plugin:
    """The classes that a plugin module of verifiers exports."""

    taskset: type
    environment: type
    harness: type
    config: type


def plugin(
    family: str,
    split: Split = "test",
    count: int = 20,
    seed: int = 0,
    home: Path | None = None,
    *,
    way: Way | None = None,
) -> Plugin:
    """The classes over the first `count` tasks of a family.

    Over its whole corpus in `home`, or else over the sample that is shipped. `way` is the arm
    `single` if none is given; its model is the one of verifiers' seat. A module at the top level
    has to export the classes by name in `__all__`, since verifiers finds plugins so. Blocks.
    Raises `SettingsError` without verifiers or the corpus, `UserError` for another family and for
    a way that has a model.
    """
    vf = _verifiers()
    way = way or usual_way("single")
    if way.arm.model or way.arm.subagent_model:
        raise UserError("the model is the one of verifiers' seat: give a way without a model")
    drawn = draw(family, split, count, seed, home)
    data, taskset = _tasks(vf, drawn)
    config, environment = _environment(vf)
    return Plugin(taskset, environment, _harness(vf, drawn, way, data), config)


def _tasks(vf: Any, drawn: Drawn) -> tuple[type, type]:
    class EvalsData(vf.TaskData):
        """A task; the model is shown the prompt, the rest is for the run and its scorer."""

        task: EvalTask

    class EvalsTask(vf.Task[EvalsData]):
        """Its reward is the item F1; the other figures are metrics."""

        @vf.reward
        async def item_f1(self, trace: Any) -> float:
            """The strict item F1, which is 1 or 0 for a short answer."""
            return (await _figures(self.data.task, trace))[REWARD]

        @vf.metric
        async def figures(self, trace: Any) -> dict[str, float]:
            """Row F1, success and critical steps."""
            figures = await _figures(self.data.task, trace)
            return {name: value for name, value in figures.items() if name != REWARD}

    class EvalsTaskset(vf.Taskset[EvalsTask, vf.TasksetConfig]):
        """The tasks of a family."""

        def load(self) -> Iterable[Any]:
            """All of them, in the order that they were drawn."""
            for task in drawn.tasks:
                data = EvalsData(id=task.id, prompt=_prompt(task), task=task)
                yield EvalsTask(data, self.config.task)

    return EvalsData, EvalsTaskset


def _prompt(task: EvalTask) -> str:
    """What a harness of verifiers' own shows its model; ours takes the task itself."""
    words = table_words(task.contract) if task.contract else ""
    return f"{question_of(task)}\n\n{words}".strip()


async def _figures(task: EvalTask, trace: Any) -> dict[str, float]:
    attempt = attempt_of(trace)
    score = await anyio.to_thread.run_sync(partial(strict_score, task, attempt))
    return figures_of(score, attempt)


def attempt_of(trace: Any) -> Attempt:
    """What our run left on a trace, or else what the replies of another harness come to."""
    made = trace.info.get(ATTEMPT)
    if made is not None:
        return Attempt.model_validate(made)
    return attempt_of_replies(trace.last_reply, len(trace.assistant_messages))


def _harness(vf: Any, drawn: Drawn, way: Way, data_type: type) -> type:
    class EvalsHarness(vf.Harness[vf.HarnessConfig]):
        """Runs a task in this process; every model call goes through verifiers' endpoint."""

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
            """One run. Raises `UserError` for a task of another taskset."""
            if not isinstance(data, data_type):
                raise UserError("this harness does openswarm's tasks alone")
            place = Endpoint(endpoint, {"authorization": f"Bearer {secret}"})
            model = OpenAIModel(f"{endpoint}#{ctx.model}", place, ctx.model)
            own = replace(way, arm=replace(way.arm, model=model))
            try:
                attempt = await Attempts(own, drawn.documents)(data.task)
            finally:
                with anyio.CancelScope(shield=True):
                    await model.aclose()
            trace.info[ATTEMPT] = attempt.model_dump(mode="json")
            return vf.ProgramResult(0, attempt.answer, "")

    return EvalsHarness


def _environment(vf: Any) -> tuple[type, type]:
    class EvalsConfig(vf.EnvConfig):
        """One seat, on this computer."""

        agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())

    class EvalsEnv(vf.Env[EvalsConfig]):
        """One task, one run."""

        async def run(self, task: Any, agents: Any) -> None:
            """The seat does it all, its sub-agents too."""
            await agents.agent.run(task)

    return EvalsConfig, EvalsEnv


def _verifiers() -> Any:
    try:
        return importlib.import_module("verifiers.v1")
    except ImportError as error:
        raise SettingsError(
            f"verifiers 0.4 cannot be imported ({error}); install it, in an environment of its"
            " own, with: pip install 'openswarm[verifiers]'"
        ) from None
