"""Which network addresses a program may be led to by somebody else's words: public ones.

Hosts of private networks are reached only where a person named them.
"""

import ipaddress
import socket
from collections.abc import Iterable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "192.0.0.192")))
"""Addresses of cloud providers that look public and answer inside their networks alone."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


NOT_FOR_THE_WEB = frozenset({
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080, 2375, 3306, 5432, 6379, 9200, 11211, 27017,
})  # fmt: skip
"""Ports that browsers refuse (fetch.spec.whatwg.org, "port blocking"), and those of databases: a
request there would be read as a command."""


class PrivateAddress(OSError):
    """A host, or a port of it, that somebody else's words do not lead to."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also after translation to IPv4."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST or ip.scope_id or ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast and ip not in _METADATA


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that traffic to this one may end at, if there is one."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


class AllowedHosts:
    """Hosts of private networks that a person allowed: `name` with all its ports, `name:port`."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(_split(entry) for entry in entries)

    def permits(self, host: str, port: int) -> bool:
        """Whether this host was named, with this port or without one."""
        name = plain_host(host)
        return (name, 0) in self._entries or (name, port) in self._entries


def _split(entry: str) -> tuple[str, int]:
    """Name and port of an entry, 0 for any port; an IPv6 address with a port is in brackets."""
    name, colon, port = entry.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or (":" in name and "]" not in name):
        return plain_host(entry.strip()), 0
    return plain_host(name), int(port)


def plain_host(host: str) -> str:
    """A host in one spelling."""
    host = host.strip("[]").rstrip(".").casefold()
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


class PublicResolver(AbstractResolver):
    """Resolves host names; one that leads to a private address is refused unless it is allowed.

    As a connector's resolver it sees the very addresses that are connected to, so a name that
    resolves to something else a moment later gains nothing.
    """

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises `PrivateAddress`, or OSError if there is none."""
        self.check_port(host, port)
        results = await self._resolver.resolve(host, port, family)
        public = all(is_public(entry["host"]) for entry in results)
        if not public and not self._allowed.permits(host, port):
            raise PrivateAddress(f"{host} is an address of a private network")
        return results

    def check_port(self, host: str, port: int) -> None:
        """Raises `PrivateAddress` for a port of another service, unless it is allowed."""
        if port in NOT_FOR_THE_WEB and not self._allowed.permits(host, port):
            raise PrivateAddress(f"port {port} is that of another service, not of a web server")

    async def close(self) -> None:
        """See `AbstractResolver.close`."""
        await self._resolver.close()
