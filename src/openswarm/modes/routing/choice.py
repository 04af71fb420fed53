"""What a router decides: a mode, how wide, why, and who decided it."""

from dataclasses import dataclass
from typing import Literal

RoutedMode = Literal["instant", "thinking", "agent", "swarm"]
MODES: tuple[RoutedMode, ...] = ("instant", "thinking", "agent", "swarm")
"""In the order of the classifier's scores."""
By = Literal["user", "rules", "classifier", "model"]


@dataclass(frozen=True, slots=True)
class Route:
    """A mode and the reason for it."""

    mode: RoutedMode
    why: str
    width: int = 0
    """An estimate of the sub-agents; 0 where it is no swarm."""
    by: By = "rules"
    """Who chose: the user, what the user fixed (`rules`), the classifier, or a model that was
    asked because the classifier was unsure."""
    confidence: float | None = None
    """How probable it is, from 0 to 1, that the classifier chose the best mode; None where it
    was not asked."""
