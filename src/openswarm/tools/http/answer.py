"""What an API answered: read in its charset, and without any secret that it echoes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import anyio.to_thread
from yarl import URL

from openswarm.tools.http.allow import without_query
from openswarm.tools.http.exchange import Incoming
from openswarm.tools.secrets import Scrub
from openswarm.tools.web.charsets import decode

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call, without secrets."""

    status: int
    url: str
    """Where the answer came from, without its query."""
    headers: Mapping[str, str]
    media_type: str
    size: int
    is_whole: bool
    text: str | None
    """None where the body is no text."""
    note: str = ""
    """What became of a redirect."""

    @property
    def ok(self) -> bool:
        """Whether the server did as it was asked."""
        return self.status < 300


async def answer_of(incoming: Incoming, url: URL, note: str, scrub: Scrub) -> Answer:
    """The answer that came from `url`."""
    # a large answer takes long to look through, and other agents must not wait for that
    text = await anyio.to_thread.run_sync(_text, incoming, scrub)
    return Answer(
        status=incoming.status,
        url=scrub(without_query(url)),
        headers={name: scrub(value) for name, value in incoming.headers.items()},
        media_type=scrub(incoming.media_type),
        size=len(incoming.body),
        is_whole=incoming.is_whole,
        text=text,
        note=scrub(note),
    )


def _text(incoming: Incoming, scrub: Scrub) -> str | None:
    """The body without secrets, or None where it is no text. Takes its time."""
    declared = _CHARSET.search(incoming.headers.get("content-type", ""))
    charset = declared[1] if declared else ""
    if b"\x00" in incoming.body and not charset.lower().startswith(("utf-16", "utf-32")):
        return None
    return scrub(decode(incoming.body, charset, markup=False))
