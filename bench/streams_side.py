"""The servers of the `streams` bench: openswarm's, and a bare Starlette endpoint.

    python -m bench.streams_side openswarm|floor

Prints its port, serves until its standard input ends, then prints its processor time in seconds
and its peak memory in MB as JSON. Both stream the same words at the same pace: the one through a
model of openswarm, the other as frames that were made before.
"""

import json
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import StreamingResponse
from starlette.routing import Route

from openswarm.core.messages import Message, Usage
from openswarm.core.settings import Settings
from openswarm.llm.model import Delta, ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.server.service import ServeOptions
from openswarm.server.serving import listen, serve

CHUNKS, PAUSE_S = 100, 0.05
WORDS = "steady "
TOKEN = "bench"


class Steady:
    """A model that says a word at a time, at one pace."""

    spec = resource = "steady"
    info = ModelInfo()

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        for _ in range(CHUNKS):
            await anyio.sleep(PAUSE_S)
            on_delta(Delta("text", WORDS))
        message = Message(role="assistant", content=WORDS * CHUNKS)
        return Reply(message, Usage(input_tokens=10, output_tokens=CHUNKS))

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return 100

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""


def floor_app() -> Starlette:
    """One endpoint that sends frames as OpenAI's wire has them, and knows nothing else."""
    delta = {"index": 0, "delta": {"content": WORDS}, "finish_reason": None}
    chunk = {
        "id": "chatcmpl-floor", "object": "chat.completion.chunk", "created": 1,
        "model": "floor", "choices": [delta],
    }  # fmt: skip
    frame = f"data: {json.dumps(chunk)}\n\n".encode()

    async def frames() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            await anyio.sleep(PAUSE_S)
            yield frame
        yield b"data: [DONE]\n\n"

    async def chat(request: HttpRequest) -> StreamingResponse:
        await request.json()
        return StreamingResponse(frames(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


async def until_told(*_: object) -> None:
    """Waits for the end of standard input."""
    await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


async def main(side: str, home: Path) -> None:
    """Serves one side."""
    server = listen("127.0.0.1", 0)
    print(server.getsockname()[1], flush=True)
    if side == "openswarm":
        options = ServeOptions(
            home=home, settings=Settings(), specs=("steady",), token=TOKEN,
            models={"steady": Steady()},
        )  # fmt: skip
        await serve(options, server, until_told)
        return
    config = uvicorn.Config(floor_app(), log_level="warning", access_log=False, lifespan="off")
    listener = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, [server])
        await until_told()
        listener.should_exit = True


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Runs to the end and says what it took."""
    anyio.run(work, backend_options={"use_uvloop": True})
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        run(partial(main, sys.argv[1], Path(folder)))
