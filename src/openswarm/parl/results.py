"""The results of tests, a rollout a line of a CSV file: curves and tables are made from that alone.

Owns the file's columns. Knows no policy, and needs no PyTorch.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from openswarm.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Result:
    """One rollout of a test."""

    arm: str
    seed: int
    test: str
    task: str
    family: str
    width: int
    budget: int
    """Critical steps that were allowed; 0 is no budget."""
    quality: float
    item_f1: float
    success: float
    critical_steps: int
    total_steps: int
    seconds: float
    tokens: int
    spawned: int
    group: float
    created: int
    refused: int
    correct_cells: int


_RESULT = TypeAdapter(Result)


def write_results(path: Path, results: Iterable[Result]) -> None:
    """A CSV file, a rollout a line."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [entry.name for entry in fields(Result)]
        writer.writerow(names)
        for result in results:
            writer.writerow(map(_shown, asdict(result).values()))


def _shown(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def read_results(path: Path) -> Iterator[Result]:
    """The results of a CSV file, or of several that were joined with their first lines.

    Raises `UserError` for a file that cannot be read, and naming the line of one that is none.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                if any(name != value for name, value in row.items()):
                    yield _result(row, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def _result(row: dict[str, str], where: str) -> Result:
    try:
        return _RESULT.validate_python(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(f"{where} is no result: {first['msg']} at {name!r}") from None
