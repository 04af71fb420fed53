"""Attached files become part of the task's first message, fenced as documents."""

from pathlib import Path

from openswarm.core.errors import UserError
from openswarm.core.task import Task
from openswarm.tools.documents import Document, fence

MAX_BYTES = 200_000
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".mov", ".webm")


def with_attachments(task: Task) -> str:
    """The task's text with its attachments. Raises `UserError` for a file that cannot go in."""
    parts = [task.text]
    for name in task.attachments:
        path = Path(name)
        if path.suffix.lower() in IMAGES:
            raise UserError(f"{path.name}: images and video cannot be attached yet; give text")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"attachment {path}: {error.strerror}") from None
        if len(data) > MAX_BYTES:
            raise UserError(
                f"attachment {path.name} has {len(data)} bytes, more than {MAX_BYTES}; give it as a"
                " corpus instead: --over"
            )
        if b"\0" in data:
            raise UserError(f"attachment {path.name} is not text; give it as a corpus: --over")
        parts.append(fence(Document(path.name, data.decode("utf-8", "replace"))))
    return "\n\n".join(parts)
