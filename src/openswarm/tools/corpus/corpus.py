"""The corpus of a task: open it once, then search, read and quote its documents.

Owns the public interface and what a page is. Files are found by `discovery`, fetched by
`download`, brought into the index by `sync`; the statements are in `index`.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from openswarm.core.errors import ToolError, UserError
from openswarm.tools.corpus.chunks import MAX_CHUNK_BYTES, Chunk, size_of
from openswarm.tools.corpus.discovery import Found, Skipped, find_files, is_url, resolve
from openswarm.tools.corpus.download import download
from openswarm.tools.corpus.index import Index, Match, Row
from openswarm.tools.corpus.lookup import find_document, named_document
from openswarm.tools.corpus.passages import GAPS, best_passages
from openswarm.tools.corpus.ranking import reranked
from openswarm.tools.corpus.scanning import SCANS_AT_ONCE, ScanRequest, run_scan
from openswarm.tools.corpus.sync import Progress, locked, synchronise
from openswarm.tools.corpus.words import match_expression
from openswarm.tools.documents import Document

PAGE_BYTES = 8000
"""The usual size of a page; it may be 800 bytes longer, since it ends where a chunk ends."""
MAX_HITS = 50
CANDIDATES = 50
"""How many chunks are ranked again, line by line."""
_ALL_WORDS = 2.0
"""What a chunk with all words has ahead of those with some: more than these can score."""
WHOLE_BYTES = 256 * 1024
"""Up to this size a document's passages are chosen among all of its lines."""

P = ParamSpec("P")
T = TypeVar("T")


class Hit(NamedTuple):
    """A place in a document that answers a search. A higher score is better."""

    document: str
    title: str
    page: int
    text: str
    score: float


class Page(NamedTuple):
    """One page of a document; pages are counted from 1."""

    document: str
    title: str
    page: int
    pages: int
    text: str


def ignore(done: int, total: int) -> None:
    """For callers that do not show how far it is."""


class Corpus:
    """The documents of a task. Every method may be called by many agents at once.

    Page numbers are those of pages of `page_bytes`, the corpus's own size unless a call names
    another.
    """

    def __init__(
        self, index: Index, documents: int, skipped: tuple[Skipped, ...], page_bytes: int
    ) -> None:
        self._index = index
        self.documents = documents
        """How many there are."""
        self.skipped = skipped
        """What was left out, and why."""
        self.page_bytes = page_bytes
        self._scans = anyio.CapacityLimiter(SCANS_AT_ONCE)

    @classmethod
    async def open(
        cls,
        sources: Sequence[str],
        folder: Path,
        *,
        progress: Progress = ignore,
        page_bytes: int = PAGE_BYTES,
    ) -> "Corpus":
        """The corpus of files, folders and addresses, its index in `folder` up to date.

        Raises `UserError` if a source does not exist or nothing can be read, `SettingsError` if
        the folder cannot be written.
        """
        urls, roots = await anyio.to_thread.run_sync(check_sources, sources)
        key = "\n".join([*map(str, roots), *urls])
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        async with locked(folder / f"{name}.lock"):
            found = await anyio.to_thread.run_sync(find_files, roots)
            pages = await download(urls, folder / "pages") if urls else Found((), ())
            index = Index(folder / f"{name}.db")
            await anyio.to_thread.run_sync(index.prepare)
            unreadable = await synchronise(index, (*found.files, *pages.files), progress)
            count = await anyio.to_thread.run_sync(index.count)
        skipped = (*found.skipped, *pages.skipped, *unreadable)
        if not count:
            raise UserError(_nothing_readable(sources, skipped))
        return cls(index, count, skipped, page_bytes)

    async def names(self, limit: int) -> list[str]:
        """The first names of documents, in order."""
        return await _in_thread(self._index.names, limit)

    async def search(
        self, query: str, k: int = 5, document: str | None = None, *, page_bytes: int = 0
    ) -> list[Hit]:
        """The `k` chunks that fit free text best, in one document or in all.

        Chunks with all of the words go first, then those with some. Raises `ToolError` for an
        unknown document.
        """
        row = await self._named(document) if document else None
        matches = await _in_thread(self._matches, query, min(k, MAX_HITS), row)
        return [_hit(match, page_bytes or self.page_bytes) for match in matches]

    async def page(self, document: str, page: int, page_bytes: int = 0) -> Page:
        """A page of a document. Raises `ToolError` that names what there is instead."""
        row = await self._named(document)
        return await _in_thread(self._page, row, page, page_bytes or self.page_bytes)

    async def find(self, item: str) -> str | None:
        """The name of the document that is about an item, or None if none clearly is."""
        row = await _in_thread(find_document, self._index, item)
        return row.name if row else None

    async def grep(
        self, pattern: str, *, documents: str = "*", limit: int = 50, page_bytes: int = 0
    ) -> list[Hit]:
        """The lines that a regular expression of Python matches, in the documents of a glob.

        It runs line by line in a process of its own, which is killed after `scanning.SCAN_S`
        seconds, so no pattern, however it is written, holds up anything else; a match never
        spans lines. Raises `ToolError` for a pattern that is wrong, too long or too slow.
        """
        request = ScanRequest(str(self._index.path), pattern, documents, min(limit, MAX_HITS))
        async with self._scans:
            found = await run_scan(request)
        size = page_bytes or self.page_bytes
        return [
            Hit(line.name, line.title, _page_at(line.offset, size), line.line, 0.0)
            for line in found
        ]

    async def passages(
        self,
        document: str,
        queries: Sequence[str],
        budget_bytes: int,
        *,
        page_bytes: int = 0,
    ) -> list[Document]:
        """The lines of a document that answer the queries best, in order, one text a page.

        The texts together are at most `budget_bytes`. A query may be `name: definition`; the
        words of the name weigh more. Raises `ToolError` for an unknown document.
        """
        row = await self._named(document)
        size = page_bytes or self.page_bytes
        return await _in_thread(self._passages, row, queries, budget_bytes, size)

    async def _named(self, document: str) -> Row:
        return await _in_thread(named_document, self._index, document)

    def _matches(self, query: str, k: int, document: Row | None) -> list[Match]:
        every, some = match_expression(query), match_expression(query, "OR")
        if not every:
            return []
        matches = self._index.search(every, CANDIDATES, document)
        whole = {(match.document.id, match.chunk.offset) for match in matches}
        if len(matches) < k and some != every:
            found = self._index.search(some, CANDIDATES, document)
            matches += [m for m in found if (m.document.id, m.chunk.offset) not in whole]
        ranked = [
            match._replace(score=match.score + _ALL_WORDS)
            if (match.document.id, match.chunk.offset) in whole
            else match
            for match in reranked(query, matches)
        ]
        return sorted(ranked, key=lambda match: -match.score)[:k]

    def _page(self, row: Row, page: int, page_bytes: int) -> Page:
        size = max(page_bytes, MAX_CHUNK_BYTES)
        pages = _page_at(self._index.last_offset(row), size)
        if not 1 <= page <= pages:
            raise ToolError(f"{row.name} has the pages 1 to {pages}; there is no page {page}.")
        chunks = self._index.chunks(row, (page - 1) * size, page * size)
        return Page(row.name, row.title, page, pages, "".join(chunk.text for chunk in chunks))

    def _passages(
        self, row: Row, queries: Sequence[str], budget_bytes: int, page_bytes: int
    ) -> list[Document]:
        chunks = self._chunks_for(row, queries)
        starts = [chunk.offset for chunk in chunks]
        by_page: dict[int, list[str]] = {}
        for passage in best_passages(_joined(chunks), row.kind, queries, budget_bytes):
            start = starts[bisect_right(starts, passage.offset) - 1]
            by_page.setdefault(_page_at(start, page_bytes), []).append(passage.text)
        gap = GAPS[row.kind]
        return [Document(f"{row.name}#{page}", gap.join(texts)) for page, texts in by_page.items()]

    def _chunks_for(self, row: Row, queries: Sequence[str]) -> list[Chunk]:
        """A document whole, or the parts of a long one that the queries lead to."""
        if self._index.last_offset(row) < WHOLE_BYTES:
            return self._index.chunks(row)
        found: dict[int, Chunk] = {}
        for query in queries:
            expression = match_expression(query, "OR")
            for match in self._index.search(expression, 16, row) if expression else ():
                # with its neighbours, since a line may begin before the chunk
                start = max(match.chunk.offset - 2 * MAX_CHUNK_BYTES, 0)
                for chunk in self._index.chunks(row, start, match.chunk.offset + MAX_CHUNK_BYTES):
                    found[chunk.offset] = chunk
        return [found[offset] for offset in sorted(found)]


def _joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Neighbouring chunks put together."""
    stretches: list[Chunk] = []
    parts: list[str] = []
    end = -1
    for chunk in chunks:
        if chunk.offset != end:
            if stretches:
                stretches[-1] = stretches[-1]._replace(text="".join(parts))
            stretches.append(chunk)
            parts = []
        parts.append(chunk.text)
        end = chunk.offset + size_of(chunk.text)
    if stretches:
        stretches[-1] = stretches[-1]._replace(text="".join(parts))
    return stretches


def _hit(match: Match, page_bytes: int) -> Hit:
    row, chunk = match.document, match.chunk
    page = _page_at(chunk.offset, page_bytes)
    return Hit(row.name, row.title, page, chunk.text.strip(), match.score)


def _page_at(offset: int, page_bytes: int) -> int:
    """The page on which a chunk is shown: the one in which it begins. So no page is empty."""
    return offset // max(page_bytes, MAX_CHUNK_BYTES) + 1


def check_sources(sources: Sequence[str]) -> tuple[list[str], list[Path]]:
    """The addresses and the real paths among the sources, each once, in a settled order.

    Raises `UserError` for a path that is not there and an address that is none.
    """
    if not sources:
        raise UserError("no source given; name files, folders or addresses with --over")
    urls = sorted({source for source in sources if is_url(source)})
    for url in urls:
        try:
            valid = bool(urlsplit(url).hostname)
        except ValueError:
            valid = False
        if not valid:
            raise UserError(f"--over {url}: this is not an address; check it")
    return urls, sorted({resolve(source) for source in sources if not is_url(source)})


def _nothing_readable(sources: Sequence[str], skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(f"{entry.source}: {entry.reason}" for entry in skipped[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    why = f" ({reasons}{more})" if reasons else ", it is empty"
    return (
        f"nothing to read in {', '.join(sources)[:500]}{why}. Name files or folders with text,"
        " Markdown, HTML, JSON, CSV, PDF or source code"
    )


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))
