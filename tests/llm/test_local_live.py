"""The local model with its real engine and real weights, where they are on this computer.

They are looked for in `$OPENSWARM_TEST_MODELS`, or where `openswarm models pull` puts them.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.llm.catalogue import weights_of
from openswarm.llm.local import LocalModel
from openswarm.llm.model import Delta, Reply, Request, ToolSpec

pytestmark = [pytest.mark.anyio, pytest.mark.local_model, pytest.mark.timeout(300)]

SYSTEM = "You take facts out of documents and hand them in with report, word for word. " * 4
REPORT = ToolSpec(
    "report",
    "Hands in what the document says.",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "capital": {"type": "string", "maxLength": 40},
                "population": {"type": "string", "maxLength": 40},
            },
            "required": ["capital", "population"],
        }
    ),
)


@asynccontextmanager
async def loaded(
    name: str, environment: dict[str, str], parallel: int = 2
) -> AsyncIterator[LocalModel]:
    """The model, closed afterwards; the test is skipped where its weights are missing."""
    own = environment.get("OPENSWARM_HOME") or str(Path.home() / ".openswarm")
    folder = Path(environment.get("OPENSWARM_TEST_MODELS") or f"{own}/models")
    path = folder / weights_of(name).file
    if not await anyio.Path(path).is_file():
        pytest.skip(f"no {path}: openswarm models pull local/{name}, or set OPENSWARM_TEST_MODELS")
    pytest.importorskip("xllamacpp", reason="pip install 'openswarm[local]'")
    model = LocalModel(path, parallel=parallel, context_tokens=1024)
    try:
        yield model
    finally:
        await model.aclose()


def request(text: str, *, tools: tuple[ToolSpec, ...] = (REPORT,), tokens: int = 100) -> Request:
    """One turn of an agent that has to report."""
    history = History([Message(role="system", content=SYSTEM), Message(role="user", content=text)])
    return Request(history, tools, max_tokens=tokens, must_call=bool(tools))


@pytest.mark.requirement("local.grammar")
@pytest.mark.requirement("local.small")
async def test_even_the_smallest_model_calls_in_the_right_form(
    outer_environment: dict[str, str],
) -> None:
    """What it writes may be nonsense, but it fits the schema."""
    async with loaded("smollm2-135m", outer_environment) as model:
        reply = await model.reply(request("Arden: capital Vell, population 8,000."))
    (call,) = reply.message.tool_calls
    arguments = json.loads(call.arguments)
    assert set(arguments) == {"capital", "population"}
    assert all(isinstance(value, str) and len(value) <= 40 for value in arguments.values())


@pytest.mark.requirement("local.prefix")
@pytest.mark.requirement("local.batch")
async def test_agents_that_share_a_system_prompt_read_it_once(
    outer_environment: dict[str, str],
) -> None:
    """The second slot has it without having read it."""
    replies: list[Reply] = []
    async with loaded("smollm2-135m", outer_environment) as model:

        async def one(city: str) -> None:
            replies.append(await model.reply(request(f"The capital is {city}.")))

        async with anyio.create_task_group() as group:
            group.start_soon(one, "Vell")
            group.start_soon(one, "Tarn")
    fresh = sorted(reply.usage.input_tokens - reply.usage.cached_tokens for reply in replies)
    assert fresh[0] < fresh[1] / 3


async def test_text_streams_and_a_cancelled_reply_frees_its_slot(
    outer_environment: dict[str, str],
) -> None:
    """The engine stops decoding it: the next reply need not wait for its end."""
    seen: list[Delta] = []
    async with loaded("smollm2-135m", outer_environment, parallel=1) as model:
        async with anyio.create_task_group() as group:

            def stop(delta: Delta) -> None:
                seen.append(delta)
                if len(seen) == 3:
                    group.cancel_scope.cancel()

            group.start_soon(model.reply, request("Tell a long story.", tools=(), tokens=900), stop)
        with anyio.fail_after(20):
            reply = await model.reply(request("Say yes.", tools=(), tokens=3))
    assert 3 <= len(seen) < 100
    assert reply.usage.output_tokens <= 3


@pytest.mark.requirement("local.process")
async def test_nothing_is_left_of_a_closed_model(outer_environment: dict[str, str]) -> None:
    """Neither its process nor its folder."""
    async with loaded("smollm2-135m", outer_environment) as model:
        await model.reply(request("Say yes.", tools=(), tokens=3))
        engine = await model._llama.engine()
        assert await anyio.Path(engine.folder).exists()
    assert engine.process.returncode is not None
    assert not await anyio.Path(engine.folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(engine.process.pid, 0)


@pytest.mark.slow
async def test_the_default_model_takes_facts_out_of_a_document(
    outer_environment: dict[str, str],
) -> None:
    """Past the distractors."""
    document = (
        "Arden lies between two rivers. Its oldest town is Morrow, once the seat of the kings;"
        " since 1904 the government has sat in Vell. In 1960 there were 5,120,000 people, by the"
        " last count (2021) 8,213,400."
    )
    async with loaded("qwen2.5-coder-1.5b", outer_environment) as model:
        reply = await model.reply(
            request(f"<document>\n{document}\n</document>\nThe capital and the population today?")
        )
    assert json.loads(reply.message.tool_calls[0].arguments) == {
        "capital": "Vell",
        "population": "8,213,400",
    }
