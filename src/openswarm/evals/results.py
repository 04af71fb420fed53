"""The results file of an eval: one JSON line a run, durable when it is there, read strictly.

Owns `episodes.jsonl` and `plan.json`, and what is kept of a run in them. A torn last line is
dropped; any other damage is an error that names the line.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
from pydantic import Field, ValidationError

from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.core.result import Outcome
from openswarm.evals.budgets import Budget, BudgetKind
from openswarm.evals.metrics import RunMetrics
from openswarm.evals.task import Kind, Score, Split

EPISODES_FILE = "episodes.jsonl"
PLAN_FILE = "plan.json"
LOCK_FILE = "lock"
AND = " && "
"""Between the commands of a plan."""
MAX_FILE_BYTES = 2_000_000_000
MAX_LINE_BYTES = 1_000_000


class EpisodeKey(NamedTuple):
    """What a run is the only one of."""

    task: str
    arm: str
    budget: Budget
    seed: int


class Episode(Frozen):
    """One run of one arm on one task."""

    v: int = 1
    task: str
    family: str
    kind: Kind
    split: Split
    width: int
    """How many sub-agents could have worked at once to some use."""
    arm: str
    budget_kind: BudgetKind
    budget: int
    seed: int
    """Which repeat it is, from 0."""
    model: str
    subagent_model: str
    outcome: Outcome
    why: str = ""
    error: str = ""
    """What kept the run from an outcome of its own, boundary and kind first; its score is 0."""
    score: Score
    metrics: RunMetrics
    correct_cells: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    """None where a model has no price."""
    wall_s: float = 0.0
    documents: str = ""
    """The folder in `documents` that it was over, named by their hash; '' where there was none."""
    run: str = ""
    """The name of the run's folder in `runs`; '' where none was kept."""

    @property
    def key(self) -> EpisodeKey:
        """What it is the only one of."""
        return EpisodeKey(self.task, self.arm, self.spent_under, self.seed)

    @property
    def spent_under(self) -> Budget:
        """The budget that it ran under."""
        return Budget(self.budget_kind, self.budget)

    @property
    def tokens(self) -> int:
        """Input and output of the whole tree."""
        return self.input_tokens + self.output_tokens


class ArmPlan(Frozen):
    """What an arm was, so that another one of its name is not mixed with it."""

    mode: str
    model: str
    subagent_model: str
    words: str = ""
    subagents: int | None = None


class Plan(Frozen):
    """What the runs of a folder have in common."""

    v: int = 1
    command: str = ""
    """What was typed; where it was several commands, joined by ` && ` in the order of time."""
    limits: Limits
    arms: dict[str, ArmPlan]
    corpora: dict[str, str] = Field(default_factory=dict)
    """The SHA-256 of each corpus, by its name."""

    def joined(self, other: "Plan") -> "Plan":
        """This plan with the command, arms and corpora of a later one.

        Raises `UserError` where the two call different things by one name, or differ in limits.
        """
        for name, arm in other.arms.items():
            if self.arms.get(name, arm) != arm:
                raise UserError(
                    f"the folder holds runs of another arm {name!r} ({self.arms[name].model});"
                    " give another --out"
                )
        for name, digest in other.corpora.items():
            if self.corpora.get(name, digest) != digest:
                raise UserError(
                    f"the folder holds runs over another edition of {name}; give another --out"
                )
        if self.limits != other.limits:
            raise UserError("the folder holds runs with other limits; give another --out")
        commands = dict.fromkeys(filter(None, (*self.command.split(AND), other.command)))
        return other.model_copy(
            update={
                "command": AND.join(commands),
                "arms": self.arms | other.arms,
                "corpora": self.corpora | other.corpora,
            }
        )


def read_episodes(folder: Path) -> list[Episode]:
    """The runs of a folder, in order, the last one of each key alone.

    Raises `UserError` for a folder without any and for a damaged line.
    """
    path = folder / EPISODES_FILE
    if not path.is_file():
        raise UserError(
            f"{folder} holds no eval: it has no {EPISODES_FILE}; give the --out of `openswarm eval`"
        )
    found = {episode.key: episode for episode in _lines(path)}
    if not found:
        raise UserError(f"{path} holds no run yet; run the same `openswarm eval` again")
    return list(found.values())


def _lines(path: Path) -> Iterator[Episode]:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UserError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            if len(line) > MAX_LINE_BYTES:
                raise UserError(f"{path}, line {number}: longer than {MAX_LINE_BYTES} bytes")
            try:
                yield Episode.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                raise UserError(f"{path}, line {number}: {first['msg']} {where}") from None


def read_plan(folder: Path) -> Plan | None:
    """The plan of a folder; None where there is none. Raises `UserError` for a damaged one."""
    path = folder / PLAN_FILE
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


class ResultsFile:
    """The file that results are appended to, one after the other; locked until it is closed."""

    def __init__(self, folder: Path, lock: int) -> None:
        self._path = folder / EPISODES_FILE
        self._held = lock
        self._turn = anyio.Lock()

    @classmethod
    def open(cls, folder: Path, plan: Plan) -> "tuple[ResultsFile, list[Episode]]":
        """The file, made if need be, and what stands in it; a torn last line is cut off.

        Blocks. Raises `UserError` for a plan that does not fit, for damage, and where another
        process works on the folder.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            results = cls(folder, _locked(folder))
        except OSError as error:
            raise UserError(f"{folder} cannot be written: {error.strerror}") from None
        try:
            return results, results._taken_up(plan)
        except BaseException:
            results.close()
            raise

    def _taken_up(self, plan: Plan) -> list[Episode]:
        folder = self._path.parent
        before = read_plan(folder)
        plan = before.joined(plan) if before else plan
        try:
            _cut_torn_line(self._path)
            _write_whole(folder / PLAN_FILE, plan.model_dump_json(indent=1).encode() + b"\n")
        except OSError as error:
            raise UserError(f"{folder} cannot be written: {error.strerror}") from None
        return list({episode.key: episode for episode in _lines(self._path)}.values())

    def close(self) -> None:
        """Lets others work on the folder."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    async def append(self, episode: Episode) -> None:
        """Adds a run; it is durable when this returns. Raises `UserError` where the disk is full
        or the folder is gone."""
        line = episode.model_dump_json().encode() + b"\n"
        async with self._turn:
            await anyio.to_thread.run_sync(self._append, line)

    def _append(self, line: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"{self._path} cannot be written: {error.strerror}") from None


def _locked(folder: Path) -> int:
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(f"another process works on {folder}; wait for it") from None
    return descriptor


def _cut_torn_line(path: Path) -> None:
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - MAX_LINE_BYTES)
        file.seek(begin)
        tail = file.read()
        whole = begin + tail.rfind(b"\n") + 1
        if whole < size:
            file.truncate(whole)


def _write_whole(path: Path, data: bytes) -> None:
    """A reader finds the old file or the new one, never half of one."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(data)
    temporary.replace(path)
