"""A causal model as the orchestrator: a chat model that keeps the tokens of its conversations.

Owns one conversation's way from messages to tokens and back, and the trace of it that a trainer
reads. Token in, token out: what was sampled is never written as text and read again as tokens
(`template` says how). Knows no reward.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import Delta, ModelInfo, OnDelta, Reply, Request, ToolSpec, ignore
from openswarm.llm.textcalls import parse_text_calls
from openswarm.parl.causal.adapter import Causal
from openswarm.parl.causal.drawing import Draw, Generator, Together
from openswarm.parl.causal.template import Template
from openswarm.parl.environment import Seat
from openswarm.parl.scene import Scene
from openswarm.swarm.spawn import TOOL_NAMES

REPLY_TOKENS = 1024
"""Tokens of a reply, where the request does not ask for fewer."""
MARKUP_TOKENS = 64
"""What a template writes around one message or tool, at most."""
THOUGHT, THOUGHT_ENDS = "<think>", "</think>"


class Drawing(Protocol):
    """Who draws replies."""

    async def draw(self, draw: Draw) -> None:
        """Brings a draw to its end. Raises `ModelError`."""
        ...


@dataclass(slots=True)
class _Talk:
    """One conversation: its tokens, and the messages that they stand for."""

    numbers: random.Random
    tools: tuple[ToolSpec, ...] = ()
    """As the conversation began."""
    known: tuple[Message, ...] = ()
    said: Message | None = None
    """The reply after `known`."""
    ids: list[int] = field(default_factory=list)
    calls: int = 0

    def news(self, messages: Sequence[Message]) -> Sequence[Message] | None:
        """What came after the last reply; None where anything before it is not as it was."""
        before = len(self.known)
        same = len(messages) > before and messages[before] == self.said
        same = same and all(map(_same, self.known, messages))
        later = messages[before + 1 :]
        is_new = all(message.role != "assistant" for message in later)
        return later if same and is_new and later else None


@dataclass(slots=True)
class CausalPolicy:
    """Leads a run. See `ChatModel`.

    Nothing constrains what it writes: `schema`, `must_call`, `stop` and `sampling` of a request
    are left aside. Tools are shown as they were offered at the beginning of a conversation; calls
    of tools that are not offered any more are not taken.
    """

    spec: str
    drawing: Drawing
    template: Template
    info: ModelInfo
    parallel: bool = True
    """Whether a turn may have more than one call; further ones are dropped."""
    reads: int = 1
    """Calls of a turn that read, further ones are dropped; a turn that reads assigns nothing."""
    may_call: Callable[[], bool] = lambda: True
    """Whether a turn may still call; its calls are dropped where not."""
    seed: Callable[[], int] = lambda: 0
    """Of the next conversation's draws."""
    reply_tokens: int = REPLY_TOKENS
    resource: str = "policy"
    _talks: WeakKeyDictionary[History, _Talk] = field(default_factory=WeakKeyDictionary)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`. The reply comes in one delta.

        Raises `ModelError`: `CONTEXT` when the window is full, `REFUSED` when the template does
        not take the conversation or the model fails.
        """
        messages = tuple(request.history)
        talk, read = self._read(request, messages)
        context = [*talk.ids, *read]
        room = self.info.context_tokens - len(context)
        if room < 1:
            raise ModelError(Fault.CONTEXT, f"the conversation has {len(context)} tokens")
        draw = Draw(context, min(room, request.max_tokens, self.reply_tokens), talk.numbers)
        await self.drawing.draw(draw)
        message = self._message(draw, request, talk)
        usage = Usage(
            input_tokens=len(context), output_tokens=len(draw.ids), cached_tokens=len(talk.ids)
        )
        trace = _trace(read, draw, fresh=not talk.ids)
        talk.known, talk.said = messages, message
        talk.ids, talk.calls = [*context, *draw.ids], talk.calls + len(message.tool_calls)
        self._talks[request.history] = talk
        if message.text:
            on_delta(Delta("text", message.text))
        finish = "tool_calls" if message.tool_calls else "stop" if draw.ended else "length"
        return Reply(message, usage, finish, self.spec, trace)

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        texts = [message.text + message.reasoning for message in request.history]
        texts += [call.name + call.arguments for m in request.history for call in m.tool_calls]
        texts += [tool.name + tool.description + tool.parameters for tool in request.tools]
        return sum(2 * len(text.encode(errors="replace")) + MARKUP_TOKENS for text in texts)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`. The model in memory is whoever's who made it."""

    def _read(self, request: Request, messages: Sequence[Message]) -> tuple[_Talk, list[int]]:
        """The conversation, and the tokens that it reads now: all of them when it is new."""
        talk = self._talks.get(request.history)
        news = talk.news(messages) if talk else None
        try:
            if talk is None or news is None:
                fresh = _Talk(random.Random(self.seed()), request.tools)
                return fresh, self.template.begin(messages, request.tools)
            read = self.template.go_on(news, talk.tools)
        except ValueError as error:
            raise ModelError(Fault.REFUSED, str(error)) from None
        return talk, read[1:] if talk.ids[-1] == read[0] else read

    def _message(self, draw: Draw, request: Request, talk: _Talk) -> Message:
        before, ended, after = self.template.text(draw.ids).partition(THOUGHT_ENDS)
        written, thought = (after, before.replace(THOUGHT, "", 1)) if ended else (before, "")
        offered = [tool.name for tool in request.tools] if self.may_call() else []
        text, calls = parse_text_calls(written, offered)
        taken = self._taken(calls)
        return Message(
            role="assistant",
            content=text.strip(),
            reasoning=thought.strip(),
            tool_calls=tuple(_numbered(call, talk.calls + n) for n, call in enumerate(taken)),
        )

    def _taken(self, calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
        """What the seat allows of a turn: the first call says whether it assigns or reads."""
        assigns = [call.name in TOOL_NAMES for call in calls]
        alike = [call for call, each in zip(calls, assigns, strict=True) if each == assigns[0]]
        most = None if assigns[:1] == [True] else self.reads
        return alike[: most if self.parallel else 1]


def leading(
    causal: Causal,
    *,
    options: dict[str, Any] | None = None,
    reply_tokens: int = REPLY_TOKENS,
    temperature: float = 1.0,
    compact: bool = False,
) -> Callable[[Scene, Seat, Callable[[], bool]], CausalPolicy]:
    """Makes the orchestrators of rollouts, all of them drawn together from one model.

    `options` are the template's. `compact` gives the short prompts of small models, under which a
    run leaves no choice of whether to assign. Raises `SettingsError` for a template that cannot be
    used.
    """
    template = Template(causal, options)
    together = Together(Generator(causal, temperature))
    info = ModelInfo(context_tokens=causal.window, compact=compact)

    def lead(scene: Scene, seat: Seat, may_call: Callable[[], bool]) -> CausalPolicy:
        numbers = scene.draws("policy")
        return CausalPolicy(
            "policy",
            together,
            template,
            info,
            parallel=seat.parallel,
            reads=seat.reads,
            may_call=may_call,
            seed=lambda: numbers.randrange(1 << 30),
            reply_tokens=reply_tokens,
        )

    return lead


def _same(one: Message, other: Message) -> bool:
    return one is other


def _numbered(call: ToolCall, number: int) -> ToolCall:
    """A call by an id that is the same whenever the same is said."""
    return call.model_copy(update={"id": f"functions.{call.name}:{number}"})


def _trace(read: Sequence[int], draw: Draw, *, fresh: bool) -> str:
    """What a trainer needs of a turn; `choices` is null, as the whole vocabulary was allowed.

    `fresh` says that the conversation begins with this turn, or begins anew.
    """
    entry = {
        "read": list(read),
        "ids": draw.ids,
        "mask": [1] * len(draw.ids),
        "logprobs": [round(value, 6) for value in draw.logprobs],
        "choices": None,
        "fresh": fresh,
    }
    return json.dumps(entry, separators=(",", ":"))
