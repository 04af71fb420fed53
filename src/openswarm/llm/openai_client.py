"""The client for every endpoint that speaks OpenAI's chat completions, streaming only."""

from collections.abc import AsyncIterator

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import ImagePart, Message, VideoPart
from openswarm.llm.http import Endpoint, drain
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.openai_wire import (
    Quirks,
    ReplyFold,
    encode_message,
    encode_request,
    encode_tools,
)
from openswarm.llm.sse import SseParser
from openswarm.llm.textcalls import parse_text_calls

MEDIA_TOKENS = 8192
"""What one image or video part is taken to cost at the most; providers bill less."""
MESSAGE_TOKENS = 16
"""What a chat template adds to a message at the most."""


class OpenAIModel:
    """One model behind an OpenAI-compatible endpoint."""

    def __init__(
        self,
        spec: str,
        endpoint: Endpoint,
        model: str,
        info: ModelInfo = ModelInfo(),
        quirks: Quirks = Quirks(),
    ) -> None:
        self.spec = spec
        self.resource = endpoint.base_url
        self.info = info
        self._endpoint = endpoint
        self._model = model
        self._quirks = quirks

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        body = encode_request(request, self._model, self._quirks)
        fold = ReplyFold(on_delta)
        async with self._endpoint.post("/chat/completions", body, request.stall_s) as response:
            if response.content_type == "application/json":
                fold.chunk(await response.read())
                whole = True
            else:
                whole = await read_stream(response.content.iter_any(), fold)
                await drain(response)
        if not whole and not fold.finish:
            raise ModelError(Fault.BROKEN, f"{self.resource}: the stream ended in the middle")
        return _with_text_calls(fold.reply(len(body)), request)

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        entries = request.history.encoded("openai", encode_message)
        media = sum(map(_media_parts, request.history)) * MEDIA_TOKENS
        tools = len(encode_tools(request.tools)) if request.tools else 0
        return sum(map(len, entries)) + len(entries) * MESSAGE_TOKENS + tools + media

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        await self._endpoint.aclose()


async def read_stream(chunks: AsyncIterator[bytes], fold: ReplyFold) -> bool:
    """Reads to the end; whether the server said that it was the end."""
    parser = SseParser()
    async for chunk in chunks:
        try:
            events = parser.feed(chunk)
        except ValueError as error:
            raise ModelError(Fault.PROTOCOL, str(error)) from None
        for event in events:
            if event.data == b"[DONE]":
                return True
            fold.chunk(event.data)
    return False


def _with_text_calls(reply: Reply, request: Request) -> Reply:
    """Some models write their calls as text; they are calls all the same."""
    message = reply.message
    if message.tool_calls or not request.tools or "{" not in message.text:
        return reply
    text, calls = parse_text_calls(message.text, {tool.name for tool in request.tools})
    if not calls:
        return reply
    mended = message.model_copy(update={"content": text, "tool_calls": calls})
    return Reply(mended, reply.usage, "tool_calls", reply.model)


def _media_parts(message: Message) -> int:
    if isinstance(message.content, str):
        return 0
    return sum(isinstance(part, ImagePart | VideoPart) for part in message.content)
