"""Which network addresses a program may be led to by somebody else's words: public ones."""

import ipaddress
import socket
from collections.abc import Collection

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult


class PrivateAddress(OSError):
    """A host that lies in the network that the program runs in."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves host names; one that leads to a private address is refused unless it is allowed.

    As a connector's resolver it sees the very addresses that are connected to, so a name that
    resolves to something else a moment later gains nothing.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = allowed
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises `PrivateAddress`, or OSError if there is none."""
        results = await self._resolver.resolve(host, port, family)
        if host not in self._allowed and not all(is_public(entry["host"]) for entry in results):
            raise PrivateAddress(f"{host} is an address of a private network")
        return results

    async def close(self) -> None:
        """See `AbstractResolver.close`."""
        await self._resolver.close()
