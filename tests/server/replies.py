"""Random answers for property tests: what a model may say, piece by piece, and the whole of it."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st

from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import Delta
from openswarm.server.chat import ChatReply, ChatRequest, Finish
from openswarm.server.names import Served

SERVED = Served("openswarm-thinking", "thinking", "scripted")
CHAT = ChatRequest(served=SERVED, messages=(Message(role="user", content="Go on."),))
_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
_DELTAS = st.lists(st.builds(Delta, st.sampled_from(("text", "reasoning")), _TEXTS), max_size=8)
_COUNTS = st.integers(0, 10_000)


@dataclass(frozen=True, slots=True)
class Streamed:
    """One answer, and the pieces in which it came."""

    deltas: list[Delta]
    reply: ChatReply

    def said(self, kind: str) -> str:
        """All pieces of one kind."""
        return "".join(delta.text for delta in self.deltas if delta.kind == kind)

    @property
    def is_proven(self) -> bool:
        """Whether the client is handed the proof: without calls, only where thoughts come last."""
        spoken = [delta.kind for delta in self.deltas if delta.text]
        return bool(self.reply.message.tool_calls) or spoken[-1:] == ["reasoning"]


@st.composite
def _calls(draw: st.DrawFn) -> tuple[ToolCall, ...]:
    arguments = st.dictionaries(_TEXTS, _TEXTS | st.integers(-99, 99), max_size=3).map(json.dumps)
    ids = draw(st.lists(_TEXTS.filter(bool), max_size=3, unique=True))
    return tuple(ToolCall(id=id_, name=draw(_NAMES), arguments=draw(arguments)) for id_ in ids)


@st.composite
def streamed(draw: st.DrawFn) -> Streamed:
    """An answer with any pieces in any order, calls, and a backend's signature or none."""
    deltas, calls = draw(_DELTAS), draw(_calls())
    finish: Finish = "tool_calls" if calls else draw(st.sampled_from(("stop", "length")))
    usage = Usage(
        input_tokens=draw(_COUNTS) + 20_001, output_tokens=draw(_COUNTS) + 1,
        cached_tokens=draw(_COUNTS), written_tokens=draw(_COUNTS),
    )  # fmt: skip
    message = Message(
        role="assistant",
        content="".join(delta.text for delta in deltas if delta.kind == "text"),
        reasoning="".join(delta.text for delta in deltas if delta.kind == "reasoning"),
        tool_calls=calls,
        signature=draw(st.just("") | _TEXTS),
    )
    return Streamed(deltas, ChatReply(message=message, usage=usage, finish=finish))


UNICODE = Streamed(
    [Delta("reasoning", "Überlegt… 🐝"), Delta("text", "東京\r\n\n"), Delta("text", "\u2028ok")],
    ChatReply(
        message=Message(
            role="assistant",
            content="東京\r\n\n\u2028ok",
            reasoning="Überlegt… 🐝",
            tool_calls=(
                ToolCall(id="functions.böse:0", name="go", arguments='{"wo": "Zürich 🌧"}'),
            ),
            signature='[["thinking",11,"abc"]]',
        ),
        usage=Usage(input_tokens=7, output_tokens=3),
        finish="tool_calls",
    ),
)
"""Characters of two, three and four bytes, and line ends of every kind."""
