"""From journals of real runs to a worker's profile: a fold over events, compared with the truth.

Owns what is counted: steps, outcomes, latency and tokens of sub-agents, and their cells against the
gold rows of the task that the run was about. Nothing is run here, and the orchestrator is left out.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from openswarm.core.contract import Column, Contract
from openswarm.core.errors import UserError
from openswarm.core.events import (
    AnyEvent,
    ContractDeclared,
    ModelReplied,
    ReportReceived,
    RunStarted,
    TaskAssigned,
    is_subagent,
)
from openswarm.core.result import Outcome
from openswarm.core.table import Row
from openswarm.evals.task import EvalTask
from openswarm.parl.workers.profile import (
    CellVerdict,
    Distribution,
    Measurement,
    Step,
    WorkerProfile,
)

TOLERANCE = 0.005
"""How far a number may be off, relative to the true one: rounding, no more."""
_NOT_ITS_DOING = (None, "cancelled")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_WORD = re.compile(r"\w+")

Same = Callable[[Column, str, str], bool]
"""Whether a value of a column is the true one, which comes last."""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run that is over, and the task that it was about."""

    events: Sequence[AnyEvent]
    task: EvalTask

    @property
    def sha256(self) -> str:
        """The hash of the events as they are written, in hex."""
        digest = hashlib.sha256()
        for event in self.events:
            digest.update(event.model_dump_json().encode() + b"\n")
        return digest.hexdigest()


@dataclass(slots=True)
class Observed:
    """One assignment as a journal tells of it."""

    assigned: TaskAssigned
    steps: list[Step] = field(default_factory=list)
    report: ReportReceived | None = None
    """None where the run ended before it."""
    pages: int = 1
    """The documents that it needed, by the task; 1 where the task does not know its item."""
    cells: tuple[CellVerdict, ...] = ()
    """Of a completed assignment, each cell that was asked and has a true value."""

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None where it did not."""
        return self.report.outcome if self.report else None

    @property
    def completed(self) -> bool:
        """Whether it handed in a valid report."""
        return self.outcome == "completed"

    @property
    def extra_steps(self) -> int:
        """Steps beyond one for each page that it needed."""
        return len(self.steps) - self.pages


def same_value(column: Column, value: str, truth: str) -> bool:
    """Numbers agree within `TOLERANCE`; of other columns the true words stand in the value in their
    order, case, accents and punctuation aside."""
    if column.type != "number":
        return f" {_plain(truth)} " in f" {_plain(value)} "
    given, wanted = _number(value), _number(truth)
    if given is None or wanted is None:
        return _plain(truth) == _plain(value)
    return abs(given - wanted) <= TOLERANCE * abs(wanted)


def observe(run: MeasuredRun, same: Same = same_value) -> list[Observed]:
    """The assignments of one run, in order, each compared with the truth."""
    found: dict[str, Observed] = {}
    contract = run.task.contract
    for event in run.events:
        match event:
            case RunStarted():
                contract = event.task.contract or contract
            case ContractDeclared():
                contract = event.contract
            case TaskAssigned() if is_subagent(event.agent):
                found[event.agent] = Observed(event)
            case ModelReplied() if event.agent in found:
                usage = event.usage
                step = Step(event.latency_s, usage.input_tokens, usage.output_tokens)
                found[event.agent].steps.append(step)
            case ReportReceived() if event.agent in found:
                found[event.agent].report = event
            case _:
                pass
    for observed in found.values():
        observed.pages = _pages(run.task, observed.assigned)
        if observed.completed and contract is not None:
            observed.cells = tuple(_verdicts(run.task, contract, observed, same))
    return list(found.values())


def measure(
    name: str,
    runs: Sequence[MeasuredRun],
    *,
    date: str,
    machine: str,
    notes: str = "",
    same: Same = same_value,
) -> WorkerProfile:
    """The profile of the workers of some runs, all of one model and one version of openswarm.

    `date` is YYYY-MM-DD; `machine` says what the seconds are of. Assignments without a report, and
    those that were cancelled, are left out: somebody else ended them. A run that hit its own limit
    tells of the limit and should not be given. Raises `UserError` where nothing can be measured.
    """
    model, version = _measured_model(runs)
    ended = [
        seen for run in runs for seen in observe(run, same) if seen.outcome not in _NOT_ITS_DOING
    ]
    steps = [step for seen in ended for step in seen.steps]
    if not steps:
        raise UserError("no sub-agent of these runs made a step and ended; nothing to measure")
    done = [seen for seen in ended if seen.completed]
    failed = [seen for seen in ended if not seen.completed]
    cells = Counter(cell for seen in done for cell in seen.cells)
    return WorkerProfile(
        name=name,
        measured=True,
        notes=notes,
        measurement=Measurement(
            model=model,
            openswarm=version,
            date=date,
            tasks=tuple(dict.fromkeys(run.task.id for run in runs)),
            journals=tuple(run.sha256 for run in runs),
            machine=machine,
        ),
        assignments=len(ended),
        cells=cells.total(),
        outcomes=dict(sorted(Counter(str(seen.outcome) for seen in ended).items())),
        fail_rate=_share(len(failed), len(ended)),
        wrong_cell_rate=_share(cells["wrong"], cells.total()),
        empty_cell_rate=_share(cells["empty"], cells.total()),
        extra_steps=_extra(done or ended),
        failed_extra_steps=_extra(failed or ended),
        step_seconds=Distribution.of([step.seconds for step in steps]),
        input_tokens=Distribution.of([step.input_tokens for step in steps]),
        output_tokens=Distribution.of([step.output_tokens for step in steps]),
    )


def _measured_model(runs: Iterable[MeasuredRun]) -> tuple[str, str]:
    started = [event for run in runs for event in run.events if isinstance(event, RunStarted)]
    kinds = sorted({(event.subagent_model or event.model, event.openswarm) for event in started})
    if len(kinds) != 1:
        listed = ", ".join(f"{model} with openswarm {version}" for model, version in kinds)
        raise UserError(f"a profile is of one model and version; the runs have: {listed or 'none'}")
    return kinds[0]


def _pages(task: EvalTask, assigned: TaskAssigned) -> int:
    about = _plain(assigned.item or assigned.label)
    needed = [len(part.documents) for part in task.parts if _plain(part.name) == about]
    return max(1, *needed) if needed else 1


def _verdicts(
    task: EvalTask, contract: Contract, observed: Observed, same: Same
) -> Iterable[CellVerdict]:
    """Of each cell that was asked and has a true value."""
    assigned = observed.assigned
    wanted = contract.fold(assigned.key) if assigned.key else contract.key_of(assigned.item)
    rows = {row.key(contract): row for row in observed.report.rows} if observed.report else {}
    for truth in task.gold:
        if contract.fold(tuple(truth[name] for name in contract.key)) != wanted:
            continue
        for column in contract.asked:
            is_asked = not assigned.columns or column.name in assigned.columns
            if is_asked and truth.get(column.name, ""):
                yield _verdict(rows.get(wanted), column, truth[column.name], same)


def _verdict(row: Row | None, column: Column, truth: str, same: Same) -> CellVerdict:
    cell = row.cells.get(column.name) if row else None
    if cell is None or not cell.value:
        return "empty"
    return "right" if same(column, cell.value, truth) else "wrong"


def _extra(seen: Sequence[Observed]) -> Distribution:
    return Distribution.of([float(observed.extra_steps) for observed in seen])


def _share(count: int, of: int) -> float:
    return round(count / of, 6) if of else 0.0


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(_WORD.findall(bare)) or text


def _number(text: str) -> float | None:
    match = _NUMBER.search(text[:200])
    return float(match[0].replace(",", "")) if match else None
