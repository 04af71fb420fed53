"""Who may be asked: the open internet, and what a person allowed by name; nothing else."""

import socket
from typing import Any

import pytest
from fetched_site import Site, fetching, reply, serving

from openswarm.core.errors import WebError
from openswarm.tools.web.addresses import AllowedHosts, PrivateAddress, PublicResolver, is_public

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("web.private")]


@pytest.fixture
def site(site: Site) -> Site:
    """With a page that nobody else may read."""
    site.pages["/secret"] = reply("secret", type_="text/plain")
    return site


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("172.16.9.9", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("100.100.100.200", False),
        ("192.0.0.192", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("224.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2002:a9fe:a9fe::1", False),
        ("2001:0:7f00:1::1", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    """Also where an address holds one of another kind."""
    assert is_public(address) is public


SPELLINGS = ["127.0.0.1", "localhost", "localhost.", "LOCALHOST", "127.1", "2130706433",
             "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0.0.0.0",
             "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
             "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "127。0。0。1",
             "①②⑦.⓪.⓪.①", "user@127.0.0.1", "example.com@127.0.0.1",
             "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "192.168.0.1",
             "100.64.0.1"]  # fmt: skip


@pytest.fixture
def dotted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that end with a dot are resolved like the others."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        return real(host.rstrip("."), *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("dotted")
@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_a_private_address_is_asked(site: Site, host: str) -> None:
    """Whatever a browser would make of it."""
    async with fetching(site, allow=(), robots=False) as fetcher:
        with pytest.raises(WebError):
            await fetcher.get(site.url("/secret", host))
    assert not site.asked


@pytest.mark.usefixtures("dotted")
@pytest.mark.parametrize("host", [host for host in SPELLINGS if "localhost" not in host.lower()])
async def test_no_redirect_leads_to_a_private_address(site: Site, host: str) -> None:
    """Also not from a host that is allowed to another one that is not."""
    site.pages["/public"] = reply(status=302, Location=site.url("/secret", host))
    async with fetching(site, allow=(f"localhost:{site.port}",), robots=False) as fetcher:
        with pytest.raises(WebError):
            await fetcher.get(site.url("/public", "localhost"))
    assert dict(site.asked) == {"/public": 1}


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it led to when it was asked first does not matter: a name may change its mind."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        named = host.decode() if isinstance(host, bytes) else host
        return real(next(answers) if named == "rebind.example" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = PublicResolver(AllowedHosts([]))
    assert await resolver.resolve("rebind.example", 80)
    async with fetching(site, allow=(), robots=False) as fetcher:
        with pytest.raises(WebError, match="private network"):
            await fetcher.fetch(site.url("/secret", "rebind.example"))
    assert not site.asked
    await resolver.close()


async def test_one_private_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name is refused for any of its addresses."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*entry, ("93.184.216.34", 80)), (*entry, ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    resolver = PublicResolver(AllowedHosts(["other.example"]))
    with pytest.raises(PrivateAddress):
        await resolver.resolve("two.example", 80)
    assert len(await resolver.resolve("other.example", 80)) == 2


@pytest.mark.parametrize(
    ("entry", "host", "port", "permitted"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 8081, False),
        ("127.0.0.1", "127.0.0.1", 8081, True),
        ("127.0.0.1", "127.0.0.2", 80, False),
        ("Intranet.Example.", "intranet.example", 443, True),
        ("intranet.example", "a.intranet.example", 443, False),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("::1", "0:0:0:0:0:0:0:1", 80, True),
        ("[::1]", "::1", 80, True),
        ("", "", 80, True),
        ("host:", "host", 80, False),
        ("*", "host", 80, False),
    ],
)
def test_a_host_is_allowed_by_its_name_and_port(
    entry: str, host: str, port: int, permitted: bool
) -> None:
    """And no other host with it."""
    assert AllowedHosts([entry]).permits(host, port) is permitted


async def test_a_setting_allows_as_well(site: Site) -> None:
    """`web.allow_hosts`."""
    async with fetching(site, allow=(), allow_hosts=(f"127.0.0.1:{site.port}",)) as fetcher:
        assert (await fetcher.fetch(site.url("/secret"))).text == "secret"


async def test_a_proxy_opens_no_way_inside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to itself nor to names that only it can resolve; public names go through it."""
    async with serving() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        for host in ("127.0.0.1", "localhost", "2130706433", "[::1]", "metadata.google.internal",
                     "printer.local", "intranet.invalid"):  # fmt: skip
            if host == "intranet.invalid":
                proxy.pages["http://intranet.invalid/"] = reply("out", type_="text/plain")
                async with fetching(site, allow=(), robots=False) as fetcher:
                    assert (await fetcher.fetch("http://intranet.invalid/")).text == "out"
                continue
            if host.endswith((".internal", ".local")):
                monkeypatch.setattr(socket, "getaddrinfo", _nothing_found(socket.getaddrinfo))
            async with fetching(site, allow=(), robots=False) as fetcher:
                with pytest.raises(WebError):
                    await fetcher.get(f"http://{host}:{proxy.port}/")
        assert dict(proxy.asked) == {"http://intranet.invalid/": 1}


def _nothing_found(real: Any) -> Any:
    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith((".internal", ".local")):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **options)

    return getaddrinfo


@pytest.mark.parametrize("port", [22, 25, 587, 6379, 11211])
async def test_ports_of_other_services_are_not_asked(site: Site, port: int) -> None:
    """Only where host and port were named by a person."""
    with pytest.raises(PrivateAddress, match="another service"):
        await PublicResolver(AllowedHosts([])).resolve("8.8.8.8", port)
    named = PublicResolver(AllowedHosts([f"8.8.8.8:{port}"]))
    assert (await named.resolve("8.8.8.8", port))[0]["host"] == "8.8.8.8"
    async with fetching(site, robots=False) as fetcher:
        with pytest.raises(WebError, match="another service"):
            await fetcher.fetch(f"http://8.8.8.8:{port}/")
