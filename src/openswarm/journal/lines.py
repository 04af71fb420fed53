"""Reading the lines of a journal file: strict, bounded, tolerant only of a torn last line."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.errors import JournalError
from openswarm.core.events import EVENT, FORMAT, AnyEvent

MAX_LINE_BYTES = 32 * 1024 * 1024
EVENTS_FILE = "events.jsonl"


def parse_line(line: bytes, where: str) -> AnyEvent:
    """One event from its line. Raises `JournalError` that says what is wrong and what to do."""
    if len(line) > MAX_LINE_BYTES:
        raise JournalError(f"{where}: the line is over {MAX_LINE_BYTES} bytes", kind="damaged")
    try:
        event = EVENT.validate_json(line)
    except ValidationError as error:
        raise _explain(line, where, error) from None
    if event.v > FORMAT:
        raise _newer(event.v, where)
    return event


def read_events(file: Path) -> Iterator[AnyEvent]:
    """The events of a journal file. A torn last line is dropped; any other damage is an error."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise JournalError(f"{file.parent} is not a run: it has no {file.name}", "no_run") from None
    for number, line in enumerate(whole_lines(data), 1):
        yield parse_line(line, f"{file}, line {number}")


def whole_lines(data: bytes) -> list[bytes]:
    """The complete lines; what follows the last line feed was torn off while it was written."""
    lines = data.split(b"\n")[:-1]
    return [line for line in lines if line.strip()]


def _explain(line: bytes, where: str, error: ValidationError) -> JournalError:
    try:
        fields = json.loads(line)
        version = fields.get("v", 0)
    except (ValueError, AttributeError, RecursionError):
        return JournalError(f"{where}: not an event; the file is damaged there", "damaged")
    if isinstance(version, int) and version > FORMAT:
        return _newer(version, where)
    first = error.errors(include_url=False)[0]
    return JournalError(f"{where}: {first['msg']} at {'.'.join(map(str, first['loc']))}", "damaged")


def _newer(version: int, where: str) -> JournalError:
    return JournalError(
        f"{where}: written by a newer openswarm (journal format {version}, this one reads up"
        f" to {FORMAT}); upgrade with: pip install -U openswarm",
        "newer",
    )
