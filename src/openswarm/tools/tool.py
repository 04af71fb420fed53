"""A tool: a name, a prompt text, typed parameters and an async function.

What a tool returns has three faces: `text` for the model, `display` for people, `data` for
Python callers and tests.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, get_type_hints

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict, create_model

from openswarm.core.errors import UserError
from openswarm.core.messages import ImagePart
from openswarm.llm.model import ToolSpec


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running call may know of its surroundings."""

    agent: str
    """The path of the agent that called."""
    call_id: str
    tick: Callable[[str], None] = lambda _: None
    """Shows a sign of life."""
    tools: frozenset[str] | None = None
    """The names of all tools that the agent has; None where it is nobody's call."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call."""

    text: str
    ok: bool = True
    closing: bool = False
    """The agent's work is done with this call."""
    display: str = ""
    data: Any = field(default=None, compare=False)
    images: tuple[ImagePart, ...] = ()
    """Shown to models that read images."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call does outside of the run, for the one who is to approve it."""

    command: str
    directory: str = ""


def no_effect(_: Any) -> Effect | None:
    """Of tools that change nothing but what is their agent's own."""
    return None


async def hold_nothing(_: str, __: bool) -> str:
    """Of tools that keep nothing for an agent."""
    return ""


THREADS = 256
"""How many calls of one sync tool run at once, each in a thread."""

Run = Callable[[Any, ToolContext], Awaitable[ToolResult]]


@dataclass(frozen=True)
class Tool:
    """A tool that any agent can be given."""

    name: str
    description: str
    params: type[BaseModel]
    run: Run
    read_only: bool = False
    """Changes nothing: equal calls of several agents share one flight and its result."""
    repeatable: bool = False
    """Running it again after a crash does no harm, though its result is its agent's own."""
    effect: Callable[[Any], Effect | None] = no_effect
    """What a call with these parameters does outside of the run: such calls are asked about
    unless the policy allows them."""
    resource: str = ""
    """A named resource, a place of which each call holds (`pacing`)."""
    release: Callable[[str, bool], Awaitable[str]] = hold_nothing
    """Lets go of what the tool holds for an agent. It is told the agent's path and whether it
    finished its work itself, and returns what the agent's report is to add, or ''."""
    schema: str = ""
    """The JSON Schema of the parameters as text, where it is not that of `params`."""

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        return ToolSpec(self.name, self.description, self.schema or schema_text(self.params))


@lru_cache(maxsize=256)
def schema_text(params: type[BaseModel]) -> str:
    """The JSON Schema of the parameters, without the titles that only cost tokens."""
    return json.dumps(_without_titles(params.model_json_schema()), separators=(",", ":"))


def prompt_text(module_file: str) -> str:
    """The prompt text of a tool: the Markdown file beside its module."""
    return Path(module_file).with_suffix(".md").read_text(encoding="utf-8").strip()


def tool(
    function: Callable[..., Any] | None = None,
    *,
    read_only: bool = False,
    ask: bool = False,
    resource: str = "",
) -> Any:
    """Makes a tool of a typed function, sync or async; a sync one runs in a thread.

    The docstring is the prompt text, the parameters are validated by their annotations. What the
    function returns is given to the model as text (JSON unless it is a string). With `ask` a person
    approves each call, unless the policy says otherwise. `resource` names what calls share, such as
    a database: the settings limit how many of them run at once, over the whole swarm.
    """
    if function is None:
        return partial(tool, read_only=read_only, ask=ask, resource=resource)
    description = inspect.getdoc(function)
    if not description:
        raise UserError(f"tool {function.__name__!r} needs a docstring: it is the model's manual")
    params = _params_of(function)
    threads = anyio.CapacityLimiter(THREADS)

    async def run(arguments: BaseModel, _: ToolContext) -> ToolResult:
        fields = type(arguments).model_fields
        values = {info.alias or field: getattr(arguments, field) for field, info in fields.items()}
        if inspect.iscoroutinefunction(function):
            value = await function(**values)
        else:
            call = partial(function, **values)
            value = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=threads)
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        return ToolResult(text, data=value)

    def effect(arguments: BaseModel) -> Effect:
        return Effect(f"{function.__name__} {arguments.model_dump_json(by_alias=True)}")

    return Tool(
        function.__name__,
        description,
        params,
        run,
        read_only=read_only,
        effect=effect if ask else no_effect,
        resource=resource,
    )


def _params_of(function: Callable[..., Any]) -> type[BaseModel]:
    """The parameters as a model. Its fields are numbered and the names are their aliases, so that
    a parameter may be called what a pydantic field may not."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UserError(f"tool {function.__name__!r}: name each parameter, not *{name}")
        default = ... if parameter.default is parameter.empty else parameter.default
        field = f"p{len(fields)}"
        fields[field] = (hints.get(name, Any), default)
        names[field] = name
    strict = ConfigDict(extra="forbid", alias_generator=names.__getitem__)
    return create_model(function.__name__, __config__=strict, **fields)


def _without_titles(value: Any, *, names: bool = False) -> Any:
    """Drops `title` from schemas, but not a property that is called so."""
    if isinstance(value, dict):
        return {
            key: _without_titles(entry, names=key in ("properties", "$defs"))
            for key, entry in value.items()
            if names or key != "title"
        }
    if isinstance(value, list):
        return [_without_titles(entry) for entry in value]
    return value
