"""References to uploaded files, `ms://FILE_ID`, as the pictures and video that they stand for."""

from collections.abc import Sequence

import anyio.to_thread

from openswarm.core.messages import Message, Part, TextPart
from openswarm.server.failures import ApiError, bad_request
from openswarm.server.file_store import FileStore

SCHEME = "ms://"
MAX_CHARS = 48 * 1024 * 1024
"""Of all files in one request, as they go to the model."""


async def with_files(messages: Sequence[Message], store: FileStore) -> tuple[Message, ...]:
    """The messages with the files inside. Raises `ApiError` for one that cannot be had."""
    if not any(_refers(part) for message in messages for part in _parts(message)):
        return tuple(messages)
    return await anyio.to_thread.run_sync(_filled, messages, store)


def _filled(messages: Sequence[Message], store: FileStore) -> tuple[Message, ...]:
    urls: dict[tuple[str, str], str] = {}
    size = 0
    filled: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        for part in _parts(message):
            if isinstance(part, TextPart) or not _refers(part):
                parts.append(part)
                continue
            url = _url(part.url, part.type, store, urls)
            size += len(url)
            if size > MAX_CHARS:
                raise bad_request("the files of these messages are too large together", "messages")
            parts.append(part.model_copy(update={"url": url}))
        filled.append(message.model_copy(update={"content": tuple(parts)}) if parts else message)
    return tuple(filled)


def _url(reference: str, kind: str, store: FileStore, urls: dict[tuple[str, str], str]) -> str:
    """The file as a `data:` URL; each is read once."""
    if (kind, reference) not in urls:
        try:
            urls[kind, reference] = store.data_url(reference.removeprefix(SCHEME), kind)
        except ApiError as error:
            raise bad_request(error.message, "messages") from None
    return urls[kind, reference]


def _refers(part: Part) -> bool:
    return not isinstance(part, TextPart) and part.url.startswith(SCHEME)


def _parts(message: Message) -> tuple[Part, ...]:
    return () if isinstance(message.content, str) else message.content
