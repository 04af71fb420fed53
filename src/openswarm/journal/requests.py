"""How another process speaks to a run: lines in a file of the run folder, read by its owner.

The answer is an event in the journal that carries the request's id, written by who carried it out.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from openswarm.core.frozen import Frozen

Verb = Literal["steer", "cancel", "kill", "allow", "always", "deny"]
"""The first three are about an agent, the others answer a question of the approval queue."""

REQUESTS_FILE = "requests.jsonl"
MAX_LINE_CHARS = 64 * 1024
READ_BYTES = 1024 * 1024


class ControlRequest(Frozen):
    """What someone asks of a run."""

    id: str = Field(max_length=64)
    verb: Verb
    agent: str = Field("root", max_length=200)
    text: str = Field("", max_length=32_000)
    """The words of `steer`, or the id of the question that is answered."""
    by: str = Field("user", max_length=100)


def send_request(folder: Path, verb: str, agent: str, text: str = "", by: str = "user") -> str:
    """Leaves a request for the process that owns the run; its id is returned."""
    request = ControlRequest(id=uuid.uuid4().hex, verb=verb, agent=agent, text=text, by=by)  # type: ignore[arg-type]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    descriptor = os.open(folder / REQUESTS_FILE, flags, 0o644)
    try:
        os.write(descriptor, (json.dumps(request.model_dump()) + "\n").encode())
    finally:
        os.close(descriptor)
    return request.id


class RequestReader:
    """Reads the requests of a run that came since the reader was made."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / REQUESTS_FILE
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> list[ControlRequest]:
        """The new requests; lines that are none are passed over."""
        if not self._path.exists() or self._path.stat().st_size <= self._offset:
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(READ_BYTES)
        whole = data.rfind(b"\n") + 1
        self._offset += whole or (len(data) if len(data) == READ_BYTES else 0)
        return [r for line in data[:whole].splitlines() if (r := _parse(line)) is not None]


def _parse(line: bytes) -> ControlRequest | None:
    if len(line) > MAX_LINE_CHARS:
        return None
    try:
        return ControlRequest.model_validate_json(line)
    except ValidationError:
        return None
