"""Variables and paths inside the configuration of MCP servers: `${NAME}`, `~`, relative paths.

Errors name a variable, never its value. What came out of variables is remembered as secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openswarm.core.errors import SettingsError
from openswarm.core.tooling import MIN_SECRET_CHARS

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ANY = re.compile(r"\$\{[^}]*\}?")


@dataclass(slots=True)
class Variables:
    """Fills in the variables of one server's entry."""

    environ: Mapping[str, str]
    secrets: set[str] = field(default_factory=set)
    """Values that were filled in."""

    def fill(self, text: str, where: str) -> str:
        """The text with `${NAME}`, `${env:NAME}` and `${NAME:-default}` replaced."""
        for found in _ANY.findall(text):
            if not _VARIABLE.fullmatch(found):
                raise SettingsError(
                    f"{where}: {found} cannot be filled in; write ${{NAME}} and set the"
                    " environment variable NAME."
                )
        filled = _VARIABLE.sub(lambda match: self._value(match[1], match[2], where), text)
        if "\0" in filled:
            raise SettingsError(f"{where}: the value holds a NUL character.")
        return filled

    def required(self, name: str, where: str) -> str:
        """The value of a variable that has to be there; it is a secret."""
        return self._value(name, None, where)

    def path(self, text: str, folder: Path, where: str) -> str:
        """An absolute path: `~` is the user's home, and `folder` where relative ones begin."""
        return str(folder / self.home(self.fill(text, where), where))

    def home(self, text: str, where: str) -> str:
        """The text with `~` at its beginning replaced."""
        if text != "~" and not text.startswith("~/"):
            return text
        home = self.environ.get("HOME")
        if not home:
            raise SettingsError(f"{where}: ~ cannot be filled in, since HOME is not set.")
        return home + text[1:]

    def _value(self, name: str, default: str | None, where: str) -> str:
        value = self.environ.get(name)
        if not value and default is not None:
            return default
        if value is None:
            raise SettingsError(
                f"{where}: the environment variable {name} is not set; set it, or write"
                f" ${{{name}:-default}}."
            )
        if len(value) >= MIN_SECRET_CHARS:
            self.secrets.add(value)
        return value
