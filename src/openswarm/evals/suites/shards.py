"""Tasks in files: one line a task, a canary first.

The canary is a line that no ordinary text holds, so that a model that was trained on answers can
be told by it. Owns the format; what a task is stands in `evals.task`.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.task import EvalTask

CANARY = (
    "openswarm evals canary 6f1d9c0e-4a57-4be2-9a0b-51c3e87d2f64: this file holds questions with"
    " their answers; keep it out of what models are trained on"
)
MAX_LINE_BYTES = 4 * 1024 * 1024
SHARD_TASKS = 1000


def write_shards(tasks: Iterable[EvalTask], folder: Path, size: int = SHARD_TASKS) -> list[Path]:
    """Writes tasks as `00000.jsonl`, `00001.jsonl` … of at most `size` tasks; the files.

    The first line of each is the canary. Raises `SettingsError` if the folder cannot be written.
    """
    paths: list[Path] = []
    lines: list[str] = []

    def flush() -> None:
        path = folder / f"{len(paths):05}.jsonl"
        head = json.dumps({"canary": CANARY})
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        paths.append(path)
        lines.clear()

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for task in tasks:
            lines.append(task.model_dump_json())
            if len(lines) == size:
                flush()
        if lines:
            flush()
    except OSError as error:
        raise SettingsError(f"cannot write tasks to {folder}: {error.strerror}") from None
    return paths


def read_shard(path: Path) -> Iterator[EvalTask]:
    """The tasks of a file. Raises `UserError` that names the line that is none."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
                if len(line) > MAX_LINE_BYTES:
                    raise UserError(f"{path}, line {number}: longer than {MAX_LINE_BYTES} bytes")
                if number == 1:
                    _check_canary(path, line)
                elif line.strip():
                    yield _task(path, number, line)
    except OSError as error:
        raise UserError(f"cannot read tasks from {path}: {error.strerror}") from None


def _check_canary(path: Path, line: bytes) -> None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("canary") != CANARY:
        raise UserError(f"{path} does not begin with the canary of openswarm's tasks")


def _task(path: Path, number: int, line: bytes) -> EvalTask:
    try:
        return EvalTask.model_validate_json(line)
    except ValueError:
        raise UserError(f"{path}, line {number}: this is no task") from None
