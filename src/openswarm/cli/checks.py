"""What `openswarm doctor` looks at. Each check is a function that yields findings; no key's value
and no password is ever among them."""

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from openswarm.cli.findings import Finding
from openswarm.cli.text import size
from openswarm.cli.tool_checks import tool_findings
from openswarm.core.errors import OpenswarmError
from openswarm.core.settings import Settings
from openswarm.llm.catalogue import CATALOGUE
from openswarm.llm.providers import PROVIDERS
from openswarm.llm.resolve import default_spec
from openswarm.llm.weights import is_present
from openswarm.modes.settings import HOME_VARIABLE, SETTINGS_FILE, load_settings

OLDEST_PYTHON = (3, 11)
LEAST_SPACE = 2_000_000_000
FILES_FOR_A_SWARM = 4_096
IMPORT_TIMEOUT_S = 60.0
EXTRAS = (
    ("local", "xllamacpp", "models that run on this computer"),
    ("office", "openpyxl", "XLSX files"),
    ("office", "pypdf", "PDF files"),
    ("web", "trafilatura", "the text of web pages"),
    ("web", "playwright", "a browser for agents"),
    ("mcp", "mcp", "tools of MCP servers"),
    ("serve", "starlette", "the server and its web view"),
    ("otel", "opentelemetry.sdk", "runs as OpenTelemetry traces"),
    ("yaml", "yaml", "contracts in YAML"),
    ("parquet", "pyarrow", "Parquet files"),
    ("model", "torch", "the K2.5-shaped model: training, inference, export"),
    ("speed", "uvloop", "a faster event loop"),
    ("evals", "matplotlib", "figures"),
)
"""Extra, module, and what it gives."""
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def findings(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that openswarm depends on, as it is on this computer."""
    yield from _program()
    yield from _home(home, environ)
    settings, finding = _settings(home)
    yield finding
    yield from _keys(environ)
    spec, why = _default_model(settings, environ)
    yield Finding("default model", "ok", f"{spec} ({why})")
    yield from _weights(home, spec)

    yield from _extras()
    yield from tool_findings(home, settings, environ)
    yield from _network(settings, environ)
    yield from _system()


def _program() -> Iterator[Finding]:
    yield Finding("openswarm", "ok", version("openswarm"))
    found = f"{platform.python_version()} ({sys.executable})"
    old = sys.version_info < OLDEST_PYTHON
    advice = "install Python 3.11 or newer" if old else ""
    yield Finding("python", "problem" if old else "ok", found, advice)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    known = platform.system() in ("Linux", "Darwin")
    yield Finding("platform", "ok" if known else "note", machine,
                  "" if known else "only Linux and macOS are tested")  # fmt: skip


def _home(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    why = f"{HOME_VARIABLE} is set" if environ.get(HOME_VARIABLE) else "the default"
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        advice = f"give access to {nearest}, or set {HOME_VARIABLE} to another folder"
        yield Finding("home", "problem", f"{home} cannot be written to ({why})", advice)
        return
    free = shutil.disk_usage(nearest).free
    yield Finding("home", "ok", f"{home} ({why})")
    scarce = free < LEAST_SPACE
    advice = f"make room, or set {HOME_VARIABLE} to a folder on another disk" if scarce else ""
    yield Finding("free space", "note" if scarce else "ok", size(free), advice)


def _settings(home: Path) -> tuple[Settings, Finding]:
    path = home / SETTINGS_FILE
    try:
        settings = load_settings(home)
    except OpenswarmError as error:
        return Settings(), Finding("settings", "problem", str(error), "mend or remove the file")
    return settings, Finding("settings", "ok", str(path) if path.is_file() else "none: defaults")


def _keys(environ: Mapping[str, str]) -> Iterator[Finding]:
    names = [name for provider in PROVIDERS.values() for name in provider.keys]
    found = [name for name in dict.fromkeys(names) if environ.get(name, "").strip()]
    if found:
        yield Finding("keys", "ok", ", ".join(found))
    else:
        yield Finding("keys", "note", "none", f"set one for a stronger model, such as {names[0]}")


def _default_model(settings: Settings, environ: Mapping[str, str]) -> tuple[str, str]:
    """The specification, and why."""
    return (settings.model, "from the settings") if settings.model else default_spec(environ)


def _weights(home: Path, default: str) -> Iterator[Finding]:
    for entry in CATALOGUE:
        spec = f"local/{entry.name}"
        if is_present(entry.name, home):
            yield Finding(spec, "ok", f"here, {size(entry.size)}")
        elif spec == default:
            advice = f"openswarm models pull {spec}"
            yield Finding(spec, "note", f"not fetched yet, {size(entry.size)}", advice)


def _extras() -> Iterator[Finding]:
    """Imports each in a process of its own: a broken native library must not end the doctor."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", f"import {module}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _, module, _ in EXTRAS
    ]
    for (extra, module, gives), process in zip(EXTRAS, running, strict=True):
        try:
            code = process.wait(IMPORT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code == 0:
            yield Finding(module, "ok", gives)
        elif code < 0:
            advice = f"this processor or system does not run it: pip install -U {module}"
            yield Finding(module, "problem", f"broken (signal {-code}); {gives}", advice)
        else:
            yield Finding(module, "note", f"missing: {gives}", f"pip install 'openswarm[{extra}]'")


def _network(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    proxies = [
        f"{name}={_without_password(value)}"
        for name in _PROXIES
        if (value := environ.get(name) or environ.get(name.lower()))
    ]
    yield Finding("proxies", "ok", ", ".join(proxies) or "none")
    given = {name: environ[name] for name in _CERTIFICATES if environ.get(name)}
    if settings.ca_bundle:
        given["ca_bundle"] = settings.ca_bundle
    missing = [f"{name}={path}" for name, path in given.items() if not Path(path).exists()]
    if missing:
        advice = "point it to a file of certificates in PEM form, or unset it"
        yield Finding("certificates", "problem", f"no such file: {', '.join(missing)}", advice)
    else:
        extra = ", ".join(f"{name}={path}" for name, path in given.items())
        yield Finding("certificates", "ok", extra or "the system's")


def _without_password(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2] or address.rpartition("@")[2]


def _system() -> Iterator[Finding]:
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute("CREATE VIRTUAL TABLE t USING fts5(text)")
            yield Finding("sqlite", "ok", f"{sqlite3.sqlite_version} with FTS5")
        except sqlite3.OperationalError:
            advice = "use a Python whose SQLite has FTS5; searching documents needs it"
            yield Finding("sqlite", "problem", f"{sqlite3.sqlite_version} without FTS5", advice)
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = hard != resource.RLIM_INFINITY and hard < FILES_FOR_A_SWARM
    shown = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    advice = "ulimit -Hn 65536 for swarms of hundreds" if few else ""
    yield Finding("open files", "note" if few else "ok", f"{soft}, raised up to {shown}", advice)
