"""The small orchestrator as a chat model: a policy decides, another model does the words.

Owns one conversation's way through view, grammar and decider, and the trace of it that a trainer
reads. `local/parl-NAME` makes one from a checkpoint's folder.
"""

import json
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from openswarm.core.history import History
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import (
    ChatModel,
    ModelInfo,
    OnDelta,
    Reply,
    Request,
    ToolSpec,
    ignore,
)
from openswarm.llm.policy.language import TurnGuide
from openswarm.llm.policy.rows import rows_of
from openswarm.llm.policy.view import MAX_DOCUMENTS, View
from openswarm.llm.policy.wording import REPORT

if TYPE_CHECKING:
    from openswarm.llm.policy.deciders import Decider
    from openswarm.llm.policy.sampler import Session

DONE = "The table is complete as far as it could be filled."
ENDING_TOKENS = 160
"""What of the window is kept for results and for the last turns."""
TOKENS_A_CALL = 28
"""A call, its result and the beginning of the next turn, at most."""
BYTES_A_TOKEN = 4
"""Of English text with an ordinary vocabulary: what usage is counted by."""


@dataclass(slots=True)
class _Talk:
    """What is known of one conversation."""

    view: View
    session: "Session"
    close: weakref.finalize
    """Ends the session, once."""
    fresh: bool
    """Whether the run had turns before it, and no reply has said so yet."""
    measured: int = 0
    """Messages whose text is counted."""
    bytes: int = 0


@dataclass(slots=True)
class PolicyModel:
    """Leads a run. See `ChatModel`."""

    spec: str
    decider: "Decider"
    writer: ChatModel | None = None
    """Writes the answer from what the policy itself has read: in a run, the sub-agents' model."""
    parallel: bool = True
    """Whether a turn may have more than one call."""
    reads: int = 1
    """Calls of a turn that read; a turn that reads assigns nothing."""
    creates: bool = True
    """Whether it may register configurations of its own."""
    words: float = 1.0
    """The share of the question's words that the policy is shown."""
    may_call: Callable[[], bool] = lambda: True
    """Whether a turn may still call; it answers where not."""
    seed: Callable[[], int] = lambda: 0
    """Of the next conversation: its numbers and its draws."""
    resource: str = "policy"
    info: ModelInfo = ModelInfo(documents=MAX_DOCUMENTS)
    _talks: WeakKeyDictionary[History, _Talk] = field(default_factory=WeakKeyDictionary)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`. Raises `SettingsError` when the policy cannot be loaded."""
        await self.decider.ready()
        talk = self._talk(request.history)
        try:
            reply = await self._turn(talk, request, on_delta)
        except BaseException:
            talk.close()  # a part of a turn may be in it; the next reply reads the run anew
            raise
        talk.fresh = False
        return reply

    async def _turn(self, talk: _Talk, request: Request, on_delta: OnDelta) -> Reply:
        offered = [tool.name for tool in request.tools]
        read = talk.view.read(tuple(request.history))
        room = self.decider.tokens - talk.session.length - len(talk.session.unread) - len(read)
        calls_left = max(0, (room - ENDING_TOKENS) // TOKENS_A_CALL) if self.may_call() else 0
        facts = talk.view.facts(offered, calls_left)
        guide = TurnGuide(facts)
        logprobs = await self.decider.decide(talk.session, read, guide)
        calls = talk.view.said(guide.calls, offered)
        trace = _trace(read, guide, logprobs, fresh=talk.fresh)
        usage = self._usage(talk, request, calls)
        if calls:
            message = Message(role="assistant", tool_calls=tuple(calls))
            return Reply(message, usage, "tool_calls", self.spec, trace)
        words, more = await self._words(talk, request, on_delta)
        message = _ending(words, request.tools)
        finish = "tool_calls" if message.tool_calls else "stop"
        return Reply(message, usage + more, finish, self.spec, trace)

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return sum(len(message.text.encode()) for message in request.history)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`. The writer is closed by whoever made it."""

    def _talk(self, history: History) -> _Talk:
        """The talk about a conversation: a new one where it was shortened, or a reply failed."""
        old = self._talks.get(history)
        if old is not None and old.close.alive:
            if old.view.goes_on(tuple(history)):
                return old
            old.close()
        view = View(self.seed(), self.parallel, self.reads, self.creates, self.words)
        session = self.decider.open(view)
        close = weakref.finalize(history, self.decider.close, session)
        is_fresh = old is not None or history.last_reply() is not None
        talk = self._talks[history] = _Talk(view, session, close, is_fresh)
        return talk

    async def _words(self, talk: _Talk, request: Request, on_delta: OnDelta) -> tuple[str, Usage]:
        """The text of the answer, and what it took."""
        if self.writer is None or (talk.view.columns and not talk.view.opened):
            return DONE, Usage()
        wish = Request(history=request.history, max_tokens=request.max_tokens, agent="writer")
        reply = await self.writer.reply(wish, on_delta)
        return reply.message.text or DONE, reply.usage

    def _usage(self, talk: _Talk, request: Request, calls: Sequence[ToolCall]) -> Usage:
        """What an ordinary model would have read and written: the policy's own tokens are few."""
        new = tuple(request.history)[talk.measured :]
        talk.measured = len(request.history)
        cached = talk.bytes // BYTES_A_TOKEN
        talk.bytes += sum(len(message.text.encode()) for message in new)
        written = sum(len(call.name) + len(call.arguments) + 20 for call in calls)
        talk.bytes += written
        return Usage(
            input_tokens=max(1, talk.bytes - written) // BYTES_A_TOKEN,
            output_tokens=max(1, written // BYTES_A_TOKEN),
            cached_tokens=cached,
        )


def _trace(read: Sequence[int], guide: TurnGuide, logprobs: Sequence[float], *, fresh: bool) -> str:
    """What a trainer needs of a turn: what was read, said and decided, and what else could be."""
    entry: dict[str, object] = {
        "read": list(read),
        "ids": guide.ids,
        "mask": [int(chosen) for chosen in guide.mask],
        "logprobs": [round(value, 6) for value in logprobs],
        "choices": [list(choice) for choice in guide.choices],
    }
    if fresh:
        entry["fresh"] = True
    return json.dumps(entry, separators=(",", ":"))


def _ending(words: str, tools: Sequence[ToolSpec]) -> Message:
    """The answer: rows by the report tool where there is one, else a text."""
    form = next((tool.parameters for tool in tools if tool.name == REPORT), None)
    if form is None:
        return Message(role="assistant", content=words)
    rows = [{name: {"value": value} for name, value in row.items()} for row in rows_of(words)]
    properties = json.loads(form).get("properties", {})
    if "rows" in properties:
        arguments: dict[str, object] = {"rows": rows}
    else:
        first = rows[0] if rows else {}
        arguments = {name: first.get(name, {"value": ""}) for name in properties}
    call = ToolCall(id=f"functions.{REPORT}:0", name=REPORT, arguments=json.dumps(arguments))
    return Message(role="assistant", content=words, tool_calls=(call,))
