"""A server made with the MCP SDK, over stdio or, in a test's own process, over streamable HTTP."""

import logging
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations


def make_server() -> MCPServer:
    """The server and its state."""
    server = MCPServer("sdk")
    state: dict[str, Any] = {"now": 0, "most": 0, "cancelled": 0, "calls": 0}
    gates = [anyio.Event()]

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        state["calls"] += 1
        return a + b

    @server.tool()
    async def together(count: int) -> int:
        """Begins its work when `count` calls have been open at once; how many were at most, since
        none was."""
        if not state["now"]:
            gates[0], state["most"] = anyio.Event(), 0
        state["now"] += 1
        state["most"] = max(state["most"], state["now"])
        if state["now"] == count:
            gates[0].set()
        await gates[0].wait()
        await anyio.sleep(0.005)
        state["now"] -= 1
        return int(state["most"])

    @server.tool()
    async def never(context: Context) -> str:
        """Reports progress, and waits until it is cancelled."""
        await context.report_progress(1, 2, "begun")
        try:
            await anyio.sleep_forever()
        except BaseException:
            state["cancelled"] += 1
            raise
        return ""

    @server.tool()
    def counts() -> dict[str, Any]:
        """What has been seen so far."""
        return state

    @server.tool()
    def fails() -> str:
        """Fails."""
        raise ValueError("no such cheese")

    return server


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    make_server().run()
