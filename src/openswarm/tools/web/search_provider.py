"""A provider of web search as data: its address, its key, and how a query becomes hits.

Nothing here sends anything: a provider is handed `Ask`, which does (`search_client`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openswarm.tools.web.search_hits import Hit, NoResults


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and how many results are wanted."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a provider; its path is appended to the provider's address."""

    method: Literal["GET", "POST"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    """Sent as JSON."""


Ask = Callable[[Request], Awaitable[Any]]
"""Sends a request; the answer, which is JSON. Raises `EndpointError`."""
Search = Callable[[Ask, Query], Awaitable[list[Hit]]]
"""Raises `NoResults` for an answer of another form, and what `Ask` raises."""


@dataclass(frozen=True, slots=True)
class SearchProvider:
    """One service that searches the web."""

    name: str
    base_url: str
    """'' where the settings have to say it."""
    search: Search
    key: str = ""
    """The environment variable that holds its key; '' needs none."""
    header: str = ""
    """The header that the key goes into."""
    prefix: str = ""
    """What stands before the key in its header."""
    address: str = ""
    """The environment variable that overrides `base_url`."""
    forbidden: str = ""
    """What a 403 means here, where it is not about the key."""


def single(encode: Callable[[Query], Request], decode: Callable[[Any], list[Hit]]) -> Search:
    """The search of a provider that needs one request for a query."""

    async def search(ask: Ask, query: Query) -> list[Hit]:
        return decode(await ask(encode(query)))

    return search


def as_object(value: Any) -> Mapping[str, Any]:
    """A part of an answer that has to be an object. Raises `NoResults`."""
    if not isinstance(value, dict):
        raise NoResults("it is no JSON object")
    return value
