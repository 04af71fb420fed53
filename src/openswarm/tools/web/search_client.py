"""Asks a search provider over HTTP, in its limiter, and says what a refusal means.

What a provider writes is a stranger's text: it is fenced, bounded and without the key.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from openswarm.core.errors import Fault, WebError
from openswarm.llm.http import fault_of, retry_after_s
from openswarm.pacing.limiter import Limiter
from openswarm.tools.documents import Document, fence
from openswarm.tools.http.exchange import Incoming, Outgoing, exchange
from openswarm.tools.web.failures import LONGEST_WAIT_S
from openswarm.tools.web.search_choice import Service
from openswarm.tools.web.search_hits import Hit, NoResults
from openswarm.tools.web.search_provider import Query, Request, SearchProvider

MAX_BYTES = 2 * 1024 * 1024
MAX_MESSAGE = 300
MAX_BODY = 16_000
"""Bytes of a refusal that are looked at."""
RETRY_S = 20.0
"""How long a query is tried again; what a provider asks to wait does not count."""

_QUOTA_STATUSES = (402, 432, 433)
_QUOTA_WORDS = ("not enough credits", "no_more_credits", "quota_exceeded", "usage limit")
_KEY_WORDS = ("subscription_token_invalid", "invalid api key", "invalid_api_key")
_ADVICE = {
    Fault.QUOTA: "its quota is used up: raise the plan, or set another provider's key",
    Fault.THROTTLED: "it admits no more requests for now: search for less, or later",
    Fault.SERVER: "it is out of order for now: try again later",
    Fault.REFUSED: "it does not take this query: write it shorter and plainer",
}


@dataclass(frozen=True, slots=True)
class SearchClient:
    """A provider with its session and its limiter."""

    service: Service
    session: aiohttp.ClientSession
    limiter: Limiter
    timeout_s: float
    scrub: Callable[[str], str]

    async def search(self, query: Query, holder: str) -> list[Hit]:
        """The hits, at most as many as are wanted. Raises `WebError`."""
        provider = self.service.provider

        async def ask(request: Request) -> Any:
            return await self.limiter.call(
                lambda: self._ask(request), holder=holder, retry_s=RETRY_S
            )

        try:
            return (await provider.search(ask, query))[: query.count]
        except NoResults as error:
            raise WebError(
                Fault.PROTOCOL, f"the answer of {provider.name} cannot be used: {error}"
            ) from None

    async def _ask(self, request: Request) -> Any:
        provider = self.service.provider
        headers = {"Accept": "application/json"}
        if self.service.key:
            headers[provider.header] = provider.prefix + self.service.key
        body = None
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(request.body).encode()
        url = URL(self.service.base_url + request.path).with_query(dict(request.query) or None)
        outgoing = Outgoing(request.method, url, headers, body, shown=provider.name)
        incoming = await exchange(
            self.session, outgoing, timeout_s=self.timeout_s, max_bytes=MAX_BYTES
        )
        if incoming.status >= 300:
            raise self._refusal(incoming)
        return self._value(incoming)

    def _value(self, incoming: Incoming) -> Any:
        name = self.service.provider.name
        if not incoming.is_whole:
            raise WebError(Fault.PROTOCOL, f"the answer of {name} is larger than {MAX_BYTES} bytes")
        try:
            return json.loads(incoming.body)
        except (ValueError, RecursionError):
            kind = "a page" if "html" in incoming.media_type else "something"
            raise WebError(
                Fault.PROTOCOL,
                f"{name} answered with {kind} that is no JSON; is its address right, and nothing"
                " between that shows a page of its own?",
            ) from None

    def _refusal(self, incoming: Incoming) -> WebError:
        provider, status = self.service.provider, incoming.status
        message = self._message(incoming.body)
        fault, wait_s = _fault(status, message), retry_after_s(incoming.headers)
        advice = _advice(provider, status, fault)
        if status == 403 and provider.forbidden:
            fault = Fault.REFUSED
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            fault, advice = Fault.QUOTA, f"it admits nothing for {wait_s:g} seconds"
        text = f"{provider.name} answered {status}: {advice}"
        if message:
            text += "\n" + fence(Document(provider.name, message))
        return WebError(fault, text, retry_after_s=wait_s, status=status)

    def _message(self, body: bytes) -> str:
        """What the provider says of its refusal, '' where that is a page for people."""
        text = " ".join(self.scrub(body[:MAX_BODY].decode("utf-8", "replace")).split())
        return "" if text.startswith("<") else text[:MAX_MESSAGE]


def _fault(status: int, message: str) -> Fault:
    folded = message.casefold()
    if status in _QUOTA_STATUSES or any(word in folded for word in _QUOTA_WORDS):
        return Fault.QUOTA
    if any(word in folded for word in _KEY_WORDS):
        return Fault.AUTH
    fault = fault_of(status, message)
    known = fault in _ADVICE or fault is Fault.AUTH
    return fault if known else Fault.REFUSED


def _advice(provider: SearchProvider, status: int, fault: Fault) -> str:
    if status == 403 and provider.forbidden:
        return provider.forbidden
    if fault is Fault.AUTH:
        return f"it refuses the key; check {provider.key or 'what it wants'}"
    if status < 400:
        return "it points elsewhere; set the address that it has now"
    if status == 404:
        return "there is nothing at its address; check it"
    return _ADVICE[fault]
