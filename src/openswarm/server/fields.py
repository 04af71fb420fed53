"""Strict reading of the JSON objects that requests are: types, sizes, and which field is wrong.

Fields that nobody reads are ignored, since clients send more than a server knows. `null` is the
same as a field that is not there.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

from openswarm.server.failures import ApiError, bad_request

MAX_MESSAGES = 10_000
MAX_PARTS = 10_000
MAX_TOOLS = 1_024
MAX_DEPTH = 100
"""How deep what is passed on may be: encoders on its way have limits of their own."""


class Fields:
    """One JSON object and the path to it; what is wrong raises `ApiError` that names the field."""

    def __init__(self, value: dict[str, Any], path: str = "") -> None:
        self.value = value
        self.path = path

    def at(self, name: str) -> str:
        """The path to one of its fields."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, what: str) -> ApiError:
        """The error that says what a field has to be."""
        return bad_request(f"{self.at(name)} {what}", self.at(name))

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return self.value.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self.value.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.wrong(name, "has to be a text")
        return value

    def word(self, name: str, words: Sequence[str], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in words and value != default:
            raise self.wrong(name, f"is {value[:100]!r}; it can be {', '.join(words)}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.value.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "has to be true or false")
        return value

    def integer(self, name: str, low: int) -> int | None:
        """A whole number of at least `low`."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise self.wrong(name, f"has to be a whole number of at least {low}")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number within bounds."""
        value = self.value.get(name)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise self.wrong(name, f"has to be a number from {low:g} to {high:g}")
        return float(value)

    def inner(self, name: str) -> "Fields | None":
        """An object inside, where it is there."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "has to be an object")
        return Fields(value, self.at(name))

    def whole(self, name: str) -> dict[str, Any] | None:
        """An object that is passed on as it is, where it is there; not too deep."""
        inner = self.inner(name)
        if inner is None:
            return None
        layer: list[Any] = [inner.value]
        for _ in range(MAX_DEPTH):
            layer = [child for value in layer for child in _children(value)]
        if layer:
            raise self.wrong(name, f"is nested more than {MAX_DEPTH} levels deep")
        return inner.value

    def objects(self, name: str, most: int) -> list["Fields"]:
        """A list of objects; none where the field is not there."""
        return [
            Fields(entry, f"{self.at(name)}[{position}]")
            for position, entry in enumerate(self._list(name, most, dict, "an object"))
        ]

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """A list of texts; none where the field is not there."""
        return tuple(self._list(name, most, str, "a text"))

    def _list(self, name: str, most: int, kind: type, what: str) -> list[Any]:
        value = self.value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "has to be a list")
        if len(value) > most:
            raise self.wrong(name, f"has {len(value)} entries; it may have {most}")
        for position, entry in enumerate(value):
            if not isinstance(entry, kind):
                raise self.wrong(f"{name}[{position}]", f"has to be {what}")
        return value


def _children(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
