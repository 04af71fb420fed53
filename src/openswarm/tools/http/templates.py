"""Secrets by name: `{{secret:NAME}}` in a request becomes the value, for its own hosts alone.

The errors name the secret and its environment variable, never the value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from yarl import URL

from openswarm.core.errors import SettingsError, ToolError
from openswarm.core.tooling import MIN_SECRET_CHARS, Secret
from openswarm.tools.http.allow import host_matches
from openswarm.tools.http.exchange import is_loopback

_MARK = re.compile(r"\{\{\s*secret\s*:\s*([^{}\s]*)\s*\}\}", re.IGNORECASE)
_START = re.compile(r"\{\{\s*secret\b", re.IGNORECASE)


def holds_secret(text: str) -> bool:
    """Whether a text asks for a secret, well or badly written."""
    return _START.search(text) is not None


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets of the settings and where their values are."""

    secrets: Mapping[str, Secret]
    environ: Mapping[str, str]

    def fill(self, text: str, url: URL, written: Callable[[str], str] = str) -> str:
        """The text with each secret's value, as `written` writes it, for a request to `url`.

        Raises `ToolError` or `SettingsError` where a secret is unknown, unset or not for this host.
        """
        filled = _MARK.sub(lambda mark: written(self._value(mark[1], url)), text)
        if holds_secret(_MARK.sub("", text)):
            raise ToolError("a secret is written {{secret:NAME}}, with its name and nothing else")
        return filled

    def fill_json(self, value: Any, url: URL) -> Any:
        """The JSON value with secrets in its texts; names of members take none."""
        if isinstance(value, str):
            return self.fill(value, url)
        if isinstance(value, list):
            return [self.fill_json(entry, url) for entry in value]
        if isinstance(value, dict):
            if any(map(holds_secret, value)):
                raise ToolError("a secret cannot be the name of a JSON member")
            return {name: self.fill_json(entry, url) for name, entry in value.items()}
        return value

    def fill_body(self, text: str, url: URL, media_type: str) -> str:
        """The text of a body; in a form the value is written as forms write it."""
        is_form = media_type.startswith("application/x-www-form-urlencoded")
        return self.fill(text, url, quote_plus if is_form else str)

    def _value(self, name: str, url: URL) -> str:
        secret = self.secrets.get(name)
        if secret is None:
            known = ", ".join(self.secrets) or "none; the user sets them in tools.http.secrets"
            raise ToolError(f"there is no secret {name[:80]!r}. The secrets: {known}")
        if not host_matches(url, secret.hosts):
            raise ToolError(
                f"secret {name} is not for {url.host}; it goes to {', '.join(secret.hosts)} alone"
            )
        if url.scheme != "https" and not is_loopback(url):
            raise ToolError(f"secret {name} goes out over https alone; ask {url.host} that way")
        return self._of_environment(name, secret)

    def _of_environment(self, name: str, secret: Secret) -> str:
        value = self.environ.get(secret.env, "").strip()
        if not value:
            raise SettingsError(
                f"secret {name} is not set: put it in the environment: {secret.env}"
            )
        if len(value) < MIN_SECRET_CHARS:
            raise SettingsError(
                f"secret {name} ({secret.env}) has fewer than {MIN_SECRET_CHARS} characters; so"
                " short a value cannot be told from other words in an answer, so it is not sent"
            )
        return value
