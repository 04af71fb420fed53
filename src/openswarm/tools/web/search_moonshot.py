"""Moonshot's `$web_search`: a model that searches by itself and is asked for what it found.

The search runs at Moonshot: what the model hands its tool goes back to it unchanged.
"""

import json
from collections.abc import Mapping
from typing import Any

from openswarm.llm.providers import PROVIDERS
from openswarm.tools.web.search_hits import MAX_SNIPPET, Hit, NoResults, plain, read_hits
from openswarm.tools.web.search_provider import Ask, Query, Request, SearchProvider, as_object

TOOL = "$web_search"
MAX_ROUNDS = 5
"""The model may search several times before it answers."""

_PROVIDER = PROVIDERS["moonshot"]
_ORDER = (
    "You search the web for a program. Search for what the user names, then answer with the pages"
    " that you found and with nothing else: a JSON array of objects with title, url, snippet and"
    " date. The snippet is what the page says of the matter, in at most three sentences, with its"
    ' numbers and names as they stand there. The date is that of the page, or "". Give no page'
    " that the search did not find."
)
_FIELDS = {"title": "title", "url": "url", "snippet": "snippet", "date": "date"}


async def search(ask: Ask, query: Query) -> list[Hit]:
    """The pages that the model found; its answer as one hit where it names none."""
    messages: list[Mapping[str, Any]] = [
        {"role": "system", "content": _ORDER},
        {"role": "user", "content": f"{query.text}\n\nAt most {query.count} pages."},
    ]
    for _ in range(MAX_ROUNDS):
        message = _message(await ask(_request(messages)))
        calls = message.get("tool_calls")
        if not calls:
            return _hits(message.get("content"), query)
        messages += [message, *_echoes(calls)]
    raise NoResults(f"it was still searching after {MAX_ROUNDS} rounds")


def _request(messages: list[Mapping[str, Any]]) -> Request:
    model = _PROVIDER.suggested
    tool = {"type": "builtin_function", "function": {"name": TOOL}}
    body: dict[str, Any] = {"model": model, "messages": messages, "tools": [tool]}
    if _PROVIDER.quirks_of(model).thinking == "moonshot":
        body["thinking"] = {"type": "disabled"}  # such models refuse the tool while they think
    return Request("POST", "/chat/completions", body=body)


def _message(value: Any) -> Mapping[str, Any]:
    choices = as_object(value).get("choices")
    if not isinstance(choices, list) or not choices:
        raise NoResults("it has no choices")
    return as_object(as_object(choices[0]).get("message"))


def _echoes(calls: Any) -> list[Mapping[str, Any]]:
    """The results of the calls, each its own arguments."""
    if not isinstance(calls, list):
        raise NoResults("its tool calls are no list")
    return [_echo(as_object(call)) for call in calls]


def _echo(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = as_object(call.get("function"))
    id_, arguments = call.get("id"), function.get("arguments")
    if function.get("name") != TOOL or not isinstance(arguments, str) or not isinstance(id_, str):
        raise NoResults(f"it called something else than {TOOL}")
    return {"role": "tool", "tool_call_id": id_, "name": TOOL, "content": arguments}


def _hits(content: Any, query: Query) -> list[Hit]:
    if not isinstance(content, str) or not content.strip():
        raise NoResults("it is empty")
    start, end = content.find("["), content.rfind("]")
    try:
        return read_hits(json.loads(content[start : end + 1]), _FIELDS)
    except (ValueError, RecursionError, NoResults):
        return [Hit(f"Moonshot's answer to: {query.text}", "", plain(content, 4 * MAX_SNIPPET))]


MOONSHOT = SearchProvider(
    "moonshot",
    _PROVIDER.base_url,
    search,
    key="MOONSHOT_API_KEY",
    header="Authorization",
    prefix="Bearer ",
    address=_PROVIDER.address,
)
