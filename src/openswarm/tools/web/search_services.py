"""Brave, Serper, Tavily, Exa and SearXNG: how each is asked, and how it answers.

Pure functions from a query to a request and from an answer to hits. Facts: each provider's own
API pages, November 2026.
"""

from typing import Any

from openswarm.tools.web.search_hits import Hit, joined, read_hits
from openswarm.tools.web.search_provider import Query, Request, SearchProvider, as_object, single


def _ask_brave(query: Query) -> Request:
    parameters = {"q": query.text, "count": str(query.count)}
    return Request("GET", "/res/v1/web/search", query=parameters)


def _read_brave(value: Any) -> list[Hit]:
    """Without any result the part `web` is missing."""
    web = as_object(value).get("web")
    if web is None:
        return []
    fields = {"title": "title", "url": "url", "snippet": "description", "date": "page_age"}
    return read_hits(as_object(web).get("results"), fields)


def _ask_serper(query: Query) -> Request:
    return Request("POST", "/search", body={"q": query.text, "num": query.count})


def _read_serper(value: Any) -> list[Hit]:
    fields = {"title": "title", "url": "link", "snippet": "snippet", "date": "date"}
    return read_hits(as_object(value).get("organic"), fields)


def _ask_tavily(query: Query) -> Request:
    body = {"query": query.text, "max_results": query.count, "search_depth": "basic"}
    return Request("POST", "/search", body=body)


def _read_tavily(value: Any) -> list[Hit]:
    fields = {"title": "title", "url": "url", "snippet": "content", "date": "published_date"}
    return read_hits(as_object(value).get("results"), fields)


def _ask_exa(query: Query) -> Request:
    body = {
        "query": query.text,
        "numResults": query.count,
        "contents": {"highlights": True},
    }
    return Request("POST", "/search", body=body)


def _read_exa(value: Any) -> list[Hit]:
    entries = as_object(value).get("results")
    if isinstance(entries, list):
        entries = [_with_snippet(entry) for entry in entries]
    fields = {"title": "title", "url": "url", "snippet": "snippet", "date": "publishedDate"}
    return read_hits(entries, fields)


def _with_snippet(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    snippet = joined(entry.get("highlights")) or entry.get("summary") or entry.get("text")
    return entry | {"snippet": snippet}


def _ask_searxng(query: Query) -> Request:
    return Request("GET", "/search", query={"q": query.text, "format": "json"})


def _read_searxng(value: Any) -> list[Hit]:
    fields = {"title": "title", "url": "url", "snippet": "content", "date": "publishedDate"}
    return read_hits(as_object(value).get("results"), fields)


BRAVE = SearchProvider(
    "brave",
    "https://api.search.brave.com",
    single(_ask_brave, _read_brave),
    key="BRAVE_API_KEY",
    header="X-Subscription-Token",
    address="BRAVE_BASE_URL",
)
SERPER = SearchProvider(
    "serper",
    "https://google.serper.dev",
    single(_ask_serper, _read_serper),
    key="SERPER_API_KEY",
    header="X-API-KEY",
    address="SERPER_BASE_URL",
)
TAVILY = SearchProvider(
    "tavily",
    "https://api.tavily.com",
    single(_ask_tavily, _read_tavily),
    key="TAVILY_API_KEY",
    header="Authorization",
    prefix="Bearer ",
    address="TAVILY_BASE_URL",
)
EXA = SearchProvider(
    "exa",
    "https://api.exa.ai",
    single(_ask_exa, _read_exa),
    key="EXA_API_KEY",
    header="x-api-key",
    address="EXA_BASE_URL",
)
SEARXNG = SearchProvider(
    "searxng",
    "",
    single(_ask_searxng, _read_searxng),
    forbidden=(
        "its JSON answers are switched off: add json to search.formats in its settings.yml, or"
        " take another instance"
    ),
)
