"""Taking secrets out of text that is to be shared: those that are known, and what looks like one.

A known value is found wherever it stands, also URL-encoded, JSON-escaped, HTML-escaped or inside
base64. Common forms (`secret_forms`) are found by how they look. Text that is JSON stays JSON.
Every step takes linear time. Knows nothing of runs.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from openswarm.core.settings import Settings
from openswarm.core.tooling import MIN_SECRET_CHARS
from openswarm.journal.secret_forms import names_secret, secret_spans

MARK = "[redacted]"

SECRET_SUFFIXES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
PUBLIC_HEADERS = frozenset(
    {
        "accept",
        "accept-language",
        "content-type",
        "http-referer",
        "referer",
        "user-agent",
        "x-title",
    }
)
"""Headers that say who asks and for what, in words that stand elsewhere too."""

_JSON_TOKEN = re.compile(r'("(?:[^"\\]++|\\.)*+"|-?[0-9][0-9.eE+-]*+)(\s*+:)?')
"""In text that is known to be JSON: a string or a number, and whether it is a key."""
_NUMERAL = re.compile(r"[0-9.eE+-]+")


def known_secrets(
    environ: Mapping[str, str], settings: Settings, keys: Iterable[str] = ()
) -> tuple[str, ...]:
    """The secrets that this computer knows: keys in the environment, headers in the settings.

    `keys` are the variables that hold keys of providers; beside them count those that an endpoint
    of the settings names, and all whose names end as names of secrets do.
    """
    named = {*keys, *(endpoint.api_key_env for endpoint in settings.endpoints.values())}
    found = [
        value
        for name, value in environ.items()
        if name in named or name.upper().endswith(SECRET_SUFFIXES)
    ]
    for endpoint in settings.endpoints.values():
        for name, value in endpoint.headers.items():
            if name.lower() not in PUBLIC_HEADERS:
                found += [value, value.split()[-1] if value.split() else ""]
    values = {value.strip() for value in found}
    return tuple(sorted(value for value in values if len(value) >= MIN_SECRET_CHARS))


class Redactor:
    """Redacts one text after another, each the same way every time."""

    def __init__(
        self, secrets: Iterable[str] = (), home: Path | None = None, *, shapes: bool = True
    ) -> None:
        """`secrets` are exact values; `home` is the folder that becomes `~` in paths.

        Without `shapes` known values alone are redacted, and not what merely looks like a secret.
        """
        self._shapes = shapes
        values = {secret.strip() for secret in secrets} - {""}
        forms = {form for value in values for form in _forms(value)} - {""}
        self._forms = sorted(forms, key=lambda form: (len(form), form))
        numerals = [len(form) for form in forms if _NUMERAL.fullmatch(form)]
        self._shortest_numeral = min(numerals, default=None)
        self._starts = {
            value[:length]
            for value in values
            for length in range(max(MIN_SECRET_CHARS, (len(value) + 1) // 2), len(value))
        }
        self._start_lengths = sorted({len(start) for start in self._starts}, reverse=True)
        self._homes = _home_forms(home)
        self._home = _home_pattern(self._homes)

    def text(self, text: str) -> str:
        """The text with `[redacted]` for each secret and `~` for the home folder.

        What was redacted once is not changed by doing so again.
        """
        while (after := self._once(text)) != text:
            text = after
        return text

    def _once(self, text: str) -> str:
        if _is_json(text):
            return self._json(text)
        *pieces, last = text.split(MARK)
        return MARK.join([*map(self._piece, pieces), self._piece(last, is_end=True)])

    def _json(self, text: str) -> str:
        """Strings and numbers are replaced where they stand, so that all else stays as it was."""
        parts: list[str] = []
        done, key = 0, ""
        for match in _JSON_TOKEN.finditer(text):
            token, is_key = match[1], match[2] is not None
            after = token if self._cannot_matter(token, key) else self._json_token(token, key)
            if after != token:
                parts += [text[done : match.start()], after]
                done = match.end(1)
            key = json.loads(token) if is_key else ""
        return "".join([*parts, text[done:]]) if parts else text

    def _cannot_matter(self, token: str, key: str) -> bool:
        """Whether it is one of the many numbers that need no closer look."""
        shortest = self._shortest_numeral
        is_number = token[0] != '"'
        may_be_value = bool(shortest) and len(token) >= shortest
        return is_number and not may_be_value and not (self._shapes and names_secret(key))

    def _json_token(self, token: str, key: str) -> str:
        value = json.loads(token) if token[0] == '"' else token
        named = self._shapes and key and names_secret(key, value)
        after = MARK if named else self.text(value)
        return token if after == value else json.dumps(after)

    def _piece(self, text: str, *, is_end: bool = False) -> str:
        """A text without marks in it."""
        parts: list[str] = []
        done = 0
        spans = [*self._known_spans(text), *(secret_spans(text) if self._shapes else ())]
        if is_end:
            spans += self._cut_off(text)
        for start, end in _merged(spans):
            parts += [self._at_home(text[done:start]), MARK]
            done = end
        return "".join([*parts, self._at_home(text[done:])])

    def _known_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            if len(form) > len(text):
                break
            start = text.find(form)
            while start >= 0:
                yield start, start + len(form)
                start = text.find(form, start + len(form))

    def _cut_off(self, text: str) -> list[tuple[int, int]]:
        """The first half of a secret, or more of it, where the text ends inside of it."""
        end = len(text.rstrip("…."))
        starts = (end - length for length in self._start_lengths if length <= end)
        return [(start, end) for start in starts if text[start:end] in self._starts]

    def _at_home(self, text: str) -> str:
        if self._home is None or not any(home in text for home in self._homes):
            return text
        return self._home.sub("~", text)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _forms(value: str) -> Iterator[str]:
    """How a value may be written."""
    yield value
    data = value.encode("utf-8", "surrogateescape")
    for encoded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=ascii_only)[1:-1])
    yield html.escape(value)
    for encoded in _base64_forms(data):
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"), quote(encoded, safe=""))


def _base64_forms(data: bytes) -> Iterator[str]:
    """The value in base64, alone and inside of something longer, which may begin at any byte."""
    whole = base64.b64encode(data).decode()
    yield from (whole, whole.rstrip("="))
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        inner = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(inner) >= MIN_SECRET_CHARS:
            yield inner


def _is_json(text: str) -> bool:
    """Whether the text as a whole is a JSON object or array."""
    if text.lstrip()[:1] not in ("{", "[") or text.rstrip()[-1:] not in ("}", "]"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _home_forms(home: Path | None) -> tuple[str, ...]:
    if home is None or len(home.parts) < 2:
        return ()
    paths = {str(home), str(home.resolve())}
    forms = {*paths, *map(quote, paths)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _home_pattern(homes: tuple[str, ...]) -> re.Pattern[str] | None:
    """The home folder where a path begins with it, not inside of another path or address."""
    if not homes:
        return None
    begins = r"(?:(?<![\w.~/%-])|(?<=file://)|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
    return re.compile(rf"{begins}(?:{'|'.join(map(re.escape, homes))})(?![\w-]|\.\w)")
