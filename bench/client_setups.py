"""The command-line clients that are tried: what to install, how to set each up, how to ask it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

TOKEN = "token-of-the-bench"
MODEL = "openswarm-thinking"
SMALL = "openswarm-instant"
COMMAND = "echo openswarm-$((6 * 7))"
OUTPUT = "openswarm-42"
PROMPT = f"Run the shell command `{COMMAND}` and tell me what it prints."


@dataclass(frozen=True, slots=True)
class Place:
    """Where one client works: its packages, its home and folder, and the server."""

    installed: Path
    home: Path
    folder: Path
    url: str

    def program(self, name: str) -> str:
        """A program that the packages brought."""
        return str(self.installed / "node_modules" / ".bin" / name)


@dataclass(frozen=True, slots=True)
class Client:
    """One command-line client: what to install, how to set it up, how to ask it."""

    name: str
    wire: Literal["messages", "responses", "chat"]
    packages: tuple[str, ...]
    command: Callable[[Place], Sequence[str]]
    environment: Callable[[Place], Mapping[str, str]]
    files: Callable[[Place], Mapping[str, str]] = field(default=lambda _: {})
    """Settings that are written to its home, by path."""


def _claude(place: Place) -> Sequence[str]:
    return place.program("claude"), "-p", PROMPT, "--allowedTools", "Bash"


def _claude_environment(place: Place) -> Mapping[str, str]:
    return {
        "ANTHROPIC_BASE_URL": place.url,
        "ANTHROPIC_AUTH_TOKEN": TOKEN,
        "ANTHROPIC_MODEL": MODEL,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": SMALL,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def _codex(place: Place) -> Sequence[str]:
    free = "--dangerously-bypass-approvals-and-sandbox"
    return place.program("codex"), "exec", "--skip-git-repo-check", free, PROMPT


def _codex_files(place: Place) -> Mapping[str, str]:
    lines = (
        f'model = "{MODEL}"', 'model_provider = "openswarm"', "[model_providers.openswarm]",
        'name = "openswarm"', f'base_url = "{place.url}/v1"', 'env_key = "OPENSWARM_TOKEN"',
        'wire_api = "responses"', "request_max_retries = 0", "stream_max_retries = 0",
    )  # fmt: skip
    return {".codex/config.toml": "\n".join(lines)}


def _opencode(place: Place) -> Sequence[str]:
    return place.program("opencode"), "run", "-m", f"openswarm/{MODEL}", PROMPT


def _opencode_files(place: Place) -> Mapping[str, str]:
    options = {"baseURL": f"{place.url}/v1", "apiKey": TOKEN}
    models = {name: {"tool_call": True, "reasoning": True} for name in (MODEL, SMALL)}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": models}
    settings = {
        "provider": {"openswarm": provider},
        "small_model": f"openswarm/{SMALL}",
        "permission": {"bash": "allow"},
        "autoupdate": False,
        "share": "disabled",
    }
    return {".config/opencode/opencode.json": json.dumps(settings)}


def _kimi(place: Place) -> Sequence[str]:
    return place.program("node"), place.program("kimi"), "-p", PROMPT


def _kimi_files(place: Place) -> Mapping[str, str]:
    lines = (
        'default_model = "served"', "telemetry = false", "[providers.openswarm]", 'type = "kimi"',
        f'base_url = "{place.url}/v1"', f'api_key = "{TOKEN}"', "[models.served]",
        'provider = "openswarm"', f'model = "{MODEL}"', "max_context_size = 262144",
        'capabilities = ["thinking", "tool_use"]',
    )  # fmt: skip
    return {".kimi-code/config.toml": "\n".join(lines)}


CLIENTS = (
    Client(
        "claude-code", "messages", ("@anthropic-ai/claude-code@2.1.197",),
        _claude, _claude_environment,
    ),
    Client(
        "codex", "responses", ("@openai/codex@0.169.0",),
        _codex, lambda _: {"OPENSWARM_TOKEN": TOKEN}, _codex_files,
    ),
    Client(
        "opencode", "chat", ("opencode-ai@1.18.33",),
        _opencode, lambda _: {}, _opencode_files,
    ),
    Client(
        "kimi-code", "chat", ("@moonshot-ai/kimi-code@2.1.0", "node@22"),
        _kimi, lambda _: {}, _kimi_files,
    ),
)  # fmt: skip
