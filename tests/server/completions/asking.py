"""What tests of chat completions share: a model that keeps its requests, and short questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from served import Served

from openswarm.llm.model import Request
from openswarm.llm.scripted import Say

INSTANT, THINKING = "openswarm-instant", "openswarm-thinking"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
LOOK = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a city up.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@dataclass(slots=True)
class Kept:
    """A script that answers every request alike and keeps it."""

    say: Say = field(default_factory=lambda: Say("Yes."))
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Say:
        self.requests.append(request)
        return self.say

    @property
    def last(self) -> Request:
        """What the model was asked last."""
        return self.requests[-1]

    @property
    def scripts(self) -> dict[str, "Kept"]:
        """For `serving`: the answer of every call without a run."""
        return {"instant": self, "thinking": self}


def question(text: str = "Is it so?", **more: Any) -> dict[str, Any]:
    """A request of the model openswarm-instant, or of another one."""
    return {"model": INSTANT, "messages": [user(text)], **more}


def user(content: Any) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": content}


def called(
    *calls: tuple[str, str, str], reasoning: str | None = None, text: str | None = None
) -> dict[str, Any]:
    """A message of the assistant with calls: id, name, arguments."""
    tool_calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in calls
    ]
    message = {"role": "assistant", "content": text, "tool_calls": tool_calls}
    return message if reasoning is None else {**message, "reasoning_content": reasoning}


def result(call_id: str, content: Any) -> dict[str, Any]:
    """What a tool gave back."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


async def ask(server: Served, body: Any) -> tuple[int, dict[str, Any]]:
    """Status and answer of one request."""
    async with server.client.post("/v1/chat/completions", json=body) as response:
        return response.status, await response.json()


async def answered(server: Served, body: Any) -> dict[str, Any]:
    """The message of an answer that succeeds."""
    status, answer = await ask(server, body)
    assert status == 200, answer
    return answer["choices"][0]["message"]


async def streamed(server: Served, body: dict[str, Any]) -> bytes:
    """The bytes of a streamed answer that succeeds."""
    async with server.client.post(
        "/v1/chat/completions", json={**body, "stream": True}
    ) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        return await response.read()


async def refusals(server: Served, bodies: Sequence[Any]) -> list[tuple[int, str | None, str]]:
    """Status, param and message of each."""
    found = []
    for body in bodies:
        status, answer = await ask(server, body)
        error = answer.get("error", {})
        found.append((status, error.get("param"), error.get("message", "")))
    return found
