"""What a failure on the way to a web server means, in words that say what happened."""

import socket
import ssl

import aiohttp

from openswarm.core.errors import Fault, WebError
from openswarm.tools.web.addresses import PrivateAddress

_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def fault_of(status: int) -> Fault:
    """What an HTTP status other than 2xx means."""
    if status in (429, 529):
        return Fault.THROTTLED
    if status in (501, 505):
        return Fault.REFUSED
    return Fault.SERVER if status in (408, 425) or status >= 500 else Fault.REFUSED


def failure_of(error: Exception) -> WebError:
    """The meaning of an exception of aiohttp, the resolver or the system."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, PrivateAddress):
        return WebError(Fault.REFUSED, f"it is in a private network ({cause}), which is not asked")
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
        return WebError(Fault.UNREACHABLE, f"the proxy did not connect: {_text(error)}")
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
        return WebError(Fault.PROTOCOL, f"the answer is not HTTP as it should be: {_text(error)}")
    if isinstance(error, aiohttp.InvalidURL):
        return WebError(Fault.REFUSED, "it is not an address that can be asked")
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return WebError(Fault.BROKEN, f"the connection broke off ({_text(error)})")
    if isinstance(error, OSError):
        return WebError(Fault.UNREACHABLE, f"it cannot be reached: {_text(error)}")
    return WebError(Fault.REFUSED, f"it is not an address that can be asked ({_text(error)})")


def _text(error: BaseException) -> str:
    """One bounded line."""
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return " ".join(str(text).split())[:200] or type(error).__name__
