"""The tasks as inspect_ai tasks: a dataset, two solvers, one scorer that is our strict one.

One solver hands a sample to `openswarm.run`, the other lets inspect's own model read the documents
with the same two tools. Owns the only import of inspect_ai; source of the form: `Task`, `Sample`,
`solver`, `scorer`, `ToolDef` of the inspect_ai 0.3.285 package.
"""

import importlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
from pydantic import ValidationError

from openswarm.core.errors import OpenswarmError, SettingsError, UserError
from openswarm.evals.adapters.attempt import (
    FIGURES,
    Attempt,
    Attempts,
    Way,
    attempt_of_replies,
    draw,
    figures_of,
    strict_score,
    table_words,
)
from openswarm.evals.documents import Documents, page_tools
from openswarm.evals.runner import STEPS_OF_AN_AGENT, question_of
from openswarm.evals.scoring.judge import Judge
from openswarm.evals.scoring.public import read_browsecomp, read_deepsearchqa, read_widesearch
from openswarm.evals.scoring.score import judged_score
from openswarm.evals.task import EvalTask, Split
from openswarm.tools.tool import Tool, ToolContext

TASK, ATTEMPT = "openswarm_task", "openswarm_attempt"
"""The keys of a sample's metadata and of its store under which task and attempt stand."""
Benchmark = Literal["widesearch", "deepsearchqa", "browsecomp"]
_READERS = {
    "widesearch": read_widesearch,
    "deepsearchqa": read_deepsearchqa,
    "browsecomp": read_browsecomp,
}


def inspect_tasks(
    family: str,
    split: Split = "test",
    count: int = 20,
    seed: int = 0,
    home: Path | None = None,
    *,
    way: Way | None = None,
) -> Any:
    """An `inspect_ai.Task` of the first `count` tasks of a family.

    Over its whole corpus in `home`, or else over the sample that is shipped. With a `way` our run
    solves them, with its own models; without one inspect's model does, with `open` and `search`.
    Blocks. Raises `SettingsError` without inspect_ai or the corpus, `UserError` for another family.
    """
    inspect = inspect_part()
    drawn = draw(family, split, count, seed, home)
    return _task(inspect, family, drawn.tasks, drawn.documents, way, None)


def inspect_benchmark(
    name: Benchmark, path: Path, *, way: Way | None = None, judge: Judge | None = None
) -> Any:
    """An `inspect_ai.Task` of a public file: WideSearch's JSON lines, or the others' CSV.

    Nothing is fetched. They need the web: give a way with web tools, or a solver of inspect's that
    has them. With a judge scores are judged, strictly. inspect's log then has questions and answers
    as plain text, which BrowseComp's authors ask not to publish. Blocks. Raises as `inspect_tasks`.
    """
    if name not in _READERS:
        raise UserError(f"there is no benchmark {name[:60]!r}; there are {', '.join(_READERS)}")
    return _task(inspect_part(), name, _READERS[name](path), None, way, judge)


def _task(
    inspect: Any,
    name: str,
    tasks: Sequence[EvalTask],
    documents: Documents | None,
    way: Way | None,
    judge: Judge | None,
) -> Any:
    solver = _reader(documents) if way is None else _runner(Attempts(way, documents))
    return inspect.Task(
        name=f"openswarm_{name.replace('-', '_')}",
        dataset=[_sample(task) for task in tasks],
        solver=solver,
        scorer=_scorer(judge),
        metadata={"corpus": documents.sha256 if documents else "", "arm": _arm(way)},
    )


def _arm(way: Way | None) -> str:
    return way.arm.name if way else "inspect"


def _sample(task: EvalTask) -> Any:
    gold = json.dumps(task.gold, ensure_ascii=False) if task.contract else task.answer
    return inspect_part("dataset").Sample(
        id=task.id,
        input=question_of(task),
        target=gold,
        metadata={
            "family": task.family,
            "kind": task.kind,
            "width": task.width,
            TASK: task.model_dump(mode="json"),
        },
    )


def task_of(state: Any) -> EvalTask:
    """The task of a sample. Raises `UserError` for a sample of somebody else's."""
    try:
        return EvalTask.model_validate(state.metadata[TASK])
    except (KeyError, TypeError, ValidationError):
        raise UserError(f"sample {state.sample_id} is none of openswarm's") from None


def _runner(attempts: Attempts) -> Any:
    """The solver that hands a sample to our run."""
    model = inspect_part("model")

    @inspect_part("solver").solver(name="openswarm_run")
    def openswarm_run() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            attempt = await attempts(task_of(state))
            state.store.set(ATTEMPT, attempt.model_dump(mode="json"))
            state.output = model.ModelOutput.from_content("openswarm", attempt.answer)
            state.messages.append(state.output.message)
            state.completed = True
            return state

        return solve

    return openswarm_run()


def _reader(documents: Documents | None) -> Any:
    """The solver in which inspect's model reads by itself, in at most as many steps as ours."""

    @inspect_part("solver").solver(name="openswarm_reader")
    def openswarm_reader() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            task = task_of(state)
            if task.contract is not None:
                state.user_prompt.text += f"\n\n{table_words(task.contract)}"
            state.tools = _tools(documents, task.scope) if documents else []
            for _ in range(STEPS_OF_AN_AGENT - 1):
                state = await generate(state, tool_calls="single")
                if state.completed or not state.output.message.tool_calls:
                    return state
            state.tools = []
            return await generate(state, tool_calls="none")

        return solve

    return openswarm_reader()


def _tools(documents: Documents, scope: Sequence[str]) -> list[Any]:
    """`open` and `search` over a scope, as inspect's tools."""
    opening, searching = page_tools(documents, scope)

    async def read(document: str, page: int = 1) -> str:
        return await _called(opening, {"document": document, "page": page})

    async def find(queries: list[str]) -> str:
        return await _called(searching, {"queries": queries})

    pairs = ((opening, read), (searching, find))
    return [
        inspect_part("tool")
        .ToolDef(function, tool.name, tool.description, _described(tool), parallel=True)
        .as_tool()
        for tool, function in pairs
    ]


def _described(tool: Tool) -> dict[str, str]:
    fields = tool.params.model_fields.items()
    return {name: field.description or name for name, field in fields}


async def _called(tool: Tool, arguments: dict[str, Any]) -> str:
    """What a tool says; what it refuses is inspect's `ToolError`, which the model is told."""
    try:
        params = tool.params.model_validate(arguments)
        return (await tool.run(params, ToolContext("inspect", ""))).text
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise inspect_part("tool").ToolError(f"{where}: {first['msg']}") from None
    except OpenswarmError as error:
        raise inspect_part("tool").ToolError(str(error)) from None


def _scorer(judge: Judge | None) -> Any:
    """The scorer; a figure of `FIGURES` each, and the whole score as metadata."""
    scoring = inspect_part("scorer")
    means = {name: [scoring.mean(), scoring.stderr()] for name in FIGURES}

    @scoring.scorer(name="openswarm_strict", metrics=means)
    def openswarm_strict() -> Any:
        async def measure(state: Any, target: Any) -> Any:
            task, attempt = task_of(state), _attempt(state)
            if judge is None:
                found = await anyio.to_thread.run_sync(partial(strict_score, task, attempt))
            else:
                found = await judged_score(task, attempt.prediction, judge)
            rest = attempt.model_dump(mode="json", exclude={"prediction", "answer"})
            return scoring.Score(
                value=figures_of(found, attempt),
                answer=attempt.answer,
                metadata=found.model_dump() | rest,
            )

        return measure

    return openswarm_strict()


def _attempt(state: Any) -> Attempt:
    """What our run left, or else what the replies of another solver come to."""
    made = state.store.get(ATTEMPT)
    if made is not None:
        return Attempt.model_validate(made)
    replies = sum(message.role == "assistant" for message in state.messages)
    return attempt_of_replies(state.output.completion, replies)


def inspect_part(part: str = "") -> Any:
    """A part of inspect_ai, or all of it. Raises `SettingsError` without the package."""
    name = f"inspect_ai.{part}" if part else "inspect_ai"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(
            f"inspect_ai 0.3 cannot be imported ({error}); install it with:"
            " pip install 'openswarm[inspect]'"
        ) from None
