"""What a failure on the way to a web server means, in words that say what happened.

Owns how statuses are read, and how long a server's `Retry-After` is waited out.
"""

import socket
import ssl
from collections.abc import Mapping

import aiohttp

from openswarm.core.errors import Fault, WebError
from openswarm.llm.http import retry_after_s
from openswarm.tools.web.addresses import PrivateAddress

REDIRECTS = frozenset({301, 302, 303, 307, 308})
LONGEST_WAIT_S = 60.0
"""The longest `Retry-After` that is waited out; what asks for more is not to be had now."""
SOONEST_S = 1.0
"""When a throttled question is asked again where the server does not say when."""
_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def fault_of(status: int) -> Fault:
    """What an HTTP status other than 2xx means."""
    if status in (429, 529):
        return Fault.THROTTLED
    if status in (501, 505):
        return Fault.REFUSED
    return Fault.SERVER if status in (408, 425) or status >= 500 else Fault.REFUSED


def refusal(status: int, headers: Mapping[str, str]) -> WebError:
    """What a status that brings no body means. `headers` are found by lower-case names."""
    fault, wait_s = fault_of(status), retry_after_s(headers)
    if status == 503 and wait_s is not None:
        fault = Fault.THROTTLED
    text = f"the server answered {status}"
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        return WebError(
            Fault.REFUSED, f"{text}, to ask again in {wait_s:.0f} s at the soonest", status=status
        )
    if fault is Fault.THROTTLED:
        wait_s = SOONEST_S if wait_s is None else wait_s
    return WebError(fault, text, retry_after_s=wait_s, status=status)


def failure_of(error: Exception) -> WebError:
    """The meaning of an exception of aiohttp, the resolver or the system."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, PrivateAddress):
        return WebError(Fault.REFUSED, f"it may not be asked: {cause}")
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = cause.verify_message or "it cannot be verified"
        return WebError(Fault.REFUSED, f"its TLS certificate is not valid: {reason}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return WebError(Fault.REFUSED, "its TLS certificate is not valid for this host")
    if isinstance(error, aiohttp.ClientConnectorSSLError) or isinstance(cause, ssl.SSLError):
        reason = getattr(cause, "reason", "") or "the handshake failed"
        return WebError(Fault.REFUSED, f"no secure (TLS) connection: {reason}")
    if isinstance(cause, socket.gaierror):
        return _unresolved(cause)
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        status = getattr(error, "status", 0)
        why = f"it answered {status}" if status else _text(error)
        return WebError(Fault.UNREACHABLE, f"the proxy did not connect: {why}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return WebError(Fault.UNREACHABLE, f"it cannot be reached: {_text(cause)}")
    return _broken(error)


def _unresolved(error: socket.gaierror) -> WebError:
    if error.errno in _NO_SUCH_HOST:
        return WebError(Fault.REFUSED, "there is no host of this name")
    return WebError(Fault.UNREACHABLE, f"the host's name cannot be resolved: {_text(error)}")


def _broken(error: Exception) -> WebError:
    """Failures after the connection stood."""
    if isinstance(error, aiohttp.ClientPayloadError):
        if (
            "content-encoding" in str(error).casefold()
            or "content-encoding" in str(error.__cause__).casefold()
        ):
            return WebError(Fault.PROTOCOL, "its compression is damaged, or is not known here")
        return WebError(Fault.BROKEN, "the connection ended before the page was whole")
    if isinstance(error, aiohttp.ClientResponseError):
        return WebError(Fault.PROTOCOL, "the answer is not HTTP as it should be")  # it is quoted
    if isinstance(error, aiohttp.InvalidURL):
        return WebError(Fault.REFUSED, "it is not an address that can be asked")
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        why = getattr(error, "strerror", None) or type(error).__name__  # it may quote the server
        return WebError(Fault.BROKEN, f"the connection broke off ({why})")
    if isinstance(error, OSError):
        return WebError(Fault.UNREACHABLE, f"it cannot be reached: {_text(error)}")
    return WebError(Fault.REFUSED, f"it is not an address that can be asked ({_text(error)})")


def _text(error: BaseException) -> str:
    """One bounded line."""
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return " ".join(str(text).split())[:200] or type(error).__name__
