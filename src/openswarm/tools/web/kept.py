"""The pages of a run, as its journal holds them: found by address, read back where memory is short.

An earlier process's pages are found the same way, so a resumed run fetches nothing twice.
"""

from collections import OrderedDict

import anyio.to_thread
from yarl import URL

from openswarm.core.errors import JournalError
from openswarm.core.events import PageFetched
from openswarm.journal.journal import Journal
from openswarm.tools.web.client import Answer
from openswarm.tools.web.pages import Link, Page, joined, parted
from openswarm.tools.web.readable import Text

KEPT_CHARS = 8_000_000
"""Text that is held in memory; what is older is read back from the journal."""


class KeptPages:
    """The pages of a run: their events by address, and as many whole pages as memory may hold."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._events: dict[URL, PageFetched] = {}
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._chars = 0

    def restore(self, event: PageFetched) -> None:
        """Takes back what an earlier process fetched."""
        for address in (event.url, event.address):
            self._events.setdefault(URL(address), event)

    async def find(self, address: URL) -> Page | None:
        """The page of an address, by what was asked for or by where it was found."""
        event = self._events.get(address)
        if event is None:
            return None
        page = self._pages.get(event.url)
        if page is not None:
            self._pages.move_to_end(event.url)
            return page
        try:
            whole = await anyio.to_thread.run_sync(self._journal.read, event.text)
        except JournalError:
            return None  # its blob is gone: it is fetched again
        text, links = parted(whole)
        problem = "" if text else f"it has no text that can be read ({event.media_type})"
        return self._hold(_page(event, text, links, problem))

    def add(self, url: URL, answer: Answer, read: Text, problem: str, holder: str) -> Page:
        """Writes a page that arrived to the journal."""
        whole = joined(read.text, read.links)
        event = PageFetched(
            url=str(url),
            address=str(answer.url),
            status=answer.status,
            media_type=answer.media_type,
            title=read.title,
            size=len(answer.body),
            blob=self._journal.keep_bytes(answer.body),
            text=self._journal.keep(whole),
        )
        event = self._journal.append(event.model_copy(update={"agent": holder or event.agent}))
        self.restore(event)
        return self._hold(_page(event, *parted(whole), problem))

    def _hold(self, page: Page) -> Page:
        if old := self._pages.pop(page.url, None):
            self._chars -= len(old.text)
        self._pages[page.url] = page
        self._chars += len(page.text)
        while self._chars > KEPT_CHARS and len(self._pages) > 1:
            self._chars -= len(self._pages.popitem(last=False)[1].text)
        return page


def _page(event: PageFetched, text: str, links: tuple[Link, ...], problem: str) -> Page:
    return Page(
        url=event.url,
        address=event.address,
        status=event.status,
        media_type=event.media_type,
        title=event.title,
        text=text,
        links=links,
        blob=event.blob,
        size=event.size,
        problem=problem,
    )
