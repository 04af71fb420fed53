"""Moonshot's builtin `$web_search`, which the server carries out itself.

The model is offered an ordinary function; what it calls reaches the client as `$web_search`, and
the client sends the arguments back as they are. Such a result is put in place here: it is searched
for, and the model reads what was found.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from openswarm.core.errors import SettingsError
from openswarm.core.messages import Message, ToolCall
from openswarm.core.settings import Settings
from openswarm.llm.model import ToolSpec
from openswarm.server.chat import ChatRequest
from openswarm.server.failures import bad_request
from openswarm.tools.web_search import shown, web_search

BUILTIN = "$web_search"
NAME = "web_search"
"""What the model knows it by: names with a `$` are refused by most endpoints."""
SEARCH = ToolSpec(
    NAME,
    "Search the web. Returns pages that fit, each with its address and what it says of the matter.",
    '{"type":"object","properties":{"query":{"type":"string","description":"What to look for, in a'
    ' few telling words."}},"required":["query"]}',
)
MAX_SEARCHES = 32
"""Queries that one request may have searched for anew."""
MAX_QUERY_CHARS = 400
_NO_QUERY = f'{NAME} takes {{"query": "what to look for"}}, and nothing was asked for.'
KEPT = 256
"""Results that are kept: a client sends its whole conversation again with each turn."""


class Searches:
    """Searches for what clients hand back, and remembers what was found."""

    def __init__(self, settings: Settings) -> None:
        web = settings.tools.web
        self._web = web.model_copy(update={"ca_bundle": web.ca_bundle or settings.ca_bundle})
        self._kept: OrderedDict[str, str] = OrderedDict()

    async def carried_out(self, chat: ChatRequest) -> ChatRequest:
        """The request with what was found, and with the name that the model knows.

        Raises `ApiError` where no search is set up, or for too many queries at once.
        """
        queries = dict(_handed_back(chat.messages))
        found = await self._found({query for query in queries.values() if query})
        messages = list(chat.messages)
        for index, query in queries.items():
            content = found[query] if query else _NO_QUERY
            messages[index] = messages[index].model_copy(update={"content": content})
        return replace(chat, messages=tuple(map(_plainly_named, messages)))

    async def _found(self, queries: set[str]) -> dict[str, str]:
        """What is known of each query, or found now."""
        missing = sorted(queries.difference(self._kept))
        if len(missing) > MAX_SEARCHES:
            raise bad_request(f"more than {MAX_SEARCHES} searches in one request", "messages")
        found = {query: self._kept[query] for query in queries.intersection(self._kept)}
        if not missing:
            return found
        try:
            answers = await web_search(missing, settings=self._web, environ=os.environ)
        except SettingsError as error:
            raise bad_request(f"{BUILTIN} cannot be carried out here: {error}", "tools") from None
        for query, answer in zip(missing, answers, strict=True):
            found[query] = shown([answer])
            if not answer.problem:
                self._keep(query, found[query])
        return found

    def _keep(self, query: str, text: str) -> None:
        self._kept[query] = text
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _handed_back(messages: Sequence[Message]) -> Iterator[tuple[int, str]]:
    """The results that are the arguments of a `$web_search`: position and query.

    The query is '' where the model wrote none.
    """
    calls: dict[str, ToolCall] = {}
    for index, message in enumerate(messages):
        calls |= {call.id: call for call in message.tool_calls if call.name == BUILTIN}
        call = calls.get(message.tool_call_id) if message.role == "tool" else None
        if call is not None and _is_same(message.text, call.arguments):
            yield index, _query(call.arguments)


def _is_same(text: str, arguments: str) -> bool:
    """Whether a client sent the arguments back, as they were or read and written again."""
    return text == arguments or ((value := _json(text)) is not None and value == _json(arguments))


def _query(arguments: str) -> str:
    value = _json(arguments)
    query = value.get("query") if isinstance(value, dict) else None
    return " ".join(query.split())[:MAX_QUERY_CHARS].strip() if isinstance(query, str) else ""


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _plainly_named(message: Message) -> Message:
    if not any(call.name == BUILTIN for call in message.tool_calls):
        return message
    calls = tuple(
        call.model_copy(update={"name": NAME}) if call.name == BUILTIN else call
        for call in message.tool_calls
    )
    return message.model_copy(update={"tool_calls": calls})
