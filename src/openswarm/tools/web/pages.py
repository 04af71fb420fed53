"""A page of the web as text: its links numbered, cut into parts that a model reads one by one.

Text and links are kept as one text, the links as a list at its end, so that what a journal holds
of a page is all of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urljoin

from openswarm.tools.corpus.html_text import Anchor

MAX_LINKS = 500
MAX_TARGET_CHARS = 2000
MAX_LABEL_CHARS = 120
_LINK = re.compile(
    r"\[((?:[^\[\]\\]|\\.){0,500}+)\]"  # its words
    r"\((?:<([^<>\n]{0,2000})>|([^()\s<>]{1,2000}))\)"  # its target
)
_LISTED = re.compile(r"\[(\d+)\]: (\S+)(?: (.*))?")


class Link(NamedTuple):
    """Where a page leads."""

    target: str
    """An absolute address, http or https."""
    text: str

    def line(self, number: int) -> str:
        """As it stands in a list: `[1]: http://… its text`."""
        return f"[{number}]: {self.target} {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or another body, as it was fetched."""

    url: str
    """What was asked for."""
    address: str
    """Where it was found, after redirects."""
    status: int
    media_type: str
    title: str
    text: str
    """Markdown, links marked `[1]`; '' where the body is not text."""
    links: tuple[Link, ...]
    """The targets, the first is `[1]`; those that the text does not name are the page's others."""
    blob: str
    """The body as it came, by its name in the journal."""
    size: int
    """Bytes of the body."""
    problem: str = ""
    """Why there is no text."""

    def __str__(self) -> str:
        """The text."""
        return self.text


def number_links(markdown: str, anchors: Sequence[Anchor], base: str) -> tuple[str, list[Link]]:
    """The text with a number in place of each link's target, and the links.

    Equal targets share a number. The page's other anchors follow after those of the text.
    """
    numbers: dict[str, int] = {}
    links: list[Link] = []

    def number(target: str, text: str) -> int:
        address = _absolute(base, target)
        if address and address not in numbers and len(links) < MAX_LINKS:
            links.append(Link(address, " ".join(text.split())[:MAX_LABEL_CHARS]))
            numbers[address] = len(links)
        return numbers.get(address, 0)

    labels = {anchor.target: anchor.text for anchor in anchors}

    def mark(match: re.Match[str]) -> str:
        target = match[2] or match[3] or ""
        found = number(target, match[1] or labels.get(target, ""))
        return f"{match[1]}[{found}]" if found else match[1]

    text = _LINK.sub(mark, markdown)
    for anchor in anchors:
        if anchor.text:
            number(anchor.target, anchor.text)
    return text, links


def _absolute(base: str, target: str) -> str:
    """An address that can be fetched, without a fragment; '' for anything else."""
    try:
        address = urljoin(base, target.strip()).partition("#")[0]
    except ValueError:
        return ""
    is_web = address.startswith(("http://", "https://")) and address != base.partition("#")[0]
    return re.sub(r"\s", "%20", address) if is_web and len(address) <= MAX_TARGET_CHARS else ""


def joined(text: str, links: Sequence[Link]) -> str:
    """Text and links as one text."""
    if not links:
        return text
    lines = [link.line(number) for number, link in enumerate(links, 1)]
    return "\n".join([text.rstrip("\n"), "", *lines])


def parted(whole: str) -> tuple[str, tuple[Link, ...]]:
    """What `joined` joined."""
    lines = whole.split("\n")
    links: list[Link] = []
    for line in reversed(lines):
        match = _LISTED.fullmatch(line)
        if match is None:
            break
        links.append(Link(match[2], match[3] or ""))
        if match[1] == "1":
            break
    count = len(links)
    if not count or not lines[-count].startswith("[1]: ") or not lines[-1].startswith(f"[{count}]"):
        return whole, ()
    return "\n".join(lines[:-count]).rstrip("\n"), tuple(reversed(links))


def part(text: str, number: int, part_chars: int) -> tuple[str, int]:
    """One part of a text, counted from 1, and how many there are; '' beyond the last."""
    starts = _starts(text, part_chars)
    if number > len(starts):
        return "", len(starts)
    end = starts[number] if number < len(starts) else len(text)
    return text[starts[number - 1] : end].strip("\n"), len(starts)


def _starts(text: str, part_chars: int) -> list[int]:
    """Where each part begins: at a paragraph or a line, if one begins near the end of a part."""
    starts = [0]
    while starts[-1] + part_chars < len(text):
        start = starts[-1]
        least, most = start + part_chars * 3 // 4, start + part_chars
        cuts = (text.rfind(mark, least, most) for mark in ("\n\n", "\n", " "))
        starts.append(next((cut + 1 for cut in cuts if cut >= 0), most))
    return starts
