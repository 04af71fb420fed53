"""The tool `web_search`: pages of the web that fit a few queries, whichever provider is set up."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated

import anyio
from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.errors import EndpointError, UserError
from openswarm.core.tooling import ToolSettings, WebSettings
from openswarm.pacing.limiter import Pacing
from openswarm.tools.documents import Document, fence
from openswarm.tools.http.exchange import open_session
from openswarm.tools.secrets import known_values, make_scrub
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text
from openswarm.tools.web.search_choice import choose
from openswarm.tools.web.search_client import SearchClient
from openswarm.tools.web.search_hits import Hit, same_page
from openswarm.tools.web.search_provider import Query

MAX_QUERIES = 8
MAX_RESULTS = 10
RESULTS = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one query."""

    query: str
    hits: tuple[Hit, ...] = ()
    problem: str = ""
    """Why there is nothing; '' where the provider answered."""


class WebSearchParams(BaseModel):
    """What `web_search` is called with."""

    model_config = ConfigDict(extra="forbid")

    queries: list[Annotated[str, Field(min_length=1, max_length=400)]] = Field(
        min_length=1,
        max_length=MAX_QUERIES,
        description="What to look for, in a few telling words each; all are searched at once.",
    )
    num_results: int = Field(
        RESULTS, ge=1, le=MAX_RESULTS, description="How many pages each query may find."
    )


async def open_search(setup: ToolSetup, stack: AsyncExitStack) -> Tool:
    """The tool over the provider that is set up. Raises `SettingsError` where there is none."""
    client = await _client(setup.settings, setup.environ, setup.pacing, stack)

    async def run(params: WebSearchParams, context: ToolContext) -> ToolResult:
        found = await search_all(client, params.queries, params.num_results, context.agent)
        total = sum(len(entry.hits) for entry in found)
        is_whole = not any(entry.problem for entry in found)
        return ToolResult(shown(found), ok=is_whole, display=f"{total} pages", data=found)

    return Tool("web_search", prompt_text(__file__), WebSearchParams, run, read_only=True)


async def web_search(
    queries: Sequence[str],
    *,
    num_results: int = RESULTS,
    settings: WebSettings | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Found]:
    """Searches for each of the queries at once. Raises `SettingsError` where nothing is set up."""
    if isinstance(queries, str):
        raise UserError("web_search takes a list of queries, not one text")
    tools = ToolSettings(web=settings or WebSettings())
    async with AsyncExitStack() as stack:
        client = await _client(tools, os.environ if environ is None else environ, Pacing(), stack)
        return await search_all(client, queries, num_results, "")


async def search_all(
    client: SearchClient, queries: Sequence[str], count: int, holder: str
) -> list[Found]:
    """What each query found, in their order; one that fails costs the others nothing."""
    texts = [" ".join(query.split()) for query in queries]
    found = dict.fromkeys(texts, Found(""))

    async def search(text: str) -> None:
        try:
            hits = await client.search(Query(text, count), holder)
            found[text] = Found(text, tuple(hits))
        except EndpointError as error:
            found[text] = Found(text, problem=str(error))

    async with anyio.create_task_group() as tasks:
        for text in found:
            tasks.start_soon(search, text)
    return list(found.values())


def shown(found: Sequence[Found]) -> str:
    """The hits by query, numbered over all, each page once and fenced."""
    numbers: dict[str, int] = {}
    told: set[str] = set()
    parts: list[str] = []
    for entry in found:
        parts.append(f"## {entry.query}")
        if entry.problem:
            parts.append("As above." if entry.problem in told else f"Not searched: {entry.problem}")
            told.add(entry.problem)
        elif not entry.hits:
            parts.append("Nothing was found. Try other words.")
        parts += _numbered(entry.hits, numbers)
    return "\n".join(parts)


def _numbered(hits: Sequence[Hit], numbers: dict[str, int]) -> list[str]:
    """The hits that are new, and the numbers of those that stand above."""
    parts: list[str] = []
    known: list[int] = []
    for hit in hits:
        page = same_page(hit.url) if hit.url else hit.snippet
        if page in numbers:
            known.append(numbers[page])
            continue
        numbers[page] = len(numbers) + 1
        title = f"{hit.title} ({hit.date})" if hit.date else hit.title
        text = "\n".join(line for line in (title, hit.snippet) if line)
        parts.append(f"{numbers[page]}. {fence(Document(hit.url or 'web_search', text))}")
    if known:
        parts.append(f"Found again: {', '.join(map(str, dict.fromkeys(known)))}")
    return parts


async def _client(
    settings: ToolSettings, environ: Mapping[str, str], pacing: Pacing, stack: AsyncExitStack
) -> SearchClient:
    service = choose(settings.web, environ)
    session = open_session(settings.web.ca_bundle, secure=service.base_url.startswith("https:"))
    return SearchClient(
        service,
        await stack.enter_async_context(session),
        pacing.limiter(f"search:{service.provider.name}"),
        settings.web.timeout_s,
        make_scrub(known_values(settings, environ)),
    )
