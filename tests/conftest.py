"""What holds for every test: a home of its own, no keys, no network, no blocked event loop."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from openswarm.llm.providers import PROVIDERS
from openswarm.tools.web.search_choice import SEARCH_KEYS

_OUTER = dict(os.environ)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TERMINAL = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES")
_LOCAL_NAMES = ("", "localhost", "ip6-localhost")

MAY_BLOCK = {
    "openswarm/journal/folder.py": {"create", "reopen", "close", "events", "read_blob"},
    "openswarm/journal/requests.py": {"__init__"},
    "openswarm/llm/k25_local.py": {"at"},
    "openswarm/llm/policy/folder.py": {"is_policy", "load", "policy_config"},
    "openswarm/llm/policy/vocabulary.py": {"words"},
    "openswarm/llm/prices.py": {"_parsed"},
    "openswarm/llm/scripted.py": {"from_file"},
    "openswarm/llm/weights.py": {"present"},
    "openswarm/modes/attachments.py": {"with_attachments"},
    "openswarm/modes/parts.py": {"absolute"},
    "openswarm/modes/settings.py": {"load_settings"},
    "openswarm/swarm/prompts.py": {"render"},
    "openswarm/tools/tool.py": {"prompt_text"},
}
"""Where small files are read or made at the beginning or the end of a run, by file and function."""


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as openswarm does; a test of a schedule may choose trio."""
    return "asyncio"


@pytest.fixture(scope="session")
def outer_environment() -> dict[str, str]:
    """The environment that pytest was started in, for programs such as pip."""
    return dict(_OUTER)


@pytest.fixture(autouse=True)
def home(no_network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of openswarm, and an environment that knows no key, proxy or terminal."""
    folder = tmp_path / "home"
    keys = [name for provider in PROVIDERS.values() for name in (*provider.keys, provider.address)]
    proxies = [form for name in _PROXIES for form in (name, name.upper())]
    own = [name for name in os.environ if name.startswith(("OPENSWARM_", "OTEL_"))]
    search = [*SEARCH_KEYS, *(f"{name.removesuffix('_API_KEY')}_BASE_URL" for name in SEARCH_KEYS)]
    for name in (*keys, *search, *proxies, *own, *_CERTIFICATES, *_TERMINAL):
        if name:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENSWARM_HOME", str(folder))
    return folder


class NetworkUsed(AssertionError):
    """A test reached for something that is not on this computer."""


@pytest.fixture(autouse=True)
def no_network(no_blocking: None) -> Iterator[None]:
    """Only loopback can be reached. What was tried fails the test, even if it was swallowed."""
    tried: list[str] = []

    def refuse(host: object) -> None:
        tried.append(str(host))
        raise NetworkUsed(f"{host} is not on this computer; tests use loopback alone")

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name not in _LOCAL_NAMES and not _is_address(name) and not _is_old_form(name):
            refuse(name)
        return real_getaddrinfo(host, *args, **options)

    def connect(sock: socket.socket, address: Any) -> None:
        if not _is_local(sock, address):
            refuse(address)
        return real_connect(sock, address)

    def connect_ex(sock: socket.socket, address: Any) -> int:
        if not _is_local(sock, address):
            refuse(address)
        return real_connect_ex(sock, address)

    real_getaddrinfo = socket.getaddrinfo
    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        yield
    if tried:
        pytest.fail(f"the test reached for the network: {', '.join(tried)}")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_old_form(name: str) -> bool:
    """Whether it is an address such as `127.1`, which is resolved without asking anybody."""
    try:
        socket.inet_aton(name)
    except (OSError, UnicodeError):
        return False
    return True


def _is_local(sock: socket.socket, address: Any) -> bool:
    if sock.family == socket.AF_UNIX:
        return True
    host = address[0]
    return host in _LOCAL_NAMES or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


@pytest.fixture(autouse=True)
def no_blocking() -> Iterator[None]:
    """openswarm's own code may not block the event loop, but where `MAY_BLOCK` says so.

    It is set up before anything else replaces a function, and taken down after.
    """
    with blockbuster_ctx("openswarm") as detector:
        for function in detector.functions.values():
            for file, names in MAY_BLOCK.items():
                function.can_block_in(file, names)
        yield
