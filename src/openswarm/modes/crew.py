"""Who does the work of a run: models with their limiters and budget, the roster, the scheduler, the
table. Built once for a run, or for a generation of it, from what its journal says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from openswarm.agent.control import Control
from openswarm.core.budget import Amount, Ledger
from openswarm.core.events import AnyEvent
from openswarm.core.limits import Limits
from openswarm.core.settings import Strategy
from openswarm.core.task import Task
from openswarm.journal.journal import Journal
from openswarm.llm.model import ChatModel
from openswarm.llm.paced import PacedModel
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Pacing
from openswarm.swarm.fill import Filler
from openswarm.swarm.follow_up import FollowUp
from openswarm.swarm.known import Known
from openswarm.swarm.merge import TableMerge
from openswarm.swarm.orchestrator import DEFAULT_AGENT, held_back
from openswarm.swarm.prompts import Prompts
from openswarm.swarm.roster import Roster
from openswarm.swarm.scheduler import Scheduler
from openswarm.swarm.subagent import Subagents
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.tool import Tool

if TYPE_CHECKING:
    from openswarm.tools.corpus.corpus import Corpus

ORCHESTRATOR = "orchestrator"
"""The name of the root's model among the models of a run."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a crew is given to work with."""

    journal: Journal
    task: Task
    models: Mapping[str, ChatModel]
    """By specification; '' is the sub-agents' own, `orchestrator` the root's."""
    strategy: Strategy = "hide_tool_results"
    tools: Sequence[Tool] = ()
    corpus: "Corpus | None" = None
    pacing: Pacing = field(default_factory=Pacing)
    dispatch: Dispatcher = field(default_factory=Dispatcher)


@dataclass(frozen=True, slots=True)
class Crew:
    """The parts of a run at work."""

    means: Means
    control: Control
    merge: TableMerge
    roster: Roster
    prompts: Prompts
    scheduler: Scheduler
    filler: Filler
    follow_up: FollowUp
    paced: Callable[[str], PacedModel]
    """The model of a specification, with its limiter and the run's budget."""

    @property
    def model(self) -> PacedModel:
        """The root's model."""
        return self.paced(ORCHESTRATOR)


def make_crew(
    means: Means,
    control: Control,
    past: Sequence[AnyEvent],
    spent: Amount,
    critical_steps_left: Callable[[], int],
) -> Crew:
    """The crew of a run, its roster and table as `past` left them.

    `spent` is what was used of the budget. It does not run anything.
    """
    journal, task = means.journal, means.task
    paced = _paced(means, spent)
    merge = TableMerge(journal, task.contract, task.conflicts)
    merge.restore(past)
    roster = Roster(journal)
    roster.restore(past)
    roster.register(DEFAULT_AGENT)
    prompts = Prompts(
        compact=paced(ORCHESTRATOR).info.compact, compact_subagents=paced("").info.compact
    )
    subagents = Subagents(
        journal=journal,
        model=paced,
        tools=means.tools,
        dispatch=means.dispatch,
        contract=lambda: merge.contract,
        corpus=means.corpus,
        limits=task.limits,
        strategy=means.strategy,
        held_back=held_back(task.limits),
        critical_steps_left=critical_steps_left,
    )
    scheduler = Scheduler(subagents.work, journal, _scheduled(means), control)
    filler = Filler(
        journal=journal,
        roster=roster,
        scheduler=scheduler,
        merge=merge,
        prompts=prompts,
        limits=task.limits,
        task=task.text,
        default_spec=DEFAULT_AGENT,
        known=lambda: Known(journal, roster, merge.tables, journal.events()),
    )
    return Crew(
        means=means,
        control=control,
        merge=merge,
        roster=roster,
        prompts=prompts,
        scheduler=scheduler,
        filler=filler,
        follow_up=FollowUp(merge, filler, task.conflicts, task.complete),
        paced=paced,
    )


def _paced(means: Means, spent: Amount) -> Callable[[str], PacedModel]:
    ledger = Ledger.of(means.task.limits)
    ledger.settle(Amount(), spent)
    gate = BudgetGate(ledger)

    def paced(spec: str) -> PacedModel:
        model = means.models.get(spec) or means.models[""]
        return PacedModel(
            model, means.pacing.limiter(model.resource), gate, means.task.limits.retry_s
        )

    return paced


def _scheduled(means: Means) -> Limits:
    """The limits, narrowed to what the sub-agents' model does at once: who waits for it keeps its
    time."""
    limits, at_once = means.task.limits, means.models[""].info.parallel
    if at_once is None or at_once >= limits.parallel:
        return limits
    return limits.model_copy(update={"max_parallel": at_once})
