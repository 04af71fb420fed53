"""Pictures of a conversation as files, for the run that is to look at them."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread

from openswarm.core.errors import UserError
from openswarm.core.messages import ImagePart, Message, VideoPart
from openswarm.journal.removal import remove
from openswarm.media.pictures import data_url
from openswarm.server.failures import bad_request


@asynccontextmanager
async def as_files(messages: Sequence[Message]) -> AsyncIterator[tuple[Path, ...]]:
    """The pictures of a conversation as files that are gone afterwards.

    Raises `ApiError` for video, and for pictures that are only addresses.
    """
    pictures = [_bytes(part) for part in _media(messages)]
    if not pictures:
        yield ()
        return
    folder = Path(await anyio.to_thread.run_sync(tempfile.mkdtemp, "", "openswarm-"))
    try:
        yield await anyio.to_thread.run_sync(_written, pictures, folder)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(remove, folder)


def _media(messages: Sequence[Message]) -> list[ImagePart | VideoPart]:
    return [
        part
        for message in messages
        if not isinstance(message.content, str)
        for part in message.content
        if isinstance(part, ImagePart | VideoPart)
    ]


def _bytes(part: ImagePart | VideoPart) -> bytes:
    if isinstance(part, VideoPart):
        raise bad_request(
            "a run takes no video; take openswarm-instant or openswarm-thinking", "messages"
        )
    try:
        return data_url(part.url)
    except UserError as error:
        raise bad_request(f"a run takes pictures as data: URLs: {error}", "messages") from None


def _written(pictures: Sequence[bytes], folder: Path) -> tuple[Path, ...]:
    paths = tuple(folder / f"picture-{number}" for number in range(1, len(pictures) + 1))
    for path, data in zip(paths, pictures, strict=True):
        path.write_bytes(data)
    return paths
