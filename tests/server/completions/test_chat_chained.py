"""One server behind another: openswarm's own client reads what openswarm's server writes."""

import pytest
from asking import LOOK, THINKING, Kept, answered, called, question, result, streamed, user
from frames import ChatFrames
from served import TOKEN, serving

from openswarm.core.messages import Usage
from openswarm.core.settings import Endpoint, Settings
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("api.chat", "api.chat-stream", "api.chat-tools", "api.reasoning")
async def test_a_server_can_be_the_model_of_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thoughts, text, calls and usage come through both, streamed and whole; so does the way in."""
    usage = Usage(input_tokens=70, output_tokens=9, cached_tokens=64)
    arguments = {"city": 'Łódź "🐙"'}
    say = Say("I look.", (("look_up", arguments),) * 2, reasoning="Let me see.", usage=usage)
    kept = Kept(say)
    monkeypatch.setenv("INNER_TOKEN", TOKEN)
    async with serving(kept.scripts) as inner:
        address = f"{inner.url}/v1"
        settings = Settings(endpoints={address: Endpoint(api_key_env="INNER_TOKEN")})
        spec = f"{address}#{THINKING}"
        async with serving({}, specs=(spec,), models={}, settings=settings) as outer:
            history = [
                user("Go"),
                called(("functions.look_up:0", "look_up", "{}"), reasoning="First."),
                result("functions.look_up:0", "rain"),
            ]
            body = question(model=THINKING, messages=history, tools=[LOOK], stop="never")
            whole = await answered(outer, body)
            frames = ChatFrames.of(await streamed(outer, body))
    calls = whole["tool_calls"]
    assert (whole["content"], whole["reasoning_content"]) == ("I look.", "Let me see.")
    assert [call["id"] for call in calls] == ["functions.look_up:1", "functions.look_up:2"]
    assert [call["function"]["arguments"] for call in calls] == [
        call.arguments for call in frames.calls.values()
    ]
    assert (frames.text, frames.reasoning, frames.finish) == (
        "I look.", "Let me see.", "tool_calls"
    )  # fmt: skip
    assert frames.usage is not None and frames.usage["cached_tokens"] == 64
    asked = list(kept.last.history)
    assert (asked[1].reasoning, asked[2].text, kept.last.stop) == ("First.", "rain", ("never",))
