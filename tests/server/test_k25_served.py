"""The K2.5-shaped model behind the server, asked by the official openai client."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from served import TOKEN, serving

from openswarm.k25.checkpoint import save_model
from openswarm.k25.config import preset
from openswarm.k25.model import K25
from openswarm.llm.k25_local import K25Model

pytestmark = pytest.mark.anyio

SPEC = "local/k25-tiny"
INSTANT, THINKING = "openswarm-instant", "openswarm-thinking"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Says the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Linz", "Łódź"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def model(tmp_path: Path) -> K25Model:
    """Random weights in files."""
    made = K25(preset("tiny"))
    made.initialise(3)
    save_model(made, tmp_path / "k25-tiny", int4=True)
    return K25Model.at(tmp_path / "k25-tiny", spec=SPEC, parallel=2)


@asynccontextmanager
async def sdk(model: K25Model) -> AsyncIterator[AsyncOpenAI]:
    """A client of a server of that model alone."""
    try:
        async with (
            serving({}, specs=(SPEC,), models={SPEC: model}) as server,
            AsyncOpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as client,
        ):
            yield client
    finally:
        await model.aclose()


@pytest.mark.requirement("model.served")
async def test_thoughts_an_answer_and_calls_come_over_the_wire(model: K25Model) -> None:
    """Thinking streams apart from the text; forced calls fit the tool's schema; usage is told."""
    question = [{"role": "user", "content": "How is the weather in Linz?"}]
    async with sdk(model) as client:
        stream = await client.chat.completions.create(
            model=THINKING,
            messages=question,
            max_tokens=40,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "fine", "schema": {"type": "boolean"}},
            },
            stream=True,
            stream_options={"include_usage": True},
        )
        thoughts, text = "", ""
        async for chunk in stream:
            for choice in chunk.choices:
                thoughts += (choice.delta.model_extra or {}).get("reasoning_content") or ""
                text += choice.delta.content or ""
        called = await client.chat.completions.create(
            model=INSTANT,
            messages=question,
            tools=[WEATHER],
            tool_choice="required",
            max_tokens=100,
        )
        again = await client.chat.completions.create(
            model=INSTANT, messages=question, tools=[WEATHER], max_tokens=5
        )
    assert thoughts and text in ("true", "false")
    assert called.choices[0].finish_reason == "tool_calls"
    (call, *_) = called.choices[0].message.tool_calls or ()
    assert call.id == "functions.get_weather:0" and call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in ("Linz", "Łódź")
    assert again.usage is not None and again.usage.prompt_tokens_details is not None
    assert again.usage.prompt_tokens_details.cached_tokens == again.usage.prompt_tokens - 1
