"""How text from outside is put before a model: fenced and named, as data.

Quotes are checked against what stands inside these fences, so what an agent has read can be
told from its conversation alone.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Document(NamedTuple):
    """A piece of a source as a model read it."""

    source: str
    """The document and page (`chile.md#2`), or the URL."""
    text: str


_MARK = re.compile(r"<(/?)(document)", re.IGNORECASE)
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_FENCE = re.compile(r'<document source="([^"\n]*)">\n(.*?)\n</document>', re.DOTALL)


def fence(document: Document) -> str:
    """The document between marks that its own text cannot forge."""
    source = _LINE_ENDS.sub(" ", _MARK.sub(r"<\1 \2", document.source.replace('"', "'")))
    text = _MARK.sub(r"<\1 \2", document.text)
    return f'<document source="{source}">\n{text}\n</document>'


def fenced(text: str) -> Iterator[Document]:
    """The documents that stand in a text."""
    for match in _FENCE.finditer(text):
        yield Document(match[1], match[2])
