"""Attached files become part of the first message: text as documents, pictures as pictures."""

from dataclasses import dataclass
from pathlib import Path

from openswarm.core.errors import UserError
from openswarm.core.messages import ImagePart
from openswarm.core.task import Task
from openswarm.tools.documents import Document, fence

MAX_BYTES = 200_000
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_PICTURES = 20
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tiff", ".heic", ".avif")
VIDEOS = (".mp4", ".mov", ".webm", ".mkv", ".avi")


@dataclass(frozen=True, slots=True)
class FirstMessage:
    """What the root agent is told first."""

    text: str
    images: tuple[ImagePart, ...] = ()


def with_attachments(task: Task) -> FirstMessage:
    """The task's text with its attachments. Raises `UserError` for a file that cannot go in."""
    parts, images = [task.text], []
    for path in map(Path, task.attachments):
        data = _read(path)
        if kind := picture_type(data):
            images.append(ImagePart.of(kind, data))
            parts.append(f"Picture {len(images)} is {path.name}.")
        else:
            parts.append(fence(Document(path.name, _text(path, data))))
    if len(images) > MAX_PICTURES:
        raise UserError(f"{len(images)} pictures are attached; {MAX_PICTURES} is the most")
    return FirstMessage("\n\n".join(parts), tuple(images))


def picture_type(data: bytes) -> str:
    """The media type of a picture that models read, by its first bytes; '' for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _read(path: Path) -> bytes:
    if path.suffix.lower() in VIDEOS:
        raise UserError(f"{path.name}: a run takes no video; attach pictures of it")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"attachment {path}: {error.strerror}") from None
    limit = MAX_PICTURE_BYTES if picture_type(data) else MAX_BYTES
    if len(data) > limit:
        what = "make the picture smaller" if picture_type(data) else "give it as a corpus: --over"
        raise UserError(f"attachment {path.name} has {len(data)} bytes, more than {limit}; {what}")
    return data


def _text(path: Path, data: bytes) -> str:
    if b"\0" in data or path.suffix.lower() in PICTURES:
        raise UserError(
            f"attachment {path.name} is neither text nor a PNG, JPEG, GIF or WebP picture; give it"
            " as a corpus: --over"
        )
    return data.decode("utf-8", "replace")
