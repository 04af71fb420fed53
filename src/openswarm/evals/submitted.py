"""Answers that were made elsewhere, read from a file or a folder to be scored.

Owns their format: lines of `{"id": …, "text": …}` (several of one id are trials, in order), or a
folder with `ID.md` or `ID.txt`. Strict and bounded; knows no scorer.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen
from openswarm.evals.task import Prediction

MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_ANSWERS = 100_000
SUFFIXES = (".md", ".txt")


class Submitted(Frozen):
    """One answer to one task."""

    id: str
    text: str


def read_answers(path: Path) -> Mapping[str, list[Prediction]]:
    """The answers by task, in the order of trials.

    Blocks. Raises `UserError` that names the file, and the line where there are lines.
    """
    found: dict[str, list[Prediction]] = defaultdict(list)
    try:
        for number, entry in enumerate(_of_folder(path) if path.is_dir() else _of_lines(path)):
            if number >= MAX_ANSWERS:
                raise UserError(f"{path} holds more than {MAX_ANSWERS} answers")
            found[entry.id].append(Prediction(text=entry.text))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not found:
        raise UserError(f"{path} holds no answer")
    return dict(found)


def _of_folder(folder: Path) -> Iterator[Submitted]:
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.is_file():
            if path.stat().st_size > MAX_ANSWER_BYTES:
                raise UserError(f"{path} is larger than {MAX_ANSWER_BYTES} bytes")
            yield Submitted(id=path.stem, text=path.read_text("utf-8"))


def _of_lines(path: Path) -> Iterator[Submitted]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_ANSWER_BYTES + 1):
            number += 1
            if len(line) > MAX_ANSWER_BYTES:
                raise UserError(f"{path}, line {number}: longer than {MAX_ANSWER_BYTES} bytes")
            if not line.strip():
                continue
            try:
                yield Submitted.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                raise UserError(f"{path}, line {number}: {first['msg']}") from None
