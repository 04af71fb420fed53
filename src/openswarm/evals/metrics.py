"""The figures of one run beside its score: a fold over its journal.

Owns parallelism, balance, redundancy, duplicate briefs, finish rate and yield. Critical steps are
`swarm.stages`'s. Knows no task and no truth: correct cells are handed in.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from openswarm.core.contract import fold_key
from openswarm.core.events import (
    AgentCreated,
    AnyEvent,
    ModelReplied,
    ReportReceived,
    RowsMerged,
    TaskAssigned,
    is_subagent,
)
from openswarm.core.frozen import Frozen
from openswarm.core.messages import ToolCall
from openswarm.swarm.orchestrator import DEFAULT_AGENT
from openswarm.swarm.report import REPORT
from openswarm.swarm.spawn import TOOL_NAMES
from openswarm.swarm.stages import SLOTS, Stages

NO_WORK = frozenset({*TOOL_NAMES, REPORT})
"""Calls that give out work or hand it in; all others look something up."""
ALIKE = 0.9
"""Briefs that share so many of the words that tell briefs apart are duplicates."""
MAX_BRIEFS = 300


class RunMetrics(Frozen):
    """What a run did, from its journal alone."""

    critical_steps: int = 0
    critical_steps_at_slots: dict[int, int] = Field(default_factory=dict)
    total_steps: int = 0
    main_steps: int = 0
    stages: int = 0
    spawned: int = 0
    """Sub-agents that were started."""
    created: int = 0
    """Configurations that the orchestrator registered; the one that is always there is none."""
    width: int = 0
    """Sub-agents of the widest stage."""
    mean_width: float = 0.0
    parallelism: float = 1.0
    """Steps of sub-agents over the sum of the longest; 1 where there were none."""
    balance: float = 1.0
    """Mean over longest steps in a stage, averaged over stages; 1 is an even split."""
    tool_calls: int = 0
    """Calls that look something up, in the whole tree."""
    redundancy: float = 0.0
    """1 − different (tool, arguments) / calls."""
    duplicate_briefs: int = 0
    finish_rate: float | None = None
    """Completed over assigned; None where nobody was assigned."""
    useful_rate: float | None = None
    """Sub-agents that brought a cell (without a table: that completed) over assigned."""
    main_tokens: int = 0
    """Input and output of the root agent."""
    subagent_tokens: int = 0
    cells_per_1k_tokens: float = 0.0
    """Yield: correct cells for a thousand tokens of the whole tree."""


def run_metrics(events: Iterable[AnyEvent], correct_cells: float = 0.0) -> RunMetrics:
    """Folds a run. `correct_cells` may be a fraction, where a cell counts in part."""
    stages, notes = Stages(), _Notes()
    for event in events:
        stages.apply(event)
        notes.apply(event)
    lengths = [[stages.steps[path] for path in paths] for paths in stages.stages.values()]
    spawned = len(stages.steps)
    tokens = notes.main_tokens + notes.subagent_tokens
    useful = notes.contributors if notes.has_table else notes.completed
    return RunMetrics(
        critical_steps=stages.critical_steps,
        critical_steps_at_slots={slots: stages.critical_steps_at(slots) for slots in SLOTS},
        total_steps=stages.total_steps,
        main_steps=stages.main_steps,
        stages=len(lengths),
        spawned=spawned,
        created=notes.created,
        width=max(map(len, lengths), default=0),
        mean_width=sum(map(len, lengths)) / len(lengths) if lengths else 0.0,
        parallelism=stages.parallelism,
        balance=balance(lengths),
        tool_calls=sum(notes.calls.values()),
        redundancy=redundancy(notes.calls),
        duplicate_briefs=duplicate_briefs(notes.briefs),
        finish_rate=len(notes.completed) / spawned if spawned else None,
        useful_rate=len(useful) / spawned if spawned else None,
        main_tokens=notes.main_tokens,
        subagent_tokens=notes.subagent_tokens,
        cells_per_1k_tokens=1000 * correct_cells / tokens if tokens else 0.0,
    )


class _Notes:
    """What the fold keeps beside the stages."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.briefs: list[str] = []
        self.completed: set[str] = set()
        self.contributors: set[str] = set()
        self.has_table = False
        self.created = self.main_tokens = self.subagent_tokens = 0

    def apply(self, event: AnyEvent) -> None:
        match event:
            case ModelReplied():
                self._replied(event)
            case TaskAssigned() if is_subagent(event.agent):
                self.briefs.append(event.item or event.brief.text or event.label)
            case AgentCreated() if event.name != DEFAULT_AGENT.name:
                self.created += 1
            case ReportReceived(outcome="completed") if is_subagent(event.agent):
                self.completed.add(event.agent)
            case RowsMerged():
                self._merged(event)
            case _:
                pass

    def _replied(self, event: ModelReplied) -> None:
        self.calls.update(normalised(call) for call in event.calls if call.name not in NO_WORK)
        if is_subagent(event.agent):
            self.subagent_tokens += event.usage.total_tokens
        else:
            self.main_tokens += event.usage.total_tokens

    def _merged(self, event: RowsMerged) -> None:
        self.has_table = True
        cells = (cell for row in event.rows for cell in row.cells.values() if cell.value)
        self.contributors.update(cell.agent for cell in cells if is_subagent(cell.agent))


def normalised(call: ToolCall) -> tuple[str, str]:
    """The tool and its arguments, so that the same call in other words of JSON is the same."""
    try:
        arguments = json.loads(call.arguments or "{}")
        return call.name, json.dumps(_folded(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, fold_key(call.arguments)


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return fold_key(value)
    if isinstance(value, list):
        return [_folded(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _folded(entry) for key, entry in value.items()}
    return value


def redundancy(calls: Counter[tuple[str, str]]) -> float:
    """The share of calls that repeat another one; 0 where there are none."""
    total = sum(calls.values())
    return 1 - len(calls) / total if total else 0.0


def balance(lengths: Sequence[Sequence[int]]) -> float:
    """The mean over the longest of each stage, averaged over stages in which somebody worked."""
    shares = [sum(steps) / len(steps) / max(steps) for steps in lengths if any(steps)]
    return sum(shares) / len(shares) if shares else 1.0


def duplicate_briefs(briefs: Sequence[str]) -> int:
    """How many of the first briefs say what an earlier one says.

    Words that stand in every brief are a template's and tell nothing apart; of the others more
    than `ALIKE` (Jaccard) have to be shared.
    """
    words = [frozenset(fold_key(brief).split()) for brief in briefs[:MAX_BRIEFS]]
    if len(words) < 2:
        return 0
    shared = frozenset.intersection(*words)
    own = [entry - shared for entry in words]
    return sum(
        any(_alike(entry, earlier) for earlier in own[:place]) for place, entry in enumerate(own)
    )


def _alike(one: frozenset[str], two: frozenset[str]) -> bool:
    return one == two or len(one & two) > ALIKE * len(one | two)
