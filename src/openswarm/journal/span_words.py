"""What spans say: names and attributes of GenAI's conventions, from events.

Only names that the conventions have are used, our own data stand under `swarm.`. What users, models
and tools wrote is read through `Words`, and left out unless content is asked for; names of agents,
tools, models, columns and rows are not content.
"""

from collections.abc import Callable
from dataclasses import dataclass

from openswarm.core.contract import KEY_SEPARATOR
from openswarm.core.events import (
    Answered,
    AnyEvent,
    Content,
    ModelReplied,
    ReportReceived,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
)
from openswarm.core.messages import ToolCall, Usage
from openswarm.journal.spans import MAX_TEXT_CHARS, Value, as_json, word

OPERATION = "gen_ai.operation.name"
CONVERSATION = "gen_ai.conversation.id"
AGENT_NAME = "gen_ai.agent.name"
AGENT_ID = "gen_ai.agent.id"
MODEL = "gen_ai.request.model"
PROVIDER = "gen_ai.provider.name"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"

_CONVENTION = {
    "gemini": "gcp.gemini", "xai": "x_ai", "mistral": "mistral_ai",
}  # fmt: skip
"""Providers that the conventions call by another name; those that they do not know keep theirs."""

Made = dict[str, Value | None]


@dataclass(frozen=True, slots=True)
class Words:
    """Gives the texts of a run where content is exported, and nothing where it is not."""

    read: Callable[[Content], str] | None = None

    def __bool__(self) -> bool:
        return self.read is not None

    def of(self, text: str | Content) -> str:
        """A text within its bound, or ''."""
        if self.read is None:
            return ""
        whole = self.read(text) if isinstance(text, Content) else text
        return whole if len(whole) <= MAX_TEXT_CHARS else whole[: MAX_TEXT_CHARS - 1] + "…"

    def message(self, role: str, text: str | Content) -> str:
        """A conversation of one message, as the conventions write it, or ''."""
        said = self.of(text)
        return as_json([{"role": role, "parts": [_text(said)]}]) if said else ""

    def system(self, text: Content) -> str:
        """A system prompt as the conventions write it, or ''."""
        said = self.of(text)
        return as_json([_text(said)]) if said else ""


def split_spec(spec: str) -> tuple[str, str]:
    """Provider and model of a model specification, as they may be shown: no addresses or paths."""
    if spec.startswith("scripted"):
        return "scripted", "scripted"
    if "://" in spec:
        return "openai_compatible", word(spec.partition("#")[2])
    provider, slash, name = spec.partition("/")
    if not slash:
        return "", word(spec)
    return _CONVENTION.get(provider.lower(), word(provider.lower())), word(name)


def unassigned(event: AnyEvent) -> TaskAssigned:
    """What stands for the assignment of an agent that is heard of without one."""
    nothing = Content()
    return TaskAssigned(agent=event.agent, parent=event.parent, system=nothing, brief=nothing)


def assigned(event: TaskAssigned, spec: str, words: Words) -> Made:
    """Of an agent, as its conversation begins."""
    provider, model = split_spec(spec)
    return {
        PROVIDER: provider,
        MODEL: model,
        "swarm.stage": event.stage or None,
        "swarm.reason": event.reason,
        "swarm.columns": tuple(map(word, event.columns)),
        "swarm.label": words.of(event.label),
        "swarm.item": words.of(event.item),
        "gen_ai.system_instructions": words.system(event.system),
        INPUT: words.message("user", event.brief),
    }


def row_of(event: TaskAssigned, *, in_table: bool) -> str:
    """The row of the table that an assignment is about, or ''."""
    return word(KEY_SEPARATOR.join(event.key) or (event.item if in_table else ""))


def replied(event: ModelReplied, spec: str, words: Words) -> Made:
    """Of a model's reply."""
    provider, model = split_spec(spec)
    usage = event.usage
    return {
        PROVIDER: provider,
        MODEL: model,
        "gen_ai.response.model": model if event.model == spec else word(event.model),
        "gen_ai.response.finish_reasons": (word(event.finish),) if event.finish else None,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.written_tokens or None,
        "swarm.cost_usd": event.cost_usd,
        "swarm.final": event.final or None,
        OUTPUT: _said(event, words) if words else "",
    }


def _said(event: ModelReplied, words: Words) -> str:
    parts = [_text(words.of(event.reasoning), "reasoning"), _text(words.of(event.text))]
    parts = [part for part in parts if part["content"]]
    parts += [_call(call, words) for call in event.calls]
    return as_json([{"role": "assistant", "parts": parts, "finish_reason": event.finish}])


def _text(text: str, kind: str = "text") -> dict[str, str]:
    return {"type": kind, "content": text}


def _call(call: ToolCall, words: Words) -> dict[str, str]:
    arguments = words.of(call.arguments)
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}


def called(event: ToolCalled | ToolReturned, arguments: str) -> Made:
    """Of a tool call, as it begins."""
    return {
        "gen_ai.tool.name": word(event.name),
        "gen_ai.tool.call.id": word(event.call_id),
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": arguments,
    }


def reported(event: ReportReceived, words: Words) -> Made:
    """Of an agent, as it is done."""
    return {
        "swarm.outcome": event.outcome,
        "swarm.why": words.of(event.why),
        "swarm.rows": len(event.rows) or None,
        OUTPUT: words.message("assistant", event.text),
    }


def answered(event: Answered, words: Words) -> Made:
    """Of a run or an edit, and of its root agent, as it answers."""
    return {
        "swarm.outcome": event.outcome,
        "swarm.why": words.of(event.why),
        OUTPUT: words.message("assistant", event.text),
    }


def spent(usage: Usage, cost_usd: float | None, steps: int) -> Made:
    """Of an agent, a run or an edit: what all in it used. Under our own names, since who adds up
    the usage of all spans would count it twice."""
    return {
        "swarm.steps": steps,
        "swarm.input_tokens": usage.input_tokens,
        "swarm.output_tokens": usage.output_tokens,
        "swarm.cached_tokens": usage.cached_tokens or None,
        "swarm.cost_usd": cost_usd,
    }
