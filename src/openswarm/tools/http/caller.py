"""One call of an API: secrets filled in, each hop checked against the allow list, answer cleaned.

A redirect never repeats an effect, and never takes a secret or a login to another origin.
"""

from dataclasses import dataclass

import aiohttp
from yarl import URL

from openswarm.core.errors import Fault, ToolError, WebError
from openswarm.llm.http import retry_after_s
from openswarm.pacing.limiter import Pacing
from openswarm.tools.http.allow import AllowList, origin_of, read_url, without_query
from openswarm.tools.http.answer import Answer, answer_of
from openswarm.tools.http.exchange import Incoming, Outgoing, exchange
from openswarm.tools.http.request import Call, outgoing_of
from openswarm.tools.http.templates import SecretStore
from openswarm.tools.secrets import Scrub
from openswarm.tools.web.failures import LONGEST_WAIT_S, REDIRECTS

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 5
RETRY_S = 15.0
"""How long a call is tried again; what a server asks to wait does not count."""
SAFE = ("GET", "HEAD")
"""The methods that change nothing, and may be repeated."""

_KEPT_ELSEWHERE = ("accept", "accept-language", "user-agent")
"""The headers that go along to another origin."""


class _Refused(WebError):
    """An answer that may be another one later; it is the answer when no later one comes."""

    def __init__(self, fault: Fault, incoming: Incoming, wait_s: float | None) -> None:
        super().__init__(fault, f"status {incoming.status}", retry_after_s=wait_s)
        self.incoming = incoming


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls APIs for the agents of a run."""

    allowed: AllowList
    secrets: SecretStore
    session: aiohttp.ClientSession
    pacing: Pacing
    timeout_s: float
    user_agent: str
    scrub: Scrub

    async def call(self, call: Call, holder: str = "") -> Answer:
        """The answer. Raises `ToolError`, `SettingsError`, or `WebError` where none came."""
        url = read_url(call.url)
        self.allowed.check(url)
        outgoing = outgoing_of(call, url, self.secrets, self.user_agent)
        for _ in range(MAX_REDIRECTS + 1):
            incoming = await self._send(outgoing, holder)
            following = self._following(outgoing, incoming)
            if not isinstance(following, Outgoing):
                return await answer_of(incoming, outgoing.url, following, self.scrub)
            outgoing = following
        raise ToolError(f"{call.url} redirects more than {MAX_REDIRECTS} times")

    async def _send(self, outgoing: Outgoing, holder: str) -> Incoming:
        limiter = self.pacing.limiter(f"host:{outgoing.url.host}")
        try:
            return await limiter.call(
                lambda: self._attempt(outgoing), holder=holder, retry_s=RETRY_S
            )
        except _Refused as refused:
            return refused.incoming
        except WebError as error:  # it may quote what the server wrote
            raise WebError(error.fault, self.scrub(str(error))) from None

    async def _attempt(self, outgoing: Outgoing) -> Incoming:
        """One try. What may have had an effect is not tried again."""
        is_safe = outgoing.method in SAFE
        try:
            incoming = await exchange(
                self.session, outgoing, timeout_s=self.timeout_s, max_bytes=MAX_BYTES
            )
        except WebError as error:
            if is_safe or error.fault is Fault.UNREACHABLE or not error.may_pass:
                raise
            text = f"{error}. The {outgoing.method} may have been done: look before you repeat it"
            raise WebError(Fault.REFUSED, text) from None
        wait_s = retry_after_s(incoming.headers)
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return incoming
        if incoming.status == 429 or (is_safe and incoming.status == 503):
            raise _Refused(Fault.THROTTLED, incoming, wait_s)
        if is_safe and incoming.status >= 500:
            raise _Refused(Fault.SERVER, incoming, wait_s)
        return incoming

    def _following(self, outgoing: Outgoing, incoming: Incoming) -> Outgoing | str:
        """The next hop, or why there is none ('' where the answer is no redirect)."""
        location = incoming.headers.get("location", "")
        if incoming.status not in REDIRECTS or not location:
            return ""
        try:
            target = read_url(str(outgoing.url.join(URL(location))))
            self.allowed.check(target)
        except (ToolError, ValueError) as error:
            return f"It redirects to where it was not followed: {error}"
        if not _is_repeatable(outgoing.method, incoming.status):
            return (
                f"It asks to send the {outgoing.method} to {without_query(target)} instead; that"
                " was not done. Call it yourself if that is what you want"
            )
        method = outgoing.method if outgoing.method in SAFE else "GET"
        headers = {n: value for n, value in outgoing.headers.items() if n != "content-type"}
        if origin_of(target) != origin_of(outgoing.url):
            if self.scrub(str(target)) != str(target):
                return f"It redirects to {target.host} with a secret; that was not followed"
            headers = {n: value for n, value in headers.items() if n in _KEPT_ELSEWHERE}
        return Outgoing(method, target, headers, shown=without_query(target))


def _is_repeatable(method: str, status: int) -> bool:
    """Whether following a redirect repeats no effect: a POST becomes a GET by most of them."""
    return method in SAFE or status == 303 or (method == "POST" and status in (301, 302))
