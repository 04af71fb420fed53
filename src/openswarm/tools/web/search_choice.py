"""Which provider searches: the one that the settings name, or the first that can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from openswarm.core.errors import SettingsError
from openswarm.core.tooling import WebSettings
from openswarm.tools.web.search_moonshot import MOONSHOT
from openswarm.tools.web.search_provider import SearchProvider
from openswarm.tools.web.search_services import BRAVE, EXA, SEARXNG, SERPER, TAVILY

SEARCH_PROVIDERS = {
    provider.name: provider for provider in (BRAVE, SERPER, TAVILY, EXA, SEARXNG, MOONSHOT)
}
"""By name, in the order in which a key is looked for."""
SEARCH_KEYS = tuple(provider.key for provider in SEARCH_PROVIDERS.values() if provider.key)
"""The environment variables that hold keys of search providers."""


@dataclass(frozen=True, slots=True)
class Service:
    """A provider that can be asked."""

    provider: SearchProvider
    base_url: str
    key: str = field(repr=False)


def choose(settings: WebSettings, environ: Mapping[str, str]) -> Service:
    """The provider to search with. Raises `SettingsError` that says what has to be set."""
    if settings.search:
        return _named(settings, environ)
    for provider in SEARCH_PROVIDERS.values():
        if _lacks(provider, settings, environ) is None:
            return _service(provider, settings, environ)
    *first, last = SEARCH_KEYS
    raise SettingsError(
        "no web search is set up: set a key in the environment"
        f" ({', '.join(first)} or {last}), or the address of a SearXNG instance in the settings:"
        ' [tools.web] searxng_url = "http://…"'
    )


def _named(settings: WebSettings, environ: Mapping[str, str]) -> Service:
    provider = SEARCH_PROVIDERS.get(settings.search)
    if provider is None:
        raise SettingsError(
            f"there is no search provider {settings.search!r}; tools.web.search takes"
            f" {', '.join(SEARCH_PROVIDERS)}"
        )
    if missing := _lacks(provider, settings, environ):
        raise SettingsError(f"searching with {provider.name} needs {missing}")
    return _service(provider, settings, environ)


def _lacks(
    provider: SearchProvider, settings: WebSettings, environ: Mapping[str, str]
) -> str | None:
    """What has to be set before the provider can be asked."""
    if provider.key:
        is_set = environ.get(provider.key, "").strip()
        return None if is_set else f"its key in the environment: {provider.key}"
    return None if settings.searxng_url else "its address in the settings: tools.web.searxng_url"


def _service(
    provider: SearchProvider, settings: WebSettings, environ: Mapping[str, str]
) -> Service:
    given = environ.get(provider.address, "").strip() if provider.address else ""
    base_url = given or provider.base_url or settings.searxng_url.strip()
    base_url = base_url.rstrip("/").removesuffix("/search")
    if not _is_address(base_url):
        where = provider.address if given else "tools.web.searxng_url"
        raise SettingsError(f"{where} is no plain http or https address")
    key = environ.get(provider.key, "").strip() if provider.key else ""
    if not key.isascii() or not key.isprintable():
        raise SettingsError(f"{provider.key} holds characters that no key has; copy it again")
    return Service(provider, base_url, key)


def _is_address(base_url: str) -> bool:
    try:
        parts = urlsplit(base_url)
        is_plain = not (parts.username or parts.query or parts.fragment)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain
    except ValueError:
        return False
