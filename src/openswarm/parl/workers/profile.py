"""How a frozen worker behaves, as figures: how often it fails, errs, and what its steps take.

Owns the figures, drawing from them, and their files. Where figures come from is `measure`; what is
simulated with them is not known here.
"""

import hashlib
import json
import math
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen

CellVerdict = Literal["right", "wrong", "empty"]
"""How a cell that was handed in compares with the truth."""
MAX_VALUES = 257
MAX_FILE_BYTES = 1024 * 1024
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")
_SUFFIX = ".json"


class _Strict(Frozen):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Distribution(_Strict):
    """An empirical distribution: sorted samples, or their evenly spaced quantiles."""

    count: int = Field(ge=1)
    """How many were measured."""
    values: tuple[float, ...] = Field(min_length=1, max_length=MAX_VALUES)
    """In ascending order: all samples, or where there were too many the quantiles in their place,
    from the least to the greatest."""

    @field_validator("values")
    @classmethod
    def _ascending(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(before > after for before, after in pairwise(values)):
            raise ValueError("the values do not ascend")
        return values

    @classmethod
    def of(cls, samples: list[float]) -> Self:
        """The distribution of samples in any order. Raises ValueError when there are none."""
        ordered = sorted(samples)
        if not ordered:
            raise ValueError("a distribution needs a sample")
        if len(ordered) <= MAX_VALUES:
            return cls(count=len(ordered), values=tuple(map(float, ordered)))
        ranks = (round(i * (len(ordered) - 1) / (MAX_VALUES - 1)) for i in range(MAX_VALUES))
        return cls(count=len(ordered), values=tuple(float(ordered[rank]) for rank in ranks))

    def quantile(self, share: float) -> float:
        """The value that this share of samples does not exceed, between samples on the line that
        joins them; `share` is from 0 to 1. Raises ValueError outside of that."""
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share")
        place = share * (len(self.values) - 1)
        below = math.floor(place)
        above = min(below + 1, len(self.values) - 1)
        low, high = self.values[below], self.values[above]
        return min(high, low + (high - low) * (place - below))

    def draw(self, random: Random) -> float:
        """A value by inverse quantile: any between the least and the greatest sample."""
        return self.quantile(random.random())

    def draw_sample(self, random: Random) -> float:
        """One of the values as they are, each as likely: for counts, which have no between."""
        return self.values[int(random.random() * len(self.values))]


class Measurement(_Strict):
    """Where figures were measured."""

    model: str
    """The sub-agents' model specification."""
    openswarm: str
    """The version that wrote the journals."""
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    tasks: tuple[str, ...]
    journals: tuple[str, ...]
    """SHA-256 of each journal's events as they are written, in order of measurement."""
    machine: str
    """What the seconds are of: processors, what else ran, the load average."""


class Step(NamedTuple):
    """One reply of a worker."""

    seconds: float
    input_tokens: int
    output_tokens: int


class Attempt(NamedTuple):
    """One assignment as drawn from a profile."""

    completed: bool
    steps: tuple[Step, ...]
    cells: tuple[CellVerdict, ...]
    """One for each cell that was asked; () where it did not complete."""


class WorkerProfile(_Strict):
    """The figures of one kind of worker. Rates are shares from 0 to 1."""

    name: str = Field(pattern=f"^{_PLAIN_NAME.pattern}$")
    measured: bool
    """False where the figures were assumed."""
    notes: str = ""
    measurement: Measurement | None = None
    assignments: int = Field(ge=0)
    """How many the figures are of; 0 where they were assumed."""
    cells: int = Field(ge=0)
    """Cells that were asked of completed assignments and compared with the truth."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Assignments by `core.result.Outcome`."""
    fail_rate: float = Field(ge=0, le=1)
    """Assignments that ended otherwise than completed."""
    wrong_cell_rate: float = Field(ge=0, le=1)
    """Cells of completed assignments with a value that is not the true one."""
    empty_cell_rate: float = Field(ge=0, le=1)
    """Cells of completed assignments that were left empty although there is a true value."""
    extra_steps: Distribution
    """Of completed assignments: steps beyond one for each page needed. Below 0 where several pages
    were read in one step."""
    failed_extra_steps: Distribution
    """The same of those that did not complete; of all where none failed."""
    step_seconds: Distribution
    """Latency of one reply."""
    input_tokens: Distribution
    """Of one reply, cached ones included."""
    output_tokens: Distribution

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.wrong_cell_rate + self.empty_cell_rate > 1 + 1e-9:
            raise ValueError("more cells are wrong or empty than there are")
        if self.measured != (self.measurement is not None) or self.measured != (
            self.assignments > 0
        ):
            raise ValueError("what was measured says where, and what was assumed does not")
        return self

    @property
    def sha256(self) -> str:
        """The hash of all figures, in hex; equal for equal profiles."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def draw(self, random: Random, *, pages: int = 1, cells: int = 1) -> Attempt:
        """An assignment that needs so many pages and asks for so many cells.

        Its parts are drawn independently of each other: that a long prompt takes longer, or that
        one hard page makes several cells wrong, is not kept.
        """
        completed = self.draw_completed(random)
        steps = self.draw_steps(random, pages=pages, completed=completed)
        return Attempt(
            completed,
            tuple(self.draw_step(random) for _ in range(steps)),
            tuple(self.draw_cell(random) for _ in range(cells)) if completed else (),
        )

    def draw_completed(self, random: Random) -> bool:
        """Whether an assignment completes."""
        return random.random() >= self.fail_rate

    def draw_steps(self, random: Random, *, pages: int, completed: bool) -> int:
        """How many steps an assignment takes that needs so many pages; at least 1."""
        extra = self.extra_steps if completed else self.failed_extra_steps
        return max(1, pages + round(extra.draw_sample(random)))

    def draw_step(self, random: Random) -> Step:
        """What one step takes."""
        return Step(
            self.step_seconds.draw(random),
            round(self.input_tokens.draw(random)),
            round(self.output_tokens.draw(random)),
        )

    def draw_cell(self, random: Random) -> CellVerdict:
        """How one cell of a completed assignment compares with the truth."""
        share = random.random()
        if share < self.wrong_cell_rate:
            return "wrong"
        return "empty" if share < self.wrong_cell_rate + self.empty_cell_rate else "right"


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with openswarm, in order."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def load_profile(name: str) -> WorkerProfile:
    """A profile that comes with openswarm. Raises `UserError` that names those there are."""
    if not _PLAIN_NAME.fullmatch(name) or name not in shipped_profiles():
        there = ", ".join(shipped_profiles())
        raise UserError(f"there is no worker profile {name[:60]!r}; there are: {there}")
    return _parsed((_folder() / f"{name}{_SUFFIX}").read_bytes(), name)


def read_profile(file: Path) -> WorkerProfile:
    """A profile from a file of one's own. Raises `UserError` for one that cannot be used."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from None
    return _parsed(data, str(file))


def write_profile(profile: WorkerProfile, file: Path) -> None:
    """Writes a profile as JSON that `read_profile` takes. Raises `UserError`."""
    try:
        file.write_text(_readable(profile), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from None


def _folder() -> Traversable:
    return files("openswarm.parl.workers") / "profiles"


def _parsed(data: bytes, where: str) -> WorkerProfile:
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"{where}: a worker profile has at most {MAX_FILE_BYTES} bytes")
    try:
        return WorkerProfile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{where} is no worker profile: {first['msg']} at {place!r}") from None


def _readable(profile: WorkerProfile) -> str:
    """Indented, with each list of numbers on one line."""
    text = json.dumps(profile.model_dump(mode="json"), indent=1, ensure_ascii=False)
    numbers = re.compile(r"\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]")
    return numbers.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text) + "\n"
