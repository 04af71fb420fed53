"""Work that several agents ask for is done once: one flight and one result for equal calls."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from pydantic import BaseModel

from openswarm.tools.tool import Tool, ToolContext, ToolResult

KEPT_RESULTS = 512


@dataclass(slots=True)
class _Flight:
    landed: anyio.Event = field(default_factory=anyio.Event)
    result: ToolResult | None = None


Run = Callable[[Tool, BaseModel, ToolContext], Awaitable[ToolResult]]


class SharedCalls:
    """The read-only calls of a whole swarm. Failures are not kept."""

    def __init__(self) -> None:
        self._flights: dict[tuple[str, str], _Flight] = {}
        self._kept: OrderedDict[tuple[str, str], ToolResult] = OrderedDict()
        self.saved = 0
        """How many calls were answered by another one's result."""

    async def run(
        self, tool: Tool, params: BaseModel, context: ToolContext, make: Run
    ) -> ToolResult:
        """The result: a kept one, that of an equal call under way, or a new one that `make`
        makes."""
        key = (tool.name, params.model_dump_json())
        while key in self._flights:
            flight = self._flights[key]
            await flight.landed.wait()
            if flight.result is not None:
                self.saved += 1
                return flight.result
        if key in self._kept:
            self.saved += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        return await self._fly(key, lambda: make(tool, params, context))

    async def _fly(
        self, key: tuple[str, str], make: Callable[[], Awaitable[ToolResult]]
    ) -> ToolResult:
        flight = self._flights[key] = _Flight()
        try:
            result = await make()
            if result.ok:
                flight.result = result
                self._keep(key, result)
        finally:
            del self._flights[key]
            flight.landed.set()
        return result

    def _keep(self, key: tuple[str, str], result: ToolResult) -> None:
        self._kept[key] = result
        if len(self._kept) > KEPT_RESULTS:
            self._kept.popitem(last=False)
