"""The one form of what web search finds, and how a stranger's answer is read into it.

Every text is bounded and plain; what is not there is ''.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MAX_TITLE = 200
MAX_SNIPPET = 1_000
MAX_URL = 2_000
MAX_DATE = 40
MAX_HITS = 20

_TAG = re.compile(r"</?(?:strong|b|em|i|mark|span|br)\b[^<>]{0,100}>", re.IGNORECASE)
"""The marks that providers put around words that were looked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One page that was found."""

    title: str
    url: str
    """http or https; '' where a model answered and named no page."""
    snippet: str
    date: str = ""
    """As the provider writes it."""


class NoResults(Exception):
    """An answer that is not of the form that its provider promises; the text says what is wrong."""


def read_hits(entries: Any, fields: Mapping[str, str]) -> list[Hit]:
    """The hits of a list of objects; `fields` names the members that `Hit`'s fields stand in.

    Entries without a web address are left out. Raises `NoResults` where nothing can be used.
    """
    if not isinstance(entries, list):
        raise NoResults("it has no list of results")
    objects = [entry for entry in entries[:MAX_HITS] if isinstance(entry, dict)]
    hits = [hit for entry in objects if (hit := _hit(entry, fields)) is not None]
    if entries and not hits:
        raise NoResults("none of its results has an address")
    return hits


def plain(value: Any, limit: int) -> str:
    """A text of an answer, without markup and line breaks, at most `limit` characters long."""
    if not isinstance(value, str):
        return ""
    text = html.unescape(_TAG.sub("", value[: limit * 4]))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def joined(values: Any) -> str:
    """Several pieces of a page as one text."""
    pieces: Iterable[Any] = values if isinstance(values, list) else ()
    return " … ".join(piece for piece in pieces if isinstance(piece, str))


def same_page(url: str) -> str:
    """What two addresses of one page have in common."""
    parts = urlsplit(url)
    return f"{parts.netloc.casefold()}{parts.path.rstrip('/')}?{parts.query}"


def _hit(entry: Mapping[str, Any], fields: Mapping[str, str]) -> Hit | None:
    url = entry.get(fields["url"])
    if not isinstance(url, str) or not is_web_address(url):
        return None
    return Hit(
        title=plain(entry.get(fields["title"]), MAX_TITLE),
        url=url.strip(),
        snippet=plain(entry.get(fields["snippet"]), MAX_SNIPPET),
        date=plain(entry.get(fields["date"]), MAX_DATE),
    )


def is_web_address(url: str) -> bool:
    """Whether a text is an address that could be fetched, as far as its form goes."""
    if len(url) > MAX_URL or any(character.isspace() for character in url.strip()):
        return False
    try:
        parts = urlsplit(url.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
