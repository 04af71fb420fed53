"""The hand-written tasks as data: 12 kinds, none of them ever trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from bench.routing import by_hand_later, by_hand_texts
from bench.routing.oracle import MODES, Choice
from bench.routing.tasks import task_in
from openswarm.core.task import Task


@dataclass(frozen=True, slots=True)
class Written:
    """A task that somebody wrote, and the choice that its writer thinks right."""

    kind: str
    task: Task
    label: Choice

    @property
    def num_tools(self) -> int:
        """How many tools a run of it has."""
        return len(self.task.tools)


@cache
def by_hand() -> tuple[Written, ...]:
    """All of them, in their order."""
    return (*looked_at(), *untouched())


@cache
def looked_at() -> tuple[Written, ...]:
    """Those whose errors were seen while words and counting were worked on."""
    return _read_all(by_hand_texts.TEXTS)


@cache
def untouched() -> tuple[Written, ...]:
    """Those for which nothing was changed."""
    return _read_all(by_hand_later.TEXTS)


def _read_all(texts: Mapping[str, str]) -> tuple[Written, ...]:
    return tuple(
        _read(kind, line) for kind, lines in texts.items() for line in lines.strip().splitlines()
    )


def _read(kind: str, line: str) -> Written:
    head, text = line.split(" | ", 1)
    mode, width, where = head.split()
    assert mode in MODES, line
    return Written(kind, task_in(text.replace("\\n", "\n"), where), Choice(mode, int(width)))
