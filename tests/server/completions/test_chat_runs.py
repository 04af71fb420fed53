"""Runs behind chat completions: progress as thoughts, events for who asks, an end of the work."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from asking import Kept, answered, ask, question, streamed, user
from frames import ChatFrames
from served import Served, serving

import openswarm
from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import Content, DocumentsOpened
from openswarm.core.messages import Usage
from openswarm.llm.model import OnDelta, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.server.completions.swarm_events import event_object
from swarm_scripts import FULL, WaitingModel, batch, calls

pytestmark = pytest.mark.anyio

USAGE = Usage(input_tokens=100, output_tokens=10)
SWARM: dict[str, Any] = {
    "orchestrator": [
        calls(
            ("create_subagent", {"name": "looker", "system_prompt": "You look."}),
        ),
        calls(batch(["Linz", "Graz"], agent="looker")),
        Say("Both are rainy."),
    ],
    "looker": [Say(FULL)],
}
"""A swarm of two: five calls of the model."""


def swarm(**more: Any) -> dict[str, Any]:
    """A request for a run of a swarm."""
    return question("How is the weather in each of Linz and Graz?", model="openswarm-swarm", **more)


@pytest.mark.requirement("api.chat", "api.chat-stream")
async def test_a_run_tells_its_progress_as_thoughts_and_counts_the_whole_tree() -> None:
    """Whole and streamed: the answer, how it was made, and the tokens of all agents."""
    async with serving(SWARM) as server:
        status, whole = await ask(server, swarm())
        frames = ChatFrames.of(await streamed(server, swarm()))
    message = whole["choices"][0]["message"]
    assert status == 200 and message["content"] == frames.text == "Both are rainy."
    assert "Linz: completed" in message["reasoning_content"]
    assert "Linz: completed" in frames.reasoning and "Graz" in frames.reasoning
    assert whole["usage"]["total_tokens"] == 5 * USAGE.total_tokens
    assert frames.usage == whole["usage"] and not frames.events
    made = whole["openswarm"]
    assert made["mode"] == "swarm" and made["outcome"] == "completed" and made["run_id"]
    assert frames.openswarm is not None and frames.openswarm["run_id"] != made["run_id"]


@pytest.mark.requirement("api.swarm-events")
async def test_clients_that_ask_get_the_events_of_the_run() -> None:
    """In chunks without choices, from the first to the last, without long texts."""
    long = [user(f"How is the weather in Linz and Graz? {'I need to know. ' * 200}")]
    asked = swarm(messages=long, stream_options={"include_swarm_events": True})
    async with serving(SWARM) as server:
        data = await streamed(server, asked)
    frames = ChatFrames.of(data)
    kinds = [event["type"] for event in frames.events]
    assert kinds[0] == "run_started" and kinds[-1] == "answered"
    assert kinds.count("report_received") == 2 and "mode_chosen" in kinds
    assert [event["seq"] for event in frames.events] == list(range(1, len(kinds) + 1))
    assert frames.events[0]["task"]["text"] == "" and frames.events[0]["task"]["mode"] == "swarm"
    assert b"I need to know" not in data


@pytest.mark.requirement("api.swarm-events")
def test_of_a_very_large_event_only_the_envelope_is_sent() -> None:
    """It stands in the run's journal."""
    names = tuple(f"{number:02000}" for number in range(100))
    event = DocumentsOpened(seq=7, run="r", sources=names, text=Content())
    assert event_object(event) == {
        "seq": 7, "at": 0.0, "run": "r", "agent": "root", "parent": "",
        "type": "documents_opened", "v": event.v,
    }  # fmt: skip


@pytest.mark.requirement("api.chat")
async def test_a_run_refuses_what_only_a_call_can_do() -> None:
    """A partial answer, and an answer held to a schema."""
    partial = [user("Go"), {"role": "assistant", "content": "So", "partial": True}]
    async with serving({}) as server:
        first = await ask(server, swarm(messages=partial))
        second = await ask(server, swarm(response_format={"type": "json_object"}))
    assert first[0] == second[0] == 400
    assert second[1]["error"]["param"] == "response_format"


class Parting:
    """A model that never answers, and whether it was let go."""

    def __init__(self) -> None:
        self.asked, self.let_go = anyio.Event(), anyio.Event()

    async def __call__(self, request: Request) -> None:
        """Waits until it is cancelled."""
        self.asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.let_go.set()

    def options(self, *agents: str) -> dict[str, Any]:
        """For `serving`."""
        scripts = {agent: [Say("Never said.")] for agent in agents}
        return {"models": {"scripted": WaitingModel(scripts, wait=self)}}


@pytest.mark.requirement("api.disconnect")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "agent"), [("openswarm-instant", "instant"), ("openswarm-agent", "agent")]
)
async def test_a_client_that_leaves_ends_the_work_within_two_seconds(
    model: str, agent: str, stream: bool
) -> None:
    """The call of the model is cancelled, whatever mode it is, whether anything was sent or not."""
    parting = Parting()
    async with serving({}, **parting.options(agent)) as server:
        await _leave(server, parting, question(model=model, stream=stream))
        with anyio.fail_after(2):
            await parting.let_go.wait()
            while server.service.desk.at_work:
                await anyio.lowlevel.checkpoint()


async def _leave(server: Served, parting: Parting, body: dict[str, Any]) -> None:
    """Asks, and goes away as soon as the model was asked."""
    async with anyio.create_task_group() as tasks:

        async def request() -> None:
            async with server.client.post("/v1/chat/completions", json=body) as response:
                await response.read()

        tasks.start_soon(request)
        with anyio.fail_after(10):
            await parting.asked.wait()
        tasks.cancel_scope.cancel()


@pytest.mark.requirement("api.disconnect")
async def test_a_run_whose_client_left_can_be_resumed() -> None:
    """It stands in its folder, unfinished."""
    parting = Parting()
    async with serving({}, **parting.options("agent")) as server:
        await _leave(server, parting, question(model="openswarm-agent", stream=True))
        with anyio.fail_after(2):
            await parting.let_go.wait()
            while server.service.desk.at_work:
                await anyio.lowlevel.checkpoint()
    runs = await anyio.to_thread.run_sync(lambda: sorted((server.home / "runs").iterdir()))
    [run_id] = [path.name for path in runs if path.is_dir()]
    done = await openswarm.resume(run_id, model=ScriptedModel({"agent": [Say("Here it is.")]}))
    assert (done.answer, done.outcome) == ("Here it is.", "completed")


@pytest.mark.requirement("api.chat-stream")
async def test_a_model_that_breaks_off_in_a_stream_ends_it_with_an_error() -> None:
    """After the first frame as a frame, before it as a status."""

    class Breaking(ScriptedModel):
        """Says half of it."""

        async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
            """See `ChatModel.reply`."""
            reply = await ScriptedModel.reply(self, request, on_delta)
            if reply.message.text == "Half":
                raise ModelError(Fault.BROKEN, "the connection ended")
            return reply

    half = {"scripted": Breaking({"instant": [Say("Half")]})}
    async with serving({}, models=half) as server:
        frames = ChatFrames.of(await streamed(server, question()))
    assert frames.text == "Half" and frames.error is not None
    assert frames.error["code"] == "broken_stream" and not frames.finish
    failing = Kept(Say(error=ModelError(Fault.AUTH, "the key is wrong")))
    async with serving(failing.scripts) as server:
        status, answer = await ask(server, question(stream=True))
        assert status == 502 and answer["error"]["code"] == "auth"
        failing.say = Say("Fine.")
        assert (await answered(server, question()))["content"] == "Fine."
