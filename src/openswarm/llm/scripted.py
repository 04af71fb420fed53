"""A public, strict fake model: what each agent says is written down before.

A script is keyed by agent name. Which step comes next is read from the conversation (how many
replies it has), so a hundred agents of one name follow the same script at once. A reply that no
script has is an error, and so is a script of which a part was never used.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import Delta, ModelInfo, OnDelta, Reply, Request, ignore

ANYONE = "*"
"""The key of the script for agents that have none of their own."""


OPTIONAL = ("router",)
"""Agents that a script may leave out: who asks them goes on without a reply."""


@dataclass(frozen=True, slots=True)
class Say:
    """One scripted reply: text, calls as (tool, arguments), or an error."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any] | str], ...] = ()
    reasoning: str = ""
    error: ModelError | None = None
    usage: Usage = Usage(input_tokens=100, output_tokens=10)
    delay_s: float = 0.0
    finish: str = ""


Step = Say | Callable[[Request], Say]
"""A reply, or a function that makes it from the request."""


class UnexpectedCall(AssertionError):
    """A model was called that no script foresaw."""


class UnusedSteps(AssertionError):
    """A script has steps that no agent came to."""


@dataclass(slots=True)
class ScriptedModel:
    """A `ChatModel` that follows scripts. `requests` keeps what it was asked, per agent."""

    scripts: Mapping[str, Sequence[Step] | Callable[[Request], Say]]
    spec: str = "scripted"
    resource: str = "scripted"
    info: ModelInfo = ModelInfo()
    requests: dict[str, list[list[Message]]] = field(default_factory=dict)
    _used: dict[str, int] = field(default_factory=dict)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`. Raises `UnexpectedCall` where the script has nothing."""
        say = self._step(request)
        self.requests.setdefault(request.agent, []).append(list(request.history))
        if say.delay_s:
            await anyio.sleep(say.delay_s)
        else:
            await anyio.lowlevel.checkpoint()
        if say.error is not None:
            raise say.error
        if say.reasoning:
            on_delta(Delta("reasoning", say.reasoning))
        if say.text:
            on_delta(Delta("text", say.text))
        step = _replies(request)
        calls = tuple(
            ToolCall(id=f"call_{step}_{i}", name=name, arguments=_arguments(arguments))
            for i, (name, arguments) in enumerate(say.calls)
        )
        message = Message(
            role="assistant", content=say.text, reasoning=say.reasoning, tool_calls=calls
        )
        return Reply(message, say.usage, say.finish or ("tool_calls" if calls else "stop"))

    def _step(self, request: Request) -> Say:
        name = request.agent if request.agent in self.scripts else ANYONE
        if name == ANYONE and request.agent in OPTIONAL:
            raise ModelError(Fault.UNKNOWN_MODEL, f"no script for agent {request.agent!r}")
        script = self.scripts.get(name)
        if script is None:
            raise UnexpectedCall(
                f"no script for agent {request.agent!r}; there are {[*self.scripts]}"
            )
        if callable(script):
            return script(request)
        index = _replies(request)
        if index >= len(script):
            last = request.history[-1]
            raise UnexpectedCall(
                f"agent {request.agent!r} asks for reply {index + 1}, its script has {len(script)};"
                f" it was told: {last.text[:300]!r}"
            )
        self._used[name] = max(self._used.get(name, 0), index + 1)
        step = script[index]
        return step(request) if callable(step) else step

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return sum(len(message.text.encode()) + 100 for message in request.history)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""

    def finish(self) -> None:
        """Raises `UnusedSteps` when a script was not followed to its end by any agent."""
        unused = {
            name: len(script) - self._used.get(name, 0)
            for name, script in self.scripts.items()
            if not callable(script) and self._used.get(name, 0) < len(script)
        }
        if unused:
            raise UnusedSteps(f"steps that nobody came to: {unused}")

    @classmethod
    def from_file(cls, path: Path) -> "ScriptedModel":
        """A model from a JSON file: `{agent: [step, …]}`, or `{agent: {text: [step, …]}}` where
        the brief has to contain the text.

        A step is `{"text": …, "calls": [{"name": …, "arguments": {…}}], "delay_s": …,
        "error": fault}`. Raises `UserError` where the file is not that.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            scripts = {name: _script(value) for name, value in data.items()}
        except OSError as error:
            raise UserError(f"scripted:{path}: {error.strerror}") from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise UserError(f"scripted:{path} is not a script: {error}") from None
        return cls(scripts, spec=f"scripted:{path}")


def _script(value: Any) -> Sequence[Step] | Callable[[Request], Say]:
    if isinstance(value, list):
        return [_say(step) for step in value]
    cases = {text: [_say(step) for step in steps] for text, steps in value.items()}

    def choose(request: Request) -> Say:
        brief = next((m.text for m in request.history if m.role == "user"), "")
        for text, steps in cases.items():
            if text in brief or text == ANYONE:
                return steps[min(_replies(request), len(steps) - 1)]
        raise UnexpectedCall(f"no case of {[*cases]} is in the brief {brief[:300]!r}")

    return choose


def _say(step: dict[str, Any]) -> Say:
    known = {"text", "calls", "reasoning", "delay_s", "error", "usage"}
    if unknown := set(step) - known:
        raise ValueError(
            f"unknown field {sorted(unknown)[0]!r} in a step; there are {sorted(known)}"
        )
    error = step.get("error")
    return Say(
        text=step.get("text", ""),
        calls=tuple((c["name"], c.get("arguments", {})) for c in step.get("calls", ())),
        reasoning=step.get("reasoning", ""),
        delay_s=float(step.get("delay_s", 0)),
        error=ModelError(Fault(error), f"scripted {error}") if error else None,
        usage=Usage(**step["usage"])
        if "usage" in step
        else Usage(input_tokens=100, output_tokens=10),
    )


def _replies(request: Request) -> int:
    return sum(message.role == "assistant" for message in request.history)


def _arguments(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(dict(arguments))
