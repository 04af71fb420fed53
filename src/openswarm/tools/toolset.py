"""The tools of one agent: validates calls, runs those of a turn at once, keeps their order.

Nothing that a model writes or a tool does escapes from here but cancellation: a wrong call or a
broken tool becomes a text that says how to go on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import anyio
from pydantic import BaseModel, ValidationError

from openswarm.core.errors import OpenswarmError
from openswarm.core.messages import ToolCall
from openswarm.llm.model import ToolSpec
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.tool import Tool, ToolContext, ToolResult

MAX_ARGUMENT_CHARS = 1_000_000
OnCalled = Callable[[ToolCall], None]
OnReturned = Callable[[ToolCall, ToolResult], None]


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A call whose arguments fit the tool's parameters."""

    call: ToolCall
    tool: Tool
    params: BaseModel


class CallGroup(Protocol):
    """Tools whose calls of one turn belong together: all are checked before any one starts."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of the group."""
        ...

    async def run(
        self, calls: Sequence[CheckedCall], on_returned: OnReturned, *, spoiled: bool
    ) -> None:
        """Runs the calls, and tells `on_returned` the result of each as soon as it is known.

        `spoiled`: another call of the turn to these tools could not even be read.
        """
        ...


class Toolset:
    """What one agent can call."""

    def __init__(
        self,
        tools: Sequence[Tool] = (),
        group: CallGroup | None = None,
        dispatch: Dispatcher | None = None,
    ) -> None:
        self._group = group
        self._grouped = {tool.name for tool in group.tools} if group else set()
        self._tools = {tool.name: tool for tool in (*tools, *(group.tools if group else ()))}
        self._dispatch = dispatch or Dispatcher()
        self.specs: tuple[ToolSpec, ...] = tuple(tool.spec for tool in self._tools.values())

    def only(self, names: Sequence[str]) -> tuple[ToolSpec, ...]:
        """The specifications of the named tools that are here."""
        return tuple(self._tools[name].spec for name in names if name in self._tools)

    def is_repeatable(self, name: str) -> bool:
        """Whether repeating a call of this tool does no harm; an unknown one does nothing."""
        tool = self._tools.get(name)
        return name in self._grouped or tool is None or tool.read_only or tool.repeatable

    async def release(self, agent: str, *, finished: bool) -> str:
        """Lets go of what the tools hold for an agent; what its report is to add, or ''."""
        notes = []
        for tool in self._tools.values():
            try:
                notes.append(await tool.release(agent, finished))
            except OpenswarmError as error:
                notes.append(f"{tool.name}: {error}")
            except Exception as error:  # noqa: BLE001 - what is not tidied up costs no report
                notes.append(f"{tool.name} could not tidy up: {type(error).__name__}: {error}")
        return "\n".join(note for note in notes if note)

    async def run(
        self, calls: Sequence[ToolCall], agent: str, on_called: OnCalled, on_returned: OnReturned
    ) -> list[ToolResult]:
        """The results in the order of the calls, which all run at once."""
        results: dict[str, ToolResult] = {}

        def done(call: ToolCall, result: ToolResult) -> None:
            result = _writable(result)
            results[call.id] = result
            on_returned(call, result)

        checked: list[CheckedCall] = []
        for call in calls:
            on_called(call)
            outcome = self._check(call)
            if isinstance(outcome, ToolResult):
                done(call, outcome)
            else:
                checked.append(outcome)
        spoiled = any(call.name in self._grouped and call.id in results for call in calls)
        await self._run_checked(checked, agent, done, spoiled=spoiled)
        return [results[call.id] for call in calls]

    async def _run_checked(
        self, checked: Sequence[CheckedCall], agent: str, done: OnReturned, *, spoiled: bool
    ) -> None:
        together = [entry for entry in checked if entry.call.name in self._grouped]
        single = [entry for entry in checked if entry.call.name not in self._grouped]

        async def run_one(entry: CheckedCall) -> None:
            done(entry.call, await self._run_one(entry, agent))

        if len(single) == 1 and not together:
            await run_one(single[0])
            return
        async with anyio.create_task_group() as tasks:
            for entry in single:
                tasks.start_soon(run_one, entry)
            if together and self._group:
                await self._group.run(together, done, spoiled=spoiled)

    async def _run_one(self, entry: CheckedCall, agent: str) -> ToolResult:
        context = ToolContext(agent=agent, call_id=entry.call.id, tools=frozenset(self._tools))
        try:
            return await self._dispatch.run(entry.tool, entry.params, context)
        except OpenswarmError as error:
            failed = ToolResult(f"{entry.call.name} failed: {error}", ok=False)
            return self._dispatch.clean(failed)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the model's news, not our end
            reason = f"{type(error).__name__}: {error}"[:500]
            broken = ToolResult(
                f"{entry.call.name} broke with {reason}. Try other arguments or another way.",
                ok=False,
            )
            return self._dispatch.clean(broken)

    def _check(self, call: ToolCall) -> CheckedCall | ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            return ToolResult(f"There is no tool {call.name[:80]!r}. The tools: {known}.", ok=False)
        if len(call.arguments) > MAX_ARGUMENT_CHARS:
            return ToolResult(f"{call.name}: the arguments are too long.", ok=False)
        try:
            params = tool.params.model_validate_json(call.arguments)
        except ValidationError as error:
            return ToolResult(f"{call.name} was not run: {explain(error, tool)}", ok=False)
        return CheckedCall(call, tool, params)


def _writable(result: ToolResult) -> ToolResult:
    """The result with text that can be written as UTF-8; lone surrogates cannot."""
    try:
        result.text.encode()
    except UnicodeEncodeError:
        return replace(result, text=result.text.encode("utf-8", "replace").decode())
    return result


def explain(error: ValidationError, tool: Tool) -> str:
    """What is wrong with a call's arguments, and what they have to look like."""
    problems = []
    for entry in error.errors(include_url=False)[:5]:
        where = ".".join(str(part) for part in entry["loc"])
        problems.append(f"{where}: {entry['msg']}" if where else entry["msg"])
    return f"{'; '.join(problems)}. Call it again; its parameters are {tool.spec.parameters}"
