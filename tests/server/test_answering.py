"""How a request is answered: by one call, or by a run, whatever wire it came by."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import AnyEvent, ReportReceived
from openswarm.core.messages import ImagePart, Message, TextPart, VideoPart
from openswarm.core.settings import Settings
from openswarm.journal.fold import fold
from openswarm.llm.model import Delta, OnDelta, Reply, Request, ToolSpec, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.settings import home_folder, runs_folder
from openswarm.server.answering import answer
from openswarm.server.chat import ChatReply, ChatRequest
from openswarm.server.failures import ApiError
from openswarm.server.names import served
from openswarm.server.service import ServeOptions, Service
from openswarm.server.serving import open_service
from swarm_scripts import batch, calls, written

pytestmark = pytest.mark.anyio
LOOK_UP = ToolSpec("look_up", "Looks up.", '{"type":"object"}')
PNG = b"\x89PNG\r\n\x1a\n"


@asynccontextmanager
async def service_of(model: Any, **options: Any) -> AsyncIterator[Service]:
    """A server without its socket."""
    given = {"specs": ("scripted",), "models": {"scripted": model}, "token": "t", **options}
    async with open_service(ServeOptions(home_folder(), Settings(), **given)) as service:
        yield service


def asked(mode: str, *said: str | Message, **fields: Any) -> ChatRequest:
    """A request for `openswarm-MODE`."""
    messages = (Message(role="user", content=m) if isinstance(m, str) else m for m in said)
    return ChatRequest(served(f"openswarm-{mode}", ("scripted",)), tuple(messages), **fields)


class Heard:
    """What a client is sent."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.events: list[AnyEvent] = []

    def __call__(self, piece: Delta | AnyEvent) -> None:
        if isinstance(piece, Delta):
            (self.text if piece.kind == "text" else self.reasoning).append(piece.text)
        else:
            self.events.append(piece)


async def told(scripts: Mapping[str, Any], chat: ChatRequest) -> tuple[ChatReply, Heard]:
    """The answer of a scripted model, and what was sent on the way."""
    heard = Heard()
    async with service_of(ScriptedModel(scripts)) as service:
        return await answer(service, chat, heard), heard


async def test_instant_and_thinking_are_one_call_with_the_conversation_as_it_is() -> None:
    for mode in ("instant", "thinking"):
        model = ScriptedModel({mode: [Say("Four.", reasoning="Two and two.")]})
        talk = asked(mode, Message(role="system", content="Be brief."), "2 + 2?")
        async with service_of(model) as service:
            reply = await answer(service, talk, Heard())
        assert (reply.message.text, reply.mode, reply.run_id) == ("Four.", mode, "")
        assert model.requests[mode] == [list(talk.messages)]


@pytest.mark.requirement("api.progress")
async def test_a_swarm_tells_of_its_progress_and_has_the_usage_of_the_whole_tree() -> None:
    scripts = {
        "orchestrator": [
            calls(batch(["Chile", "Peru"]), text="Two of them."),
            Say("Both are there."),
        ],
        "researcher": lambda _: Say("It is so. " * 30),
    }
    reply, heard = await told(scripts, asked("swarm", "Look at Chile and Peru."))
    progress = "".join(heard.reasoning)
    assert heard.text == [reply.message.text] == ["Both are there."]
    assert "[root/1 Chile: assigned]" in progress
    assert "[root/2 Peru: completed, 1 step]" in progress
    assert "Two of them.\n[" in progress
    assert "Both are there." not in progress
    assert reply.message.reasoning == progress
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (400, 40)
    assert [e.outcome for e in heard.events if isinstance(e, ReportReceived)] == ["completed"] * 2
    assert (reply.mode, reply.outcome) == ("swarm", "completed")
    view = fold(await written(str(runs_folder(home_folder()) / reply.run_id)))
    assert view.outcome == "completed"


async def test_what_was_said_before_goes_with_the_task_of_a_run() -> None:
    model = ScriptedModel({"agent": [Say("Santiago.")]})
    talk = (
        Message(role="system", content="Answer in one word."),
        Message(role="user", content="Where is Chile?"),
        Message(role="assistant", content="In South America."),
        Message(role="user", content="And its capital?"),
    )
    async with service_of(model) as service:
        await answer(service, asked("agent", *talk), Heard())
    brief = model.requests["agent"][0][1].text
    assert brief.startswith("And its capital?\n\nThis was said before")
    assert "Instructions: Answer in one word.\n\nUser: Where is Chile?\n\nAnswer: In South" in brief


@pytest.mark.parametrize("mode", ["auto", "agent", "swarm", "thinking"])
async def test_a_client_with_tools_of_its_own_leads_in_every_mode(mode: str) -> None:
    scripts = {"thinking": [calls(("look_up", {"of": "Chile"}))]}
    reply, _ = await told(scripts, asked(mode, "Look it up.", tools=(LOOK_UP,)))
    assert [call.name for call in reply.message.tool_calls] == ["look_up"]
    assert (reply.finish, reply.run_id) == ("tool_calls", "")


async def test_a_client_may_want_one_call_at_a_time_or_none() -> None:
    scripts = {"thinking": lambda _: calls(("look_up", {"n": 1}), ("look_up", {"n": 2}))}
    both, _ = await told(scripts, asked("auto", "Go.", tools=(LOOK_UP,)))
    one, _ = await told(scripts, asked("auto", "Go.", tools=(LOOK_UP,), parallel_calls=False))
    assert (len(both.message.tool_calls), len(one.message.tool_calls)) == (2, 1)


@pytest.mark.requirement("modes.pictures")
async def test_pictures_of_a_conversation_reach_the_agent_of_a_run() -> None:
    model = ScriptedModel({"agent": [Say("A dot.")]})
    picture = ImagePart.of("image/png", PNG)
    message = Message(role="user", content=(TextPart(text="What is it?"), picture))
    async with service_of(model) as service:
        await answer(service, asked("agent", message), Heard())
    assert picture in model.requests["agent"][0][1].content


@pytest.mark.parametrize(
    ("chat", "said"),
    [
        (asked("agent", "Go on.", prefix="Once"), "cannot go on with a partial answer"),
        (asked("agent", "Go.", schema={"type": "object"}), "a run answers in text"),
        (asked("agent", Message(role="user", content="  ")), "no message of a user"),
        (
            asked("agent", Message(role="user", content=(
                TextPart(text="See."), VideoPart(url="data:video/mp4;base64,AAAA")))),
            "a run takes no video",
        ),
        (
            asked("agent", Message(role="user", content=(
                TextPart(text="See."), ImagePart(url="https://example.org/a.png")))),
            "as data: URLs: 'https://example.org",
        ),
        (
            asked("agent", Message(role="user", content=(
                TextPart(text="See."), ImagePart(url="data:image/png;base64,*")))),
            "is not valid base64",
        ),
    ],
)  # fmt: skip
async def test_what_a_run_cannot_take_is_refused(chat: ChatRequest, said: str) -> None:
    with pytest.raises(ApiError, match=said) as refused:
        await told({}, chat)
    assert refused.value.status == 400
    assert not runs_folder(home_folder()).exists() or not any(runs_folder(home_folder()).iterdir())


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.AUTH, 502), (Fault.QUOTA, 429), (Fault.CONTEXT, 400), (Fault.UNKNOWN_MODEL, 502),
        (Fault.REFUSED, 400),
    ],
)  # fmt: skip
async def test_a_fault_of_the_backend_has_its_status(fault: Fault, status: int) -> None:
    scripts = {"instant": [Say(error=ModelError(fault, "no"))]}
    with pytest.raises(ApiError) as refused:
        await told(scripts, asked("instant", "Hi."))
    assert (refused.value.status, refused.value.kind) == (status, fault.value)


class BreaksOff:
    """A model whose reply breaks off after its first word, every time."""

    spec = resource = "breaks-off"
    info = ScriptedModel({}).info
    replies = 0

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        self.replies += 1
        on_delta(Delta("text", "Once "))
        raise ModelError(Fault.BROKEN, "the stream was cut")

    def input_bound(self, request: Request) -> int:
        return 10

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_a_reply_that_broke_off_is_not_begun_anew_before_the_clients_eyes() -> None:
    model, heard = BreaksOff(), Heard()
    async with service_of(model) as service:
        with pytest.raises(ApiError, match="broke off") as refused:
            await answer(service, asked("instant", "Tell me."), heard)
    assert (refused.value.status, model.replies, heard.text) == (502, 1, ["Once "])


async def test_auto_chooses_one_call_for_a_question_and_a_run_for_wide_work() -> None:
    reply, _ = await told({"instant": [Say("Four.")]}, asked("auto", "What is 2 + 2?"))
    assert reply.run_id == ""
