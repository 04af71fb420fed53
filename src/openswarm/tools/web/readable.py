"""From the bytes of a body to what of it is text: HTML with its links, PDF, JSON, CSV, plain text.

A pure function of body, type and address; what has no text is `Unreadable`, and says what it is.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from openswarm.tools.corpus.html_text import read_html
from openswarm.tools.corpus.readers import MAX_TITLE_CHARS, Reading, Unreadable, read
from openswarm.tools.web.charsets import decode
from openswarm.tools.web.pages import Link, number_links

MAX_PARSED_CHARS = 3_000_000
"""HTML beyond this size is not searched for its main text: all of it is shown."""
SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/pdf": ".pdf",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
}
"""What a media type is called as a file."""
_TEXT_TYPES = ("application/xml", "application/javascript", "application/yaml",
               "application/x-yaml", "application/toml", "application/sql", "application/x-sh",
               "application/rtf")  # fmt: skip
_TEXT_SUFFIXES = frozenset({".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".ndjson",
                            ".html", ".htm", ".xhtml", ".markdown", ".geojson"})  # fmt: skip
_BASE = re.compile(r"""<base\b[^<>]{0,300}?href\s?=\s?["']?([^"'\s<>]{1,2000})""", re.IGNORECASE)
_BASE_WITHIN = 65536
_UNTYPED = ("", "application/octet-stream", "binary/octet-stream", "application/unknown")


class Text(NamedTuple):
    """What a body says."""

    title: str
    text: str
    links: Sequence[Link] = ()


def readable(body: bytes, media_type: str, charset: str, address: str) -> Text:
    """The text of a body. Raises `Unreadable`."""
    if not body:
        raise Unreadable("it is empty")
    suffix = format_of(body, media_type, address)
    if suffix == ".html":
        return _html(decode(body, charset), address)
    if suffix == ".pdf":
        reading = read(body, "page.pdf")
    else:
        text = decode(body, charset, markup=suffix == ".xml")
        reading = read(text.encode("utf-8", "replace"), "page" + suffix)
    return Text(_title(reading), reading.text)


def format_of(body: bytes, media_type: str, address: str) -> str:
    """The suffix of a format that is text or PDF. Raises `Unreadable` for all others."""
    media_type = media_type.casefold()
    if body.startswith(b"%PDF-"):
        return ".pdf"
    if media_type in SUFFIXES:
        return SUFFIXES[media_type]
    named = PurePosixPath(unquote(urlsplit(address).path)).suffix.casefold()
    named = named if named in _TEXT_SUFFIXES else ".txt"
    if media_type in _UNTYPED:
        return _sniffed(body, named)
    if media_type.endswith("+json"):
        return ".json"
    if media_type.endswith("xml") or media_type in _TEXT_TYPES:
        return ".xml"
    if media_type.startswith("text/"):
        return ".html" if _is_html(body) and media_type != "text/plain" else named
    advice = "; the browser tool can show it" if media_type.startswith("image/") else ""
    raise Unreadable(f"it is {media_type[:80]}, {len(body)} bytes, and not text{advice}")


def _sniffed(body: bytes, named: str) -> str:
    """The format of what came without a type."""
    if _is_html(body):
        return ".html"
    if b"\0" in body[:4096] and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"it is binary, {len(body)} bytes, and not text")
    return named


def _is_html(body: bytes) -> bool:
    start = body[:1024].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (
        start.startswith(b"<") and b"<html" in start
    )


def _html(page: str, address: str) -> Text:
    try:
        found = read_html(page, links=True, whole=len(page) > MAX_PARSED_CHARS)
    except (ValueError, AssertionError, RecursionError) as error:
        raise Unreadable(f"it is not HTML that can be read ({str(error)[:100]})") from None
    base = _BASE.search(page[:_BASE_WITHIN])
    address = urljoin(address, base[1]) if base else address
    text, links = number_links(found.text, found.anchors, address)
    text = text.replace("\0", "").strip()
    if not text:
        raise Unreadable("it has no text; if it is made by scripts, the browser tool can show it")
    reading = read(text.encode("utf-8", "replace"), "page.md")
    return Text(found.title[:MAX_TITLE_CHARS] or _title(reading), reading.text, links)


def _title(reading: Reading) -> str:
    """Of a page that names itself; the reader's own word for one that does not is left out."""
    return "" if reading.title == "page" else reading.title
