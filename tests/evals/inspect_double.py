"""As much of inspect_ai 0.3 as our tasks touch, played: a sample is solved and scored here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

PARTS = ("", "dataset", "model", "scorer", "solver", "tool")
"""All stand for one module here: this one."""


@dataclass
class Sample:
    """A line of a data set."""

    id: str
    input: str
    target: str
    metadata: dict[str, Any]


@dataclass
class Task:
    """A data set with a solver and a scorer."""

    name: str
    dataset: list[Sample]
    solver: Any
    scorer: Any
    metadata: dict[str, Any]


@dataclass
class Score:
    """What a scorer gives."""

    value: Any
    answer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class ToolError(Exception):
    """What a model is told of a call that failed."""


@dataclass
class ToolDef:
    """A tool."""

    tool: Callable[..., Any]
    name: str
    description: str
    parameters: dict[str, str]
    parallel: bool = False

    def as_tool(self) -> "ToolDef":
        """Itself."""
        return self


class ModelOutput(SimpleNamespace):
    """A reply."""

    @classmethod
    def from_content(cls, model: str, content: str, calls: Sequence[Any] = ()) -> "ModelOutput":
        """With a text."""
        message = SimpleNamespace(role="assistant", text=content, tool_calls=list(calls))
        return cls(model=model, completion=content, message=message)


def solver(name: str) -> Callable[[Any], Any]:
    """The decorator."""
    return lambda function: function


def scorer(name: str, metrics: dict[str, Any]) -> Callable[[Any], Any]:
    """The decorator."""
    return lambda function: function


def task(function: Any) -> Any:
    """The decorator."""
    return function


def mean() -> str:
    """A metric."""
    return "mean"


def stderr() -> str:
    """A metric."""
    return "stderr"


class State(SimpleNamespace):
    """The state of a sample."""

    @classmethod
    def of(cls, sample: Sample) -> "State":
        """At its beginning."""
        kept: dict[str, Any] = {}
        prompt = SimpleNamespace(role="user", text=sample.input)
        store = SimpleNamespace(get=kept.get, set=kept.__setitem__)
        return cls(
            sample_id=sample.id, metadata=sample.metadata, store=store, user_prompt=prompt,
            messages=[prompt], tools=[], output=ModelOutput.from_content("", ""), completed=False,
        )  # fmt: skip


async def no_model(state: State, **options: Any) -> State:
    """A model that nobody may ask."""
    raise AssertionError("inspect's model was asked")


async def solved(made: Task, sample: Sample, generate: Any = no_model) -> tuple[State, Score]:
    """A sample after its solver and its scorer."""
    state = await made.solver(State.of(sample), generate)
    return state, await made.scorer(state, sample.target)
