"""What a check of `openswarm doctor` comes to."""

from typing import Literal, NamedTuple

Status = Literal["ok", "note", "problem"]
"""`note`: something that can be had is not there; `problem`: openswarm cannot work so."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    status: Status
    found: str
    advice: str = ""
    """What to do, where there is something to do."""
