"""The tool `fetch`: a page of the web as text, part by part; and the same as a plain function."""

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.errors import ToolError
from openswarm.core.tooling import WebSettings
from openswarm.pacing.limiter import Pacing
from openswarm.tools.documents import Document, fence
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text
from openswarm.tools.web.client import MAX_URL_CHARS, shown
from openswarm.tools.web.fetcher import Fetcher, open_fetcher
from openswarm.tools.web.pages import Page, part

PAGE_CHARS = 8_000
SHOWN_LINKS = 40
"""Links that are listed below one part of a page."""
_NUMBER = re.compile(r"\[(\d{1,4})\]")


class FetchParams(BaseModel):
    """What `fetch` is called with."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        min_length=1, max_length=MAX_URL_CHARS, description="The address, http or https."
    )
    page: int = Field(1, ge=1, description="The part of the page, counted from 1.")


def fetch_tool(fetcher: Fetcher, page_chars: int = PAGE_CHARS) -> Tool:
    """The tool over a run's fetcher, with parts of about `page_chars` characters."""

    async def run(params: FetchParams, context: ToolContext) -> ToolResult:
        page = await fetcher.fetch(params.url, context.agent)
        text, count = _part_of(page, params.page, page_chars)
        address = shown(page.address)
        place = f"Page {params.page} of {count}{', the last' * (params.page == count)}."
        if params.page == 1 and page.title and page.title not in text:
            text = f"# {page.title}\n\n{text}"
        links = _links_below(page, text, others=params.page == count)
        document = Document(f"{address}#{params.page}", f"{text}{links}")
        return ToolResult(
            f"{page.status} {page.media_type}. {place}\n{fence(document)}",
            display=f"{place[:-1]} of {address}",
            data=replace(page, text=text),
        )

    return Tool("fetch", prompt_text(__file__), FetchParams, run, read_only=True)


async def fetch(url: str, *, allow_hosts: Sequence[str] = (), page: int = 0) -> Page:
    """The page at an address; `page` chooses one part of its text, 0 all of it.

    Hosts of private networks are asked only if `allow_hosts` names them: `name` or `name:port`.
    Raises `WebError` that says why it cannot be had, `ToolError` for a part that is not there.
    """
    pacing = Pacing(limit_of=lambda _: WebSettings().host)
    async with AsyncExitStack() as stack:
        setup = ToolSetup(scratch=Path(), home=Path(), pacing=pacing)
        fetcher = await open_fetcher(setup, stack, allow_hosts)
        fetched = await fetcher.fetch(url)
    return replace(fetched, text=_part_of(fetched, page, PAGE_CHARS)[0]) if page else fetched


def _part_of(page: Page, number: int, page_chars: int) -> tuple[str, int]:
    text, count = part(page.text, number, page_chars)
    if number > count:
        raise ToolError(f"{shown(page.address)} has {count} pages, no page {number}")
    return text, count


def _links_below(page: Page, text: str, *, others: bool) -> str:
    """The list of the links that the text names; below the last part those of the whole page."""
    named = {int(number) for number in _NUMBER.findall(text)}
    if others:
        in_text = {int(number) for number in _NUMBER.findall(page.text)}
        named |= set(range(1, len(page.links) + 1)) - in_text
    lines = [
        page.links[number - 1].line(number)
        for number in sorted(named)
        if 1 <= number <= len(page.links)
    ]
    more = len(lines) - SHOWN_LINKS
    lines[SHOWN_LINKS:] = [f"({more} more links are left out)"] if more > 0 else []
    return "\n\n" + "\n".join(lines) if lines else ""
