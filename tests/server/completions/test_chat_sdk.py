"""The official openai client against the server: what it reads is what the model said."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asking import INSTANT, LOOK, PIXEL, THINKING, Kept, user
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel
from served import TOKEN, Served, serving

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import ImagePart, TextPart, Usage
from openswarm.llm.model import ModelInfo
from openswarm.llm.scripted import Say, ScriptedModel

pytestmark = pytest.mark.anyio

TWO_CALLS = (("look_up", {"city": "Linz"}), ("look_up", {"city": "Łódź"}))


@asynccontextmanager
async def sdk(scripts: Any, **options: Any) -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    """A client of a server that runs."""
    async with serving(scripts, **options) as server:
        url = f"{server.url}/v1"
        async with AsyncOpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
            yield client, server


@pytest.mark.requirement("api.chat")
async def test_an_answer_comes_whole_with_its_usage() -> None:
    """Text, the reason for the end, tokens with those of the cache, and how it was made."""
    kept = Kept(Say("Grüße 🐙", usage=Usage(input_tokens=70, output_tokens=5, cached_tokens=64)))
    async with sdk(kept.scripts) as (client, _):
        done = await client.chat.completions.create(model=INSTANT, messages=[user("Hallo")])
    choice, usage = done.choices[0], done.usage
    assert choice.message.content == "Grüße 🐙" and choice.finish_reason == "stop"
    assert choice.message.role == "assistant" and choice.message.tool_calls is None
    assert done.object == "chat.completion" and done.model == INSTANT
    assert usage is not None and usage.prompt_tokens_details is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (70, 5, 75)
    assert usage.prompt_tokens_details.cached_tokens == 64
    assert usage.model_extra == {"cached_tokens": 64}
    assert done.model_extra is not None and done.model_extra["openswarm"]["mode"] == "instant"


@pytest.mark.requirement("api.chat-stream", "api.reasoning")
async def test_a_stream_brings_thoughts_before_the_answer_and_the_usage_last() -> None:
    """As deltas of their own fields; the usage stands in the last choice as well."""
    kept = Kept(Say("Yes.", reasoning="Let me see."))
    async with sdk(kept.scripts) as (client, _):
        stream = await client.chat.completions.create(
            model=THINKING,
            messages=[user("Is it so?")],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    thoughts = [(delta.model_extra or {}).get("reasoning_content", "") for delta in deltas]
    assert deltas[0].role == "assistant" and "".join(thoughts) == "Let me see."
    assert "".join(delta.content or "" for delta in deltas) == "Yes."
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage is not None
    assert (chunks[-2].choices[0].model_extra or {})["usage"] == chunks[-1].usage.to_dict()
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


@pytest.mark.requirement("api.reasoning")
async def test_thoughts_of_a_whole_answer_stand_beside_it() -> None:
    """In `reasoning_content`; the model was asked to think."""
    kept = Kept(Say("Yes.", reasoning="Let me see."))
    async with sdk(kept.scripts) as (client, _):
        done = await client.chat.completions.create(model=THINKING, messages=[user("Really?")])
    assert (done.choices[0].message.model_extra or {})["reasoning_content"] == "Let me see."
    assert kept.last.thinking is True


@pytest.mark.requirement("api.chat-tools", "api.tool-ids")
async def test_several_calls_at_once_reach_the_client_in_their_order() -> None:
    """Streamed and whole alike, with ids that count on from one turn to the next."""
    kept = Kept(Say(calls=TWO_CALLS, reasoning="Both."))
    async with sdk(kept.scripts) as (client, _):
        chat = client.chat.completions
        first = await chat.create(model=THINKING, messages=[user("Go")], tools=[LOOK])
        message = first.choices[0].message
        assert message.tool_calls and first.choices[0].finish_reason == "tool_calls"
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": "rain"}
            for call in message.tool_calls
        ]
        turn: Any = [user("Go"), message.model_dump(exclude_none=True), *results]
        async with chat.stream(model=THINKING, messages=turn, tools=[LOOK]) as stream:
            again = await stream.get_final_completion()
    ids = [call.id for call in message.tool_calls]
    assert ids == ["functions.look_up:0", "functions.look_up:1"]
    calls = again.choices[0].message.tool_calls or []
    assert [call.id for call in calls] == ["functions.look_up:2", "functions.look_up:3"]
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Linz", "Łódź"]
    history = list(kept.last.history)
    assert history[1].reasoning == "Both." and [m.text for m in history[2:]] == ["rain", "rain"]
    assert [m.tool_call_id for m in history[2:]] == ids


@pytest.mark.requirement("api.images")
async def test_pictures_reach_the_model_with_the_text_around_them() -> None:
    """As an object with an address, or as inline data."""
    kept = Kept(Say("A dot."))
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    async with sdk(kept.scripts) as (client, _):
        await client.chat.completions.create(model=INSTANT, messages=[user(parts)])
    assert kept.last.history[0].content == (
        TextPart(text="What is it?"), ImagePart(url=PIXEL),
        ImagePart(url="https://example.com/a.png"),
    )  # fmt: skip


class City(BaseModel):
    """What the answer has to fit."""

    name: str
    people: int


@pytest.mark.requirement("api.schema")
async def test_an_answer_is_held_to_a_schema() -> None:
    """`response_format` with the client's own parser of the answer."""
    kept = Kept(Say('{"name": "Linz", "people": 210000}'))
    async with sdk(kept.scripts) as (client, _):
        done = await client.chat.completions.parse(
            model=INSTANT, messages=[user("Linz?")], response_format=City
        )
    assert done.choices[0].message.parsed == City(name="Linz", people=210000)
    assert kept.last.schema is not None and set(kept.last.schema["properties"]) == {
        "name", "people"
    }  # fmt: skip


@pytest.mark.requirement("api.models")
async def test_the_served_models_are_listed_and_looked_up() -> None:
    """With the window, what they take, and names for other backends."""
    specs = ("scripted", "moonshot/kimi-k2.5")
    seeing = ModelInfo(context_tokens=9_000, images=True)
    models = {spec: ScriptedModel({}, spec, info=seeing) for spec in specs}
    async with sdk({}, models=models, specs=specs) as (client, _):
        listed = [model async for model in client.models.list()]
        named = await client.models.retrieve("openswarm-thinking@moonshot/kimi-k2.5")
        with pytest.raises(NotFoundError) as unknown:
            await client.models.retrieve("gpt-4")
    names = [f"openswarm-{mode}" for mode in ("auto", "instant", "thinking", "agent", "swarm")]
    assert [model.id for model in listed] == [
        *names, *(f"{name}@moonshot/kimi-k2.5" for name in names)
    ]  # fmt: skip
    assert {model.owned_by for model in listed} == {"openswarm"}
    assert named.id == "openswarm-thinking@moonshot/kimi-k2.5"
    assert (named.model_extra or {})["context_length"] == 9_000
    assert (named.model_extra or {})["input_modalities"] == ["text", "image"]
    assert unknown.value.code == "model_not_found" and unknown.value.param == "model"


@pytest.mark.requirement("api.chat")
async def test_errors_are_read_by_the_client_as_its_own() -> None:
    """The request's and the model's."""
    failing = {"instant": [Say(error=ModelError(Fault.CONTEXT, "the conversation is too long"))]}
    async with sdk(failing) as (client, _):
        chat = client.chat.completions
        with pytest.raises(NotFoundError):
            await chat.create(model="gpt-4", messages=[user("Hi")])
        with pytest.raises(BadRequestError) as broken:
            await chat.create(model=INSTANT, messages=[user("Hi")], temperature=3)
        with pytest.raises(BadRequestError, match="too long") as full:
            await chat.create(model=INSTANT, messages=[user("Hi")])
    assert broken.value.param == "temperature" and broken.value.type == "invalid_request_error"
    assert full.value.code == "context_overflow"
