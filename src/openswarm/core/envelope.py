"""What every event has: its envelope, and how text and pictures are kept in it."""

from typing import Literal

from openswarm.core.frozen import Frozen

FORMAT = 1
"""The version of the journal format that this code writes; older ones stay readable."""

ROOT = "root"
"""The path of the orchestrator, or of the only agent. Sub-agents are `root/1`, `root/2`, …; who
works for openswarm itself, on the wish for an edit or on a question, is `edit/1`, `ask/1`."""

FillReason = Literal["", "given", "retry", "column", "rows", "split", "complete", "recheck"]
"""Why cells are worked on: empty in a table that was given, named by an edit, missing, disputed."""


def is_subagent(path: str) -> bool:
    """Whether a path is that of a sub-agent."""
    return path.startswith(f"{ROOT}/")


BLOB = "blob"
"""The name of every field that holds the name of a blob, in contents and in events."""


class Content(Frozen):
    """Text that is kept inline when short and as a blob when long."""

    text: str = ""
    blob: str = ""
    """SHA-256 of the blob, in hex; '' when the text is inline."""


class Picture(Frozen):
    """An image that a tool made, kept as a blob."""

    media_type: str
    blob: str


class Event(Frozen):
    """The envelope. `agent` is the path of the agent that the event is about."""

    seq: int = 0
    at: float = 0.0
    """Seconds since the epoch; never less than in the event before."""
    run: str = ""
    agent: str = ROOT
    parent: str = ""
    v: int = FORMAT
