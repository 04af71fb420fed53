"""What has to be known of a run to work on it further."""

from dataclasses import dataclass

from openswarm.core.limits import Limits
from openswarm.core.result import Outcome
from openswarm.core.task import Task
from openswarm.server.runs.reading import Reading
from openswarm.server.runs.requests import RunLimits


@dataclass(frozen=True, slots=True)
class Past:
    """A run that nobody works on."""

    task: Task
    specs: tuple[str, str]
    """The models of the orchestrator and of the sub-agents."""
    limits: Limits
    """Those of the run, or of its last edit."""
    outcome: Outcome | None
    seq: int
    generation: int
    """The edit that the table is of; 0 is the run itself."""
    generations: int
    """How many edits there were."""

    @classmethod
    def of(cls, reading: Reading) -> "Past":
        """What stands in its journal."""
        view = reading.view
        assert view.task is not None
        edited = view.generations[-1].started.limits if view.generations else None
        return cls(
            task=view.task,
            specs=(view.model, view.subagent_model),
            limits=edited or view.task.limits,
            outcome=view.outcome,
            seq=view.seq,
            generation=view.tables.generation,
            generations=view.tables.generations,
        )

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to go on with."""
        return self.outcome == "completed" or (self.outcome is not None and self.generation > 0)


def limits_over(sent: RunLimits | None, before: Limits) -> Limits | None:
    """What a request sets over the limits of a run; None where it sets nothing."""
    return sent.over(before) if sent is not None else None
