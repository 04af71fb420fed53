"""Which addresses `http_request` may ask: the beginnings in the settings, compared strictly.

An address is read once into the form in which it is compared and sent, so that what was checked
is what goes out. What servers and proxies read in more than one way is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from yarl import URL

from openswarm.core.errors import SettingsError, ToolError

MAX_URL = 8_000
MAX_DECODINGS = 4
"""A server may decode a path more than once."""

_FORBIDDEN = re.compile(r"[\s\\\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
_ADDRESS6 = re.compile(r"[0-9a-f:.]+")


def read_url(text: str) -> URL:
    """The address in its one form: host in lower case and ASCII, no fragment, no dots in the path.

    Raises `ToolError` for everything that is not plainly an http or https address.
    """
    if len(text) > MAX_URL:
        raise ToolError(f"the address is longer than {MAX_URL} characters")
    text = text.strip(" ")
    authority = _AUTHORITY.match(text)
    if _FORBIDDEN.search(text) or authority is None:
        raise ToolError("the address has to be a plain URL such as https://api.example.com/v1/x")
    if "@" in authority[1]:
        raise ToolError("the address may name no user before its host (`user@host`)")
    _check_dots(text[authority.end() :].partition("?")[0].partition("#")[0])
    try:
        url = URL(text).with_fragment(None)
        host, port = (url.raw_host or "").rstrip("."), url.port
    except (ValueError, UnicodeError):
        raise ToolError("the address is no valid URL") from None
    if url.scheme not in ("http", "https"):
        raise ToolError(f"only http and https can be asked, not {url.scheme}")
    if not (_NAME.fullmatch(host) or (":" in host and _ADDRESS6.fullmatch(host))) or not port:
        raise ToolError("the address has no valid host or port")
    return url if host == url.raw_host else url.with_host(host)


def origin_of(url: URL) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: who is asked."""
    return url.scheme, url.raw_host, url.port


def without_query(url: URL) -> str:
    """The address without its query, in which a secret may stand."""
    return str(url.with_query(None))


def _check_dots(path: str) -> None:
    """Refuses dot segments that are not written as such: `%2e%2e`, `..%2f`, `..;x`."""
    decoded = path
    for _ in range(MAX_DECODINGS):
        before, decoded = decoded, unquote(decoded)
        if before == decoded:
            break
    plain = [part for part in path.split("/") if part in (".", "..")]
    segments = re.split(r"[/\\]", decoded)
    hidden = [part for part in segments if part.partition(";")[0].strip() in (".", "..")]
    if hidden != plain or "\x00" in decoded:
        raise ToolError("the path has hidden dots in it; write it without . and ..")


@dataclass(frozen=True, slots=True)
class AllowList:
    """The beginnings of the addresses that may be asked."""

    beginnings: tuple[URL, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "AllowList":
        """The list of the settings. Raises `SettingsError` naming the entry that is none."""
        return cls(tuple(map(_beginning, texts)))

    def check(self, url: URL) -> None:
        """Raises `ToolError` where the address does not begin like any entry."""
        if not any(_begins(url, beginning) for beginning in self.beginnings):
            raise ToolError(
                f"{without_query(url)} is not on the allow list. These can be asked:"
                f" {self.text}. If the task needs another one, say so in your report"
            )

    @property
    def text(self) -> str:
        """The entries, for a model and for people."""
        return ", ".join(map(str, self.beginnings))


def _beginning(text: str) -> URL:
    try:
        url = read_url(text)
    except ToolError as error:
        raise SettingsError(f"tools.http.allow, {text[:200]!r}: {error}") from None
    if url.query_string or "?" in text or "#" in text:
        raise SettingsError(f"tools.http.allow, {text[:200]!r}: an entry ends with its path")
    return url


def _begins(url: URL, beginning: URL) -> bool:
    """Same scheme, host and port, and a path that goes on at a segment's border."""
    if origin_of(url) != origin_of(beginning):
        return False
    prefix = beginning.raw_path
    if prefix.endswith("/"):
        return url.raw_path.startswith(prefix)
    return url.raw_path == prefix or url.raw_path.startswith(prefix + "/")


def host_matches(url: URL, hosts: Sequence[str]) -> bool:
    """Whether the address is at one of these hosts, each `name` or `name:port`."""
    return any(_is_at(url, host.strip().lower()) for host in hosts)


def _is_at(url: URL, host: str) -> bool:
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"  # an IPv6 address without its brackets
    try:
        named = URL(f"{url.scheme}://{host}/")
        same_host = (named.raw_host or "").rstrip(".") == url.raw_host
        return same_host and named.explicit_port in (None, url.port)
    except ValueError:
        return False
