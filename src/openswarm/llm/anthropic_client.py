"""The client for every endpoint that speaks Anthropic's Messages format, streaming only."""

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import ImagePart, Message
from openswarm.llm.anthropic_stream import ReplyFold
from openswarm.llm.anthropic_wire import encode_request
from openswarm.llm.claude import claude
from openswarm.llm.http import Endpoint, drain
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.sse import SseParser

VERSION = "2023-06-01"
BINDING_BETA = "thinking-binding-controls-2026-08-01"
"""Lets an edited conversation lose thinking blocks that are void instead of being refused."""
IMAGE_TOKENS = 8192
"""What one image is taken to cost at the most; the API bills less."""
HIDDEN_TOKENS = 1024
"""What the API adds to a prompt at the most, such as its instructions for tools."""


def anthropic_headers(key: str, model: str) -> dict[str, str]:
    """The headers of every request for a model; without a key where `key` is ''."""
    headers = {"anthropic-version": VERSION}
    if key:
        headers["x-api-key"] = key
    if claude(model).bound:
        headers["anthropic-beta"] = BINDING_BETA
    return headers


class AnthropicModel:
    """One model behind an endpoint that speaks Anthropic's Messages format."""

    def __init__(
        self, spec: str, endpoint: Endpoint, model: str, info: ModelInfo = ModelInfo()
    ) -> None:
        self.spec = spec
        self.resource = endpoint.base_url
        self.info = info
        self._endpoint = endpoint
        self._model = model

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        body = encode_request(request, self._model)
        fold = ReplyFold(on_delta)
        parser = SseParser()
        async with self._endpoint.post("/v1/messages", body, request.stall_s) as response:
            if response.content_type == "application/json":
                raise ModelError(Fault.PROTOCOL, f"{self.resource} does not stream its replies")
            async for chunk in response.content.iter_any():
                _take(chunk, parser, fold)
                if fold.done:
                    await drain(response)
                    break
        if not fold.done:
            raise ModelError(Fault.BROKEN, f"{self.resource}: the stream ended in the middle")
        return fold.reply(len(body))

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        images = sum(map(_images, request.history)) * IMAGE_TOKENS
        return len(encode_request(request, self._model)) + images + HIDDEN_TOKENS

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        await self._endpoint.aclose()


def _take(chunk: bytes, parser: SseParser, fold: ReplyFold) -> None:
    try:
        events = parser.feed(chunk)
    except ValueError as error:
        raise ModelError(Fault.PROTOCOL, str(error)) from None
    for event in events:
        fold.event(event.data)


def _images(message: Message) -> int:
    if isinstance(message.content, str):
        return 0
    return sum(isinstance(part, ImagePart) for part in message.content)
