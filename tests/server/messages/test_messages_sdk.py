"""Anthropic's own SDK as the client: whole and streamed answers, tools, thoughts, errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from proving import LAYOUT, Breaking, Proving, thought_and_called
from served import TOKEN, Scripts, Served, serving

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.limits import Limits
from openswarm.core.messages import ImagePart, Message, Usage
from openswarm.core.settings import Settings
from openswarm.llm.anthropic_client import AnthropicModel
from openswarm.llm.http import Endpoint
from openswarm.llm.model import Delta, Request
from openswarm.llm.scripted import Say
from swarm_scripts import FULL, batch, calls

pytestmark = pytest.mark.anyio

INSTANT, THINKING, SWARM = "openswarm-instant", "openswarm-thinking", "openswarm-swarm"
HELLO: Any = [{"role": "user", "content": "Hello?"}]
LOOK: Any = {
    "name": "look_up",
    "description": "Looks a city up.",
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"city": {"type": "string"}},
    },
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
PICTURE: Any = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
}
USAGE = Usage(input_tokens=100, output_tokens=10, cached_tokens=60, written_tokens=15)
TREE: Scripts = {
    "orchestrator": [
        calls(("create_subagent", {"name": "looker", "system_prompt": "You look."})),
        calls(batch(["Linz", "Graz"], agent="looker")),
        Say("Both are rainy."),
    ],
    "looker": [Say(FULL)],
}


@asynccontextmanager
async def sdk(server: Served, path: str = "", token: str = TOKEN) -> AsyncIterator[Any]:
    """The SDK's client, which tries nothing twice."""
    url = server.url + path
    async with anthropic.AsyncAnthropic(base_url=url, api_key=token, max_retries=0) as client:
        yield client.messages


@pytest.mark.requirement("api.messages")
async def test_an_answer_comes_whole_with_its_thoughts_and_anthropics_counts() -> None:
    """Input tokens are those that no cache read or wrote. The same below /anthropic."""
    say = Say("Hello!", reasoning="A greeting.", usage=USAGE)
    async with serving({"thinking": [say]}) as server:
        for path in ("", "/anthropic"):
            async with sdk(server, path) as messages:
                message = await messages.create(model=THINKING, max_tokens=99, messages=HELLO)
            thought, text = message.content
            assert (thought.type, thought.thinking, bool(thought.signature)) == (
                "thinking", "A greeting.", True,
            )  # fmt: skip
            assert (text.type, text.text, message.stop_reason) == ("text", "Hello!", "end_turn")
            assert message.model == THINKING and message._request_id.startswith("req_")
            usage = message.usage
            assert (usage.input_tokens, usage.output_tokens) == (25, 10)
            assert usage.cache_read_input_tokens == 60
            assert usage.cache_creation_input_tokens == 15


@pytest.mark.requirement("api.messages-stream")
async def test_an_answer_streams_and_the_sdk_puts_it_together() -> None:
    """Deltas, then the same message as without a stream."""
    say = Say("Hello!", reasoning="A greeting.", usage=USAGE)
    async with (
        serving({"thinking": [say]}) as server,
        sdk(server) as messages,
        messages.stream(model=THINKING, max_tokens=99, messages=HELLO) as stream,
    ):
        kinds = [event.type async for event in stream]
        message = await stream.get_final_message()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("text")
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[1].text == "Hello!" and message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (25, 60)


@pytest.mark.requirement("api.messages-tools", "api.signature")
async def test_a_loop_of_tools_gives_the_backend_its_own_ids_thoughts_and_signature() -> None:
    """Two calls at once, streamed, with pictures and an error in their results."""
    model = Proving({"thinking": [thought_and_called("Linz", "Graz"), Say("Rain in both.")]})
    async with serving({}, models={"scripted": model}) as server, sdk(server) as messages:
        common: Any = {"model": THINKING, "max_tokens": 99, "tools": [LOOK]}
        async with messages.stream(messages=HELLO, **common) as stream:
            first = await stream.get_final_message()
        assert first.stop_reason == "tool_use"
        made = [block for block in first.content if block.type == "tool_use"]
        assert [call.input for call in made] == [{"city": "Linz"}, {"city": "Graz"}]
        results = [
            {"type": "tool_result", "tool_use_id": made[0].id, "content": [PICTURE]},
            {"type": "tool_result", "tool_use_id": made[1].id, "content": "no", "is_error": True},
            {"type": "text", "text": "Hurry."},
        ]
        said = [{"role": "assistant", "content": first.content}]
        turn = [*HELLO, *said, {"role": "user", "content": results}]
        last = await messages.create(messages=turn, **common)
    assert last.content[-1].text == "Rain in both."
    replied, seen, failed, picture, hurry = model.requests["thinking"][-1][1:]
    assert [call.id for call in replied.tool_calls] == ["call_0_0", "call_0_1"]
    assert (replied.reasoning, replied.signature) == ("Both at once.", LAYOUT)
    assert (seen.role, seen.tool_call_id) == ("tool", "call_0_0")
    assert (failed.text, failed.tool_call_id) == ("Error: no", "call_0_1")
    assert picture.role == "user"
    assert picture.content[-1] == ImagePart(url=f"data:image/png;base64,{PIXEL}")
    assert hurry == Message(role="user", content="Hurry.")


@pytest.mark.requirement("api.messages-tools")
async def test_ids_of_calls_are_never_used_twice_in_a_conversation() -> None:
    """Even where the backend begins anew with every reply."""
    again = thought_and_called("Linz")
    async with serving({"thinking": lambda _: again}) as server, sdk(server) as messages:
        turn: Any = [*HELLO]
        ids = []
        for _ in range(3):
            reply = await messages.create(model=THINKING, max_tokens=9, messages=turn, tools=[LOOK])
            ids.append(reply.content[-1].id)
            result = {"type": "tool_result", "tool_use_id": ids[-1], "content": "rain"}
            turn += [
                {"role": "assistant", "content": reply.content},
                {"role": "user", "content": [result]},
            ]
    assert len(set(ids)) == 3


@pytest.mark.requirement("api.count-tokens")
async def test_tokens_are_counted_without_asking_the_model() -> None:
    """About a token for four bytes, tools included; the model has no script."""
    long: Any = [{"role": "user", "content": "word " * 400}]
    async with serving({}) as server:
        for path in ("", "/anthropic"):
            async with sdk(server, path) as messages:
                short = await messages.count_tokens(model=INSTANT, messages=HELLO)
                more = await messages.count_tokens(model=INSTANT, messages=HELLO, tools=[LOOK])
                most = await messages.count_tokens(model=INSTANT, messages=long)
        assert 0 < short.input_tokens < more.input_tokens < most.input_tokens
        assert 300 < most.input_tokens < 1000


@pytest.mark.requirement("api.messages", "api.errors")
async def test_errors_are_those_that_the_sdk_knows() -> None:
    """Each status as the SDK's own class, with an id of the request."""
    throttled = ModelError(Fault.THROTTLED, "slow down", retry_after_s=7)
    broken = ModelError(Fault.REFUSED, "no such field")
    scripts = {"thinking": [Say(error=throttled)], "instant": [Say(error=broken)]}
    limits: Any = {"max_tokens": 9, "messages": HELLO}
    async with serving(scripts, settings=Settings(limits=Limits(retry_s=0))) as server:
        async with sdk(server, token="wrong") as messages:
            with pytest.raises(anthropic.AuthenticationError) as refused:
                await messages.create(model=INSTANT, **limits)
        assert refused.value.response.headers["request-id"].startswith("req_")
        async with sdk(server) as messages:
            with pytest.raises(anthropic.NotFoundError, match="openswarm-auto") as missing:
                await messages.create(model="claude-opus-4-5", **limits)
            with pytest.raises(anthropic.BadRequestError, match="no such field"):
                await messages.create(model=INSTANT, **limits)
            with pytest.raises(anthropic.RateLimitError) as waiting:
                await messages.create(model=THINKING, **limits)
            with pytest.raises(anthropic.BadRequestError, match="messages needs"):
                await messages.create(model=INSTANT, max_tokens=9, messages=[])
        assert waiting.value.response.headers["retry-after"] == "7"
        body: Any = missing.value.body
        assert body["type"] == "error" and body["error"]["type"] == "not_found_error"


@pytest.mark.requirement("api.messages-stream", "api.errors")
async def test_a_stream_that_breaks_ends_with_an_error_that_the_sdk_raises() -> None:
    """What came before it was shown."""
    shown = ""
    async with (
        serving({}, models={"scripted": Breaking({})}) as server,
        sdk(server) as messages,
        messages.stream(model=INSTANT, max_tokens=9, messages=HELLO) as stream,
    ):
        with pytest.raises(anthropic.APIStatusError, match="broke off"):
            async for text in stream.text_stream:
                shown += text
    assert shown == "Half a"


@pytest.mark.requirement("api.progress")
async def test_a_swarm_tells_its_progress_as_thoughts_and_counts_the_whole_tree() -> None:
    """Five calls of the model, of three agents."""
    asked: Any = [{"role": "user", "content": "How is the weather in each of Linz and Graz?"}]
    async with serving(TREE) as server, sdk(server) as messages:
        async with messages.stream(model=SWARM, max_tokens=99, messages=asked) as stream:
            message = await stream.get_final_message()
        run = stream.response.headers.get("openswarm-run")
    thoughts, text = message.content
    assert "Linz: completed" in thoughts.thinking and "Graz: completed" in thoughts.thinking
    assert text.text == "Both are rainy." and run is None
    assert (message.usage.input_tokens, message.usage.output_tokens) == (500, 50)


@pytest.mark.requirement("api.messages-stream")
async def test_openswarm_is_a_client_of_itself() -> None:
    """Its own client of this format gets what the model behind the server said."""
    say = Say("Hello!", calls=(("look_up", {"city": "Linz"}),), reasoning="Hm.", usage=USAGE)
    heard: list[Delta] = []
    async with serving({"thinking": [say]}) as server:
        endpoint = Endpoint(f"{server.url}/anthropic", {"x-api-key": TOKEN})
        model = AnthropicModel("served", endpoint, THINKING)
        history = History([Message(role="user", content="Hello?")])
        try:
            reply = await model.reply(Request(history), heard.append)
        finally:
            await model.aclose()
    assert heard == [Delta("reasoning", "Hm."), Delta("text", "Hello!")]
    assert (reply.message.text, reply.usage, reply.finish) == ("Hello!", USAGE, "tool_calls")


@pytest.mark.requirement("api.models")
async def test_models_are_listed_below_anthropic() -> None:
    """As pages of one; a name that is not served is told from one that is."""
    async with serving({}) as server:
        url = f"{server.url}/anthropic"
        async with anthropic.AsyncAnthropic(base_url=url, api_key=TOKEN, max_retries=0) as client:
            names = [model.id async for model in client.models.list()]
            one = await client.models.retrieve(SWARM)
            with pytest.raises(anthropic.NotFoundError):
                await client.models.retrieve("claude")
    assert {INSTANT, THINKING, SWARM} <= set(names) and one.id == SWARM
