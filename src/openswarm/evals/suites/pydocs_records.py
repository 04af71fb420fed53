"""A page of Python's library reference as a digest and the version notes that it holds.

Owns the reading of the HTML that Sphinx wrote. Knows no task and no network.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal

from openswarm.core.errors import UserError

Change = Literal["added", "changed", "deprecated"]
"""The classes that Sphinx gives to `versionmodified` spans."""

MAX_PAGE_CHARS = 4_000_000
MAX_DEPTH = 120
ENTRY_CHARS, SECTION_CHARS, NOTE_CHARS = 420, 700, 300
"""Of the first paragraph of an entry, of a section, and of a note; what is longer is cut."""

SECTION_PARAGRAPHS = 2
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
VOID = frozenset({"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"})
CHANGES: dict[str, Change] = {
    "versionadded": "added", "versionchanged": "changed", "deprecated": "deprecated",
}  # fmt: skip
VERSION = re.compile(r"version (3\.\d{1,2}(?:\.\d{1,2})?)(?=\.?(?:[:,\s]|$))")
"""One of Python's; those with a distribution's own suffix are passed over."""
NOTHING = "No description."
"""What stands under an entry without one, so that it does not seem to share the next one's."""


@dataclass(slots=True)
class Node:
    """An element: its tag, its classes, its id, and elements and text in order."""

    tag: str
    classes: tuple[str, ...] = ()
    id: str = ""
    children: list["Node | str"] = field(default_factory=list)

    def elements(self) -> Iterator["Node"]:
        """The child elements."""
        return (child for child in self.children if isinstance(child, Node))

    def find(self, tag: str, name: str = "") -> "Node | None":
        """The first element of that tag and class in document order, this one included."""
        if self.tag == tag and (not name or name in self.classes):
            return self
        return next((hit for child in self.elements() if (hit := child.find(tag, name))), None)

    def text(self) -> str:
        """All text in one line, links to headings left out."""
        return " ".join("".join(self._words()).split())

    def _words(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif "headerlink" not in child.classes:
                yield from child._words()


@dataclass(frozen=True, slots=True)
class Mark:
    """One version note that concerns a whole entry, or a change of it."""

    object: str
    """The full name, such as `pathlib.Path.walk`."""
    kind: str
    """As Sphinx calls it: function, class, method, attribute, exception, data, module, …"""
    change: Change
    version: str
    """Two or three numbers, such as `3.11` or `3.5.2`."""
    whole: bool
    """Whether nothing follows the note's version: `New in version 3.11.` and no more."""


@dataclass(frozen=True, slots=True)
class DocPage:
    """A page of the reference: its name (`asyncio-task`), digest and notes."""

    name: str
    text: str
    marks: tuple[Mark, ...]


def read_page(name: str, html: str) -> DocPage:
    """A page from its HTML. Raises `UserError` where it is too large, too deep or no reference."""
    if len(html) > MAX_PAGE_CHARS:
        raise UserError(f"{name}: a page has at most {MAX_PAGE_CHARS} characters")
    reader = _Reader(name)
    reader.feed(html)
    body = reader.root.find("div", "body")
    section = body and body.find("section")
    if section is None:
        raise UserError(f"{name}: there is no section in the page's body")
    digest = _Digest()
    digest.section(section, module=_module(section))
    return DocPage(name, "\n\n".join((*digest.blocks, "")).rstrip() + "\n", tuple(digest.marks))


def _module(section: Node) -> str:
    names = (section.id, *(span.id for span in section.elements() if span.tag == "span"))
    found = [name for name in names if name.startswith("module-")]
    return found[0].removeprefix("module-") if found else ""


class _Reader(HTMLParser):
    """Elements of one page, within `MAX_DEPTH`."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.name = name
        self.root = Node("html")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        node = Node(tag, tuple((known.get("class") or "").split()), known.get("id") or "")
        self._open[-1].children.append(node)
        if tag in VOID:
            return
        if len(self._open) >= MAX_DEPTH:
            raise UserError(f"{self.name}: elements stand more than {MAX_DEPTH} deep")
        self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


class _Digest:
    """Headings, first paragraphs, entries and their notes, as Markdown blocks."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.marks: list[Mark] = []

    def section(self, node: Node, *, module: str = "") -> None:
        """A section: its heading, first paragraphs and notes, then its entries and sections.

        Notes come before entries, so that none seems to belong to the entry above it.
        """
        owners = [(module, "module")] if module else []
        paragraphs = 0
        for child in node.elements():
            if child.tag in HEADINGS:
                self.blocks.append("#" * int(child.tag[1]) + " " + child.text())
                self.blocks += [f"Module: {module}"] if module else []
            elif child.tag == "p" and paragraphs < SECTION_PARAGRAPHS:
                paragraphs += 1
                self.blocks.append(cut(child.text(), SECTION_CHARS))
            elif _change(child):
                self._note(child, owners)
        for child in node.elements():
            if child.tag == "section":
                self.section(child)
            elif _is_entry(child):
                self.entry(child)

    def entry(self, node: Node) -> None:
        """A definition: its signatures in one block, its paragraph, its notes, what is in it."""
        kind = node.classes[1]
        owners = [(child.id, kind) for child in node.elements() if child.tag == "dt" and child.id]
        headings = [
            f"#### {kind} {child.id}{_parameters(child)}"
            for child in node.elements()
            if child.tag == "dt" and child.id
        ]
        self.blocks += ["\n".join(headings)] if headings else []
        inside = [part for dd in node.elements() if dd.tag == "dd" for part in dd.elements()]
        first = next((part for part in inside if part.tag == "p"), None)
        self.blocks.append(cut(first.text(), ENTRY_CHARS) if first else NOTHING)
        for part in inside:
            if _change(part):
                self._note(part, owners)
        for part in inside:
            if _is_entry(part):
                self.entry(part)

    def _note(self, node: Node, owners: list[tuple[str, str]]) -> None:
        change, span = _change(node), node.find("span", "versionmodified")
        version = VERSION.search(span.text()) if span else None
        if change is None or span is None or version is None or not owners:
            return
        text = node.text()
        self.blocks.append(cut(text, NOTE_CHARS))
        whole = text == span.text() and text.endswith(".")
        self.marks += [Mark(name, kind, change, version[1], whole) for name, kind in owners]


def _change(node: Node) -> Change | None:
    found = [CHANGES[name] for name in node.classes if node.tag == "div" and name in CHANGES]
    return found[0] if found else None


def _is_entry(node: Node) -> bool:
    return node.tag == "dl" and len(node.classes) == 2 and node.classes[0] == "py"


def _parameters(node: Node) -> str:
    _, bracket, rest = node.text().partition("(")
    return cut(bracket + rest, ENTRY_CHARS)


def cut(text: str, limit: int) -> str:
    """The text, or what of it fits in `limit` characters up to a word, and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"
