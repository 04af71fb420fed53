"""What `openswarm doctor` says of the built-in tools: the sandbox, the browser, searching, MCP."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from openswarm.cli.findings import Finding
from openswarm.core.errors import SettingsError
from openswarm.core.settings import Settings


def tool_findings(home: Path, settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What tools would find. The sandbox is really tried; nothing is asked on the network."""
    yield from _sandbox()
    yield from _browser(settings, environ)
    yield from _search(settings, environ)
    yield from _http(settings, environ)
    yield from _mcp(home, settings, environ)


def _sandbox() -> Iterator[Finding]:
    from openswarm.tools.sandbox.probe import probe

    confinement = probe()
    if confinement.kind == "none":
        advice = f"{confinement.why_not}; python and shell are refused until then"
        yield Finding("sandbox", "note", "none", advice)
    else:
        said = "; ".join(confinement.notes)
        yield Finding("sandbox", "ok", f"{confinement.kind}{f'; {said}' if said else ''}")
    for check in confinement.checks:
        status = "ok" if check.ok else "note"
        yield Finding(f"sandbox: {check.name}", status, check.detail, check.remedy)


def _browser(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    from openswarm.tools.browsing.chromium import can_confine, find_chromium

    try:
        found = find_chromium(settings.tools.web.browser, environ)
    except SettingsError as error:
        yield Finding("browser", "note", "none", str(error))
        return
    own = "" if can_confine() else "; runs without its own sandbox (root, or no user namespaces)"
    yield Finding("browser", "ok", f"{found}{own}")


def _search(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    from openswarm.tools.web.search_choice import choose

    try:
        service = choose(settings.tools.web, environ)
    except SettingsError as error:
        yield Finding("web search", "note", "none", str(error))
        return
    yield Finding("web search", "ok", service.provider.name)


def _http(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    http = settings.tools.http
    if not http.allow:
        return
    unset = [secret.env for secret in http.secrets.values() if not environ.get(secret.env)]
    advice = f"set {', '.join(unset)}" if unset else ""
    yield Finding("http_request", "note" if unset else "ok", ", ".join(http.allow), advice)


def _mcp(home: Path, settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    from openswarm.tools.mcp.tools import configured
    from openswarm.tools.setup import ToolSetup

    setup = ToolSetup(scratch=Path(), home=home, settings=settings.tools, environ=environ)
    try:
        servers = configured(setup)
    except SettingsError as error:
        yield Finding("mcp servers", "problem", str(error), "mend the file")
        return
    if servers:
        yield Finding("mcp servers", "ok", ", ".join(server.name for server in servers))
