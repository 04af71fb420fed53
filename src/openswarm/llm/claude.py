"""What each generation of Claude models accepts, read from a model's name.

The generations differ in how thinking is asked for and whether it can be switched off; a field
that a model does not know is refused with a 400. Facts: platform.claude.com/docs, pages
"extended thinking", "effort", "preserved thinking" and the model pages, November 2026.
"""

import re
from dataclasses import dataclass
from typing import Literal

_NAME = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Claude:
    """The defaults are those of Claude 4.5 and before, and of other makers' models."""

    adaptive: bool = False
    """Thinking is adaptive and steered by effort; otherwise it has a budget of tokens."""
    thinks: bool = False
    """Thinks unless it is told not to."""
    off: Literal["disabled", "between_tools", ""] = "disabled"
    """The thinking type that switches thinking off; '' where it is always on."""
    forced: bool = True
    """Takes `tool_choice: any`, as long as it does not think."""
    effort: bool = False
    """Takes `output_config.effort`."""
    bound: bool = False
    """A thinking block is void once anything before it in the conversation has changed."""


def claude(model: str) -> Claude:
    """What the model of this name accepts; a newer generation is taken to be like the newest."""
    match = _NAME.search(model.casefold())
    if match is None:
        return Claude()
    family, version = match[1] or "", (int(match[2]), int(match[3] or 0))
    if version < (4, 6):
        return Claude(effort=family == "opus" and version == (4, 5))
    newest = version >= (5, 5)
    always = family in ("fable", "mythos") or (family == "opus" and newest)
    between = family == "sonnet" and newest
    return Claude(
        adaptive=True,
        thinks=version >= (5, 0),
        off="" if always else "between_tools" if between else "disabled",
        forced=not (always or between),
        effort=True,
        bound=family != "mythos" and (newest or (family == "fable" and version >= (5, 1))),
    )
