"""OpenAI's own SDK as the client of the Responses format: answers, tools, thoughts, shapes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from proving import LAYOUT, Breaking, Proving, thought_and_called
from pydantic import BaseModel
from responses_frames import ResponseEvents
from served import TOKEN, Scripts, Served, serving

from openswarm.core.errors import Fault, ModelError
from openswarm.core.limits import Limits
from openswarm.core.messages import Usage
from openswarm.core.settings import Settings
from openswarm.llm.scripted import Say
from swarm_scripts import FULL, batch, calls

pytestmark = pytest.mark.anyio

INSTANT, THINKING, SWARM = "openswarm-instant", "openswarm-thinking", "openswarm-swarm"
LOOK: Any = {
    "type": "function",
    "name": "look_up",
    "description": "Looks a city up.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
USAGE = Usage(input_tokens=100, output_tokens=10, cached_tokens=60)
TREE: Scripts = {
    "orchestrator": [
        calls(("create_subagent", {"name": "looker", "system_prompt": "You look."})),
        calls(batch(["Linz", "Graz"], agent="looker")),
        Say("Both are rainy."),
    ],
    "looker": [Say(FULL)],
}


@asynccontextmanager
async def sdk(server: Served, token: str = TOKEN) -> AsyncIterator[Any]:
    """The SDK's client, which tries nothing twice."""
    url = f"{server.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
        yield client.responses


@pytest.mark.requirement("api.responses")
async def test_an_answer_comes_whole_with_its_thoughts_and_counts() -> None:
    """What was asked is repeated, as clients expect."""
    say = Say("Hello!", reasoning="A greeting.", usage=USAGE)
    async with serving({"thinking": [say]}) as server, sdk(server) as responses:
        answer = await responses.create(
            model=THINKING, input="Hello?", instructions="Be kind.", store=True,
            reasoning={"effort": "low", "summary": "auto"}, metadata={"a": "b"},
        )  # fmt: skip
    thought, message = answer.output
    assert thought.type == "reasoning" and thought.summary[0].text == "A greeting."
    assert message.content[0].text == answer.output_text == "Hello!"
    assert (answer.status, answer.model, answer.store) == ("completed", THINKING, False)
    assert (answer.instructions, answer.metadata) == ("Be kind.", {"a": "b"})
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (100, 10, 110)
    assert usage.input_tokens_details.cached_tokens == 60
    assert usage.output_tokens_details.reasoning_tokens == 0


@pytest.mark.requirement("api.responses-stream")
async def test_an_answer_streams_and_the_sdk_puts_it_together() -> None:
    """Events from 0 on without a gap; the items of the last one are those that streamed."""
    say = Say("Hello!", reasoning="A greeting.", usage=USAGE)
    async with (
        serving({"thinking": [say]}) as server,
        sdk(server) as responses,
        responses.stream(model=THINKING, input="Hello?") as stream,
    ):
        events = [event async for event in stream]
        answer = await stream.get_final_response()
    assert [event.sequence_number for event in events] == [*range(len(events))]
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    deltas = "response.reasoning_summary_text.delta", "response.output_text.delta"
    assert kinds.index(deltas[0]) < kinds.index(deltas[1])
    done = [event.item.id for event in events if event.type == "response.output_item.done"]
    assert [item.id for item in answer.output] == done
    assert answer.output_text == "Hello!" and answer.usage.input_tokens == 100


@pytest.mark.requirement("api.responses", "api.signature")
@pytest.mark.parametrize("text", ["", "I look both up."])
async def test_a_loop_of_tools_gives_the_backend_its_own_ids_thoughts_and_signature(
    text: str,
) -> None:
    """Two calls at once, streamed; the client sends back every item as it got it."""
    said = thought_and_called("Linz", "Graz", text=text)
    model = Proving({"thinking": [said, Say("Rain in both.")]})
    async with serving({}, models={"scripted": model}) as server, sdk(server) as responses:
        common: Any = {"model": THINKING, "tools": [LOOK], "store": False}
        common["include"] = ["reasoning.encrypted_content"]
        asked: Any = [{"role": "user", "content": "Rain?"}]
        async with responses.stream(input=asked, **common) as stream:
            first = await stream.get_final_response()
        made = [item for item in first.output if item.type == "function_call"]
        assert [call.arguments for call in made] == ['{"city": "Linz"}', '{"city": "Graz"}']
        asked += [item.model_dump(exclude={"parsed_arguments"}) for item in first.output]
        asked += [
            {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
            for call in made
        ]
        last = await responses.create(input=asked, **common)
    assert last.output_text == "Rain in both."
    replied, *returned = model.requests["thinking"][-1][1:]
    assert [call.id for call in replied.tool_calls] == ["call_0_0", "call_0_1"]
    assert [message.tool_call_id for message in returned] == ["call_0_0", "call_0_1"]
    assert (replied.text, replied.reasoning) == (text, "Both at once.")
    assert replied.signature == LAYOUT


@pytest.mark.requirement("api.responses", "api.schema")
async def test_an_answer_has_the_shape_that_was_asked_for() -> None:
    """A class of the client's; the SDK reads the answer into it."""

    class Weather(BaseModel):
        city: str
        rain: bool

    say = Say('{"city": "Linz", "rain": true}')
    async with serving({"instant": [say]}) as server, sdk(server) as responses:
        answer = await responses.parse(model=INSTANT, input="Rain?", text_format=Weather)
    assert answer.output_parsed == Weather(city="Linz", rain=True)


@pytest.mark.requirement("api.responses", "api.responses-stream")
async def test_an_answer_that_was_cut_says_why() -> None:
    """Too long, or refused by the model's provider; whole and streamed."""
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    for finish, reason in reasons.items():
        async with serving({"instant": [Say("Half a", finish=finish)]}) as server:
            async with sdk(server) as responses:
                whole = await responses.create(model=INSTANT, input="Go on.")
            body = {"model": INSTANT, "input": "Go on.", "stream": True}
            async with server.client.post("/v1/responses", json=body) as response:
                events = ResponseEvents.of(await response.read())
        assert whole.status == events.response["status"] == "incomplete"
        assert whole.incomplete_details.reason == reason
        assert events.kinds[-1] == "response.incomplete" and events.text == "Half a"


@pytest.mark.requirement("api.responses", "api.errors")
async def test_errors_are_those_that_the_sdk_knows() -> None:
    """Each status as the SDK's own class; what is not stored is said to be."""
    scripts = {"instant": [Say(error=ModelError(Fault.THROTTLED, "slow", retry_after_s=7))]}
    async with serving(scripts, settings=Settings(limits=Limits(retry_s=0))) as server:
        async with sdk(server, token="wrong") as responses:
            with pytest.raises(openai.AuthenticationError):
                await responses.create(model=INSTANT, input="Hello?")
        async with sdk(server) as responses:
            with pytest.raises(openai.NotFoundError, match="openswarm-auto"):
                await responses.create(model="gpt-5", input="Hello?")
            with pytest.raises(openai.RateLimitError) as waiting:
                await responses.create(model=INSTANT, input="Hello?")
            assert waiting.value.response.headers["retry-after"] == "7"
            with pytest.raises(openai.BadRequestError, match="send the whole input"):
                await responses.create(model=INSTANT, input="Go on.", previous_response_id="r_1")
            with pytest.raises(openai.NotFoundError, match="stores none"):
                await responses.retrieve("resp_1")
            with pytest.raises(openai.NotFoundError, match="stores none"):
                await responses.delete("resp_1")


@pytest.mark.requirement("api.responses-stream", "api.errors")
async def test_a_stream_that_breaks_ends_as_a_failed_response() -> None:
    """With what came before."""
    async with (
        serving({}, models={"scripted": Breaking({})}) as server,
        sdk(server) as responses,
    ):
        stream = await responses.create(model=INSTANT, input="Go on.", stream=True)
        events = [event async for event in stream]
    failed = events[-1].response
    assert (events[-1].type, failed.error.code) == ("response.failed", "server_error")
    assert "broke off" in failed.error.message and failed.output[0].content[0].text == "Half a"


@pytest.mark.requirement("api.progress")
async def test_a_swarm_tells_its_progress_as_thoughts_and_counts_the_whole_tree() -> None:
    """Five calls of the model, of three agents."""
    body = {"model": SWARM, "input": "How is the weather in each of Linz and Graz?"}
    async with (
        serving(TREE) as server,
        server.client.post("/v1/responses", json={**body, "stream": True}) as response,
    ):
        events = ResponseEvents.of(await response.read())
    assert "Linz: completed" in events.thinking and "Graz: completed" in events.thinking
    assert events.text == "Both are rainy."
    assert events.response["usage"]["total_tokens"] == 5 * 110
