"""Tool calls that a model wrote as text."""

from collections.abc import Collection

from openswarm.core.messages import ToolCall


def parse_text_calls(text: str, names: Collection[str]) -> tuple[str, tuple[ToolCall, ...]]:
    """The text without its calls, and the calls."""
    return text, ()
