"""Moonshot's rules beyond OpenAI's format: the switch of thinking, and sampling that is fixed.

Lenient, everything in range is passed on; strict, what K2.5 refuses is refused here.
"""

from collections.abc import Iterable

from openswarm.core.task import Effort
from openswarm.server.chat import EFFORTS
from openswarm.server.fields import Fields

_RANGES = {
    "temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}  # fmt: skip


def read_thinking(body: Fields, mode: str) -> bool | None:
    """Whether to think: the client's word in any of its forms, then what the mode says.

    `thinking` goes before `chat_template_kwargs`, that before `reasoning_effort: none`. None leaves
    it to the mode.
    """
    if thinking := body.inner("thinking"):
        return thinking.word("type", ("enabled", "disabled")) == "enabled"
    if template := body.inner("chat_template_kwargs"):
        for name in ("thinking", "enable_thinking"):
            if template.has(name):
                return template.flag(name, default=True)
    if mode == "instant" or body.value.get("reasoning_effort") == "none":
        return False
    return None


def read_effort(body: Fields) -> Effort:
    """How much to think, in the words of `llm.model.Request`; `thinking.effort` says it, too."""
    effort = EFFORTS[body.word("reasoning_effort", tuple(EFFORTS), "none")]
    thinking = body.inner("thinking")
    if thinking is None or body.has("reasoning_effort"):
        return effort
    return EFFORTS[thinking.word("effort", tuple(EFFORTS), "none")]


def read_sampling(body: Fields, *, thinks: bool, strict: bool) -> tuple[tuple[str, float], ...]:
    """The sampling that was asked for. Raises `ApiError` for what cannot be had."""
    if body.integer("n", 1) not in (None, 1):
        raise body.wrong("n", "has to be 1: one answer a request")
    fixed = {
        "temperature": 1.0 if thinks else 0.6, "top_p": 0.95, "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
    }  # fmt: skip
    sampling: list[tuple[str, float]] = []
    for name, (least, most) in _RANGES.items():
        value = body.number(name, least, most)
        if value is None:
            continue
        if strict and value != fixed[name]:
            how = "thinking" if thinks else "instant"
            raise body.wrong(name, f"has to be {fixed[name]:g} for {how} answers, or left out")
        sampling.append((name, value))
    return tuple(sampling)


def refuse_lost_thoughts(entries: Iterable[Fields]) -> None:
    """Raises `ApiError` for calls of tools that came back without what was thought before them."""
    for index, entry in enumerate(entries):
        is_call = entry.value.get("role") == "assistant" and bool(entry.value.get("tool_calls"))
        if is_call and not (entry.has("reasoning_content") or entry.has("reasoning")):
            raise entry.wrong(
                "reasoning_content",
                "is missing: thinking is enabled, so the assistant's message with tool calls at"
                f" index {index} has to carry the reasoning_content that it came with",
            )
