"""The documents of a suite, held in memory: their pages, their hash, two tools that read them.

Knows no family and no task. For runs over files the documents are written into a folder; rollouts
read them through `page_tools`, which look and answer like `open` and `search` over a real corpus
and touch no disk.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from openswarm.core.errors import SettingsError, ToolError, UserError
from openswarm.tools.corpus import open as open_page
from openswarm.tools.corpus import search as search_pages
from openswarm.tools.corpus.chunks import CHUNK_BYTES, MAX_CHUNK_BYTES, cut
from openswarm.tools.corpus.corpus import Hit, Page
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

PAGE_BYTES = 2000
"""The usual size of a page, in bytes of UTF-8."""
_K1, _B = 1.2, 0.75
"""The two constants of BM25, at the values that search engines ship with."""
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[^/\\\x00-\x1f]{1,200}\.md")


@dataclass(frozen=True)
class _Chunk:
    """A piece of a page, and how often each word stands in it."""

    document: str
    page: int
    text: str
    words: Counter[str]
    size: int


@dataclass(frozen=True)
class Documents:
    """Documents by name. A name ends in `.md` and has no slash; a text is Markdown."""

    name: str
    """The corpus."""
    texts: Mapping[str, str]
    _pages: dict[tuple[str, int], tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _chunks: dict[tuple[str, int], tuple[_Chunk, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    _frequencies: dict[tuple[str, int], Counter[str]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        wrong = [name for name in self.texts if not _NAME.fullmatch(name)]
        if wrong:
            raise UserError(f"document name {wrong[0][:80]!r} is not like `name.md`")

    @cached_property
    def sha256(self) -> str:
        """The hash of all names and texts, sorted by name, as hex digits."""
        pairs = sorted(self.texts.items())
        return hashlib.sha256(json.dumps(pairs, ensure_ascii=False).encode()).hexdigest()

    def title(self, name: str) -> str:
        """The first line of a document without its heading marks."""
        return self.texts[name].partition("\n")[0].lstrip("# ").strip()

    def pages(self, name: str, page_bytes: int = PAGE_BYTES) -> tuple[str, ...]:
        """A document in windows of at most `page_bytes`, each ending where a paragraph ends.

        A paragraph that is longer is cut at a line, a sentence or a word. Joined, the windows are
        the document. Raises `KeyError` for an unknown name.
        """
        known = self._pages.get((name, page_bytes))
        if known is None:
            known = tuple(cut(self.texts[name], page_bytes, page_bytes)) or ("",)
            self._pages[name, page_bytes] = known
        return known

    def chunks(self, name: str, page_bytes: int = PAGE_BYTES) -> tuple[_Chunk, ...]:
        """The pieces of a document that a search ranks, each on one page."""
        known = self._chunks.get((name, page_bytes))
        if known is None:
            known = tuple(
                _Chunk(name, number, text, Counter(words), len(words))
                for number, page in enumerate(self.pages(name, page_bytes), 1)
                for text in cut(page, CHUNK_BYTES, MAX_CHUNK_BYTES)
                if (words := _words(f"{self.title(name)} {text}"))
            )
            self._chunks[name, page_bytes] = known
        return known

    def frequencies(self, name: str, page_bytes: int = PAGE_BYTES) -> Counter[str]:
        """In how many chunks of a document each word stands."""
        known = self._frequencies.get((name, page_bytes))
        if known is None:
            known = Counter(word for c in self.chunks(name, page_bytes) for word in c.words)
            self._frequencies[name, page_bytes] = known
        return known

    def write(self, folder: Path, scope: Sequence[str] | None = None) -> None:
        """Writes the documents (or those of `scope`) as files, for `openswarm run --over FOLDER`.

        Raises `UserError` for an unknown name, `SettingsError` if the folder cannot be written.
        """
        names = tuple(self.texts) if scope is None else tuple(scope)
        unknown = [name for name in names if name not in self.texts]
        if unknown:
            raise UserError(f"corpus {self.name} has no document {unknown[0][:80]!r}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                (folder / name).write_text(self.texts[name], encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write documents to {folder}: {error.strerror}") from None


def page_tools(
    documents: Documents, scope: Sequence[str], page_bytes: int = PAGE_BYTES
) -> tuple[Tool, Tool]:
    """`open` and `search` over the documents of a scope, in memory.

    They take the parameters and give the texts of the corpus tools of the same names; the data of
    a result is a `Page`, or the list of `Hit`s of each query. Raises `UserError` for a name that
    the documents do not have.
    """
    unknown = [name for name in scope if name not in documents.texts]
    if unknown:
        raise UserError(f"corpus {documents.name} has no document {unknown[0][:80]!r}")
    shelf = _Shelf(documents, tuple(scope), page_bytes)

    async def read(params: open_page.OpenParams, _: ToolContext) -> ToolResult:
        page = shelf.page(params.document, params.page)
        place = f"Page {page.page} of {page.pages}" + (
            ", the last." if page.page == page.pages else "."
        )
        text = fence(Document(f"{page.document}#{page.page}", page.text.strip("\n")))
        return ToolResult(f"{place}\n{text}", display=place, data=page)

    async def find(params: search_pages.SearchParams, _: ToolContext) -> ToolResult:
        found = [shelf.search(query) for query in params.queries]
        text = _result_text(params.queries, found, 2 * page_bytes)
        return ToolResult(text, display=f"{sum(map(len, found))} places", data=found)

    opening = prompt_text(open_page.__file__)
    searching = prompt_text(search_pages.__file__)
    return (
        Tool("open", opening, open_page.OpenParams, read, read_only=True),
        Tool("search", searching, search_pages.SearchParams, find, read_only=True),
    )


@dataclass(frozen=True)
class _Shelf:
    """The documents of one scope."""

    documents: Documents
    scope: tuple[str, ...]
    page_bytes: int

    def page(self, document: str, page: int) -> Page:
        """A page. Raises `ToolError` that says what there is instead."""
        name = self._named(document)
        pages = self.documents.pages(name, self.page_bytes)
        if page > len(pages):
            raise ToolError(f"{name} has the pages 1 to {len(pages)}; there is no page {page}.")
        return Page(name, self.documents.title(name), page, len(pages), pages[page - 1])

    def search(self, query: str) -> list[Hit]:
        """The chunks of the scope that BM25 ranks first, at most as many as a search shows."""
        weights = {word: self._weight(word) for word in set(_words(query))}
        weights = {word: weight for word, weight in weights.items() if weight}
        scored = (
            (_score(chunk, weights, self._mean), -number, chunk)
            for number, chunk in enumerate(self._all)
        )
        best = sorted(
            (entry for entry in scored if entry[0] > 0), reverse=True, key=lambda e: e[:2]
        )
        return [
            Hit(chunk.document, self.documents.title(chunk.document), chunk.page,
                chunk.text.strip(), score)
            for score, _, chunk in best[: search_pages.HITS]
        ]  # fmt: skip

    def _named(self, document: str) -> str:
        """The name in the scope, whatever its case and with or without `.md` or a page."""
        wanted = document.strip().partition("#")[0].casefold()
        by_fold = {name.casefold(): name for name in self.scope}
        found = by_fold.get(wanted) or by_fold.get(f"{wanted}.md")
        if found is None:
            near = get_close_matches(wanted, by_fold, n=3) or list(by_fold)[:3]
            names = ", ".join(by_fold[name] for name in near)
            raise ToolError(f"There is no document {document[:80]!r}; there are {names}, …")
        return found

    @cached_property
    def _all(self) -> list[_Chunk]:
        return [
            chunk for name in self.scope for chunk in self.documents.chunks(name, self.page_bytes)
        ]

    @cached_property
    def _mean(self) -> float:
        return sum(chunk.size for chunk in self._all) / max(len(self._all), 1)

    def _weight(self, word: str) -> float:
        """The inverse document frequency of a word over the chunks of the scope."""
        having = sum(self.documents.frequencies(n, self.page_bytes)[word] for n in self.scope)
        return math.log(1 + (len(self._all) - having + 0.5) / (having + 0.5)) if having else 0.0


def _score(chunk: _Chunk, weights: Mapping[str, float], mean: float) -> float:
    """BM25 of a chunk for words with their inverse document frequencies."""
    norm = _K1 * (1 - _B + _B * chunk.size / mean)
    return sum(
        weight * count * (_K1 + 1) / (count + norm)
        for word, weight in weights.items()
        if (count := chunk.words[word])
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _result_text(queries: Sequence[str], found: Sequence[Sequence[Hit]], room: int) -> str:
    """The hits by query, each place once, within `room` bytes but for the first of a query."""
    share = room // len(queries)
    known: set[tuple[str, str]] = set()
    lines: list[str] = []
    for query, hits in zip(queries, found, strict=True):
        lines.append(f"## {' '.join(query.split())}")
        new = [hit for hit in hits if (hit.document, hit.text) not in known]
        left = share
        for number, hit in enumerate(new):
            text = search_pages.shown(hit)
            left -= len(text.encode())
            if left < 0 and number:
                break
            known.add((hit.document, hit.text))
            lines.append(text)
        if not hits:
            lines.append("Nothing has these words. Try others.")
        elif not new:
            lines.append("The places found are shown above.")
    return "\n".join(lines)
