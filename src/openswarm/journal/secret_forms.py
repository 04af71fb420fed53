"""How secrets look that nobody told us: keys of well-known services, headers, assignments.

Each pattern is written so that a text of any kind is read in linear time: no run of characters is
read again from each of its places. Where a form also fits ordinary words, the value has to look
random.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

_KEY_STARTS = (
    ("sk-", 3), ("[sr]k_live_", 8), ("[sr]k_test_", 8), ("gh[pousr]_", 4), ("github_pat_", 11),
    ("glpat-", 6), ("xox[a-z]-", 5), ("xapp-", 5), ("hf_", 3), ("gsk_", 4), ("xai-", 4),
    ("tgp_v1_", 7), ("npm_", 4), ("pypi-", 5), ("AIza", 4),
)  # fmt: skip
"""How keys begin, and in how many characters."""


def _starts(start: str, length: int, inside: str = "A-Za-z0-9") -> str:
    """A start that does not stand inside of a word; what an escape ends in is no word."""
    before = (r"(?<=\\[nrt]{0})", r"(?<=%[0-9A-Fa-f]{{2}}{0})", r"(?<=\\u[0-9A-Fa-f]{{4}}{0})")
    begins = "|".join(
        [rf"(?<![{inside}]{'.' * length})", *(b.format("." * length) for b in before)]
    )
    return f"{start}(?:{begins})"


_KEY = re.compile(
    rf"(?:{'|'.join(_starts(*entry) for entry in _KEY_STARTS)})([A-Za-z0-9_-]{{16,}})"
    rf"|{_starts('A[KS]IA', 4)}[A-Z0-9]{{16,}}"
)
_JWT = re.compile(
    _starts("eyJ", 3, inside="A-Za-z0-9_-")
    + r"[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]++){0,2}"
)
_PEM_LABEL = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM = re.compile(
    rf"-----BEGIN {_PEM_LABEL}"
    rf"(?:[^-]*+(?:-(?!----)[^-]*+)*+-----END {_PEM_LABEL}"
    r"|(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{16,}+)*+)"
)
_USER_AND_PASSWORD = re.compile(r"://([^\s/@:?#\"'<>\\]*+:[^\s/@?#\"'<>\\]++)@")
_GAP = r"(?:\s|%20|\+){1,4}"
_BEARER = re.compile(rf"(?i:bearer){_GAP}([A-Za-z0-9._~+/=-]{{7,}}[A-Za-z0-9_~+/=-])")
_BASIC = re.compile(rf"(?i:basic){_GAP}([A-Za-z0-9+/_-]{{6,}}+={{0,2}}+)")
_HEADER = re.compile(
    r"(?i:authorization)\\{0,4}[\"']?\s{0,4}[:=]\s{0,4}\\{0,4}[\"']?"
    r"(?i:bearer|basic|token|digest|apikey|bot)\s{1,4}([^\s\"'\\,;<>]{4,})"
)
_NAME = (
    r"(?i:(?:api|access|secret|private|account|signing|encryption)[_.-]?key"
    r"|token|secret|passw(?:or)?d|passphrase|pwd)"
)
_NAME_WORDS = ("key", "token", "secret", "passw", "passphrase", "pwd")
"""One of them is in every name."""
_NAME_AT_END = re.compile(rf"{_NAME}\Z")
_ASSIGNED = re.compile(
    rf"({_NAME})(?:"
    r"=(?![=\"'\\])(?P<tight>[^\s&\"'\\<>;,]+)"
    r"|\\{0,4}[\"']?\s{0,4}[:=]\s{0,4}\\{0,4}[\"'](?P<quoted>[^\"'\\\n]+)"
    r"|\\{0,4}[\"']?\s{0,4}[:=]\s{1,4}(?P<loose>[^\s\"'\\<>;,&]+)(?P<more>[ \t]{0,8}[^\s,;])?)"
)
_NO_SECRET = re.compile(
    r"(?i:none|null|nil|true|false|undefined|str|string|int|bool|bytes|[0-9]{1,5}|x+|[*.…-]+)[).]*"
    r"|[{<\[(*].*|\$[A-Za-z_{(].*|%[sdr(].*|(?:os|process|self|args|config|settings)\..*",
    re.DOTALL,
)
"""What stands in the place of a secret: nothing, a type, a placeholder, where it is taken from."""
_RUN = re.compile(r"[A-Za-z0-9]{8,}")
_MIXED = re.compile(r"[a-z][A-Z]|[0-9]")


def secret_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where something stands that looks like a secret."""
    for pattern, accept in _PATTERNS:
        for match in pattern.finditer(text):
            if accept(match):
                yield match.span()
    lower = text.lower()
    for word, pattern, accept in _VALUES:
        for match in pattern.finditer(text) if word in lower else ():
            if accept(match):
                yield match.span(1)
    if any(word in lower for word in _NAME_WORDS):
        yield from _assigned(text)


def names_secret(name: str, value: str | None = None) -> bool:
    """Whether what goes by that name is a secret; with `value`, whether this can be one."""
    match = _NAME_AT_END.search(name[-20:])
    if match is None or value is None:
        return match is not None
    return _may_be_quoted(match[0], value)


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    """The values of `token=…`, `"api_key": "…"`, `password: …`.

    What was no value is read again, since another name may stand in it; it ends at white space or
    a quote, so no place is read more than a few times.
    """
    match = _ASSIGNED.search(text)
    while match:
        kind = next(kind for kind in ("tight", "quoted", "loose") if match[kind] is not None)
        accepted = _ACCEPTED[kind](match)
        if accepted:
            yield match.span(kind)
        match = _ASSIGNED.search(text, match.end(kind) if accepted else match.end(1))


def _may_be_tight(match: re.Match[str]) -> bool:
    value = match["tight"]
    is_path = match[1].lower() == "pwd" and value.startswith("/")
    return not is_path and not _NO_SECRET.fullmatch(value)


def _may_be_quoted(name: str, value: str) -> bool:
    if len(value) < 4 or any(map(str.isspace, value)) or _NO_SECRET.fullmatch(value):
        return False
    return name.lower() not in ("token", "secret") or _is_random(value)


def _may_be_loose(match: re.Match[str]) -> bool:
    """In prose `password: …` may go on with words, so it has to end the line."""
    name, value = match[1].lower(), match["loose"]
    if name.startswith("pass") or name == "pwd":
        return len(value) >= 6 and not match["more"] and any(map(str.isdigit, value))
    return _is_random(value) and not _NO_SECRET.fullmatch(value)


def _is_random(value: str) -> bool:
    """Whether a run of letters and digits in it is no word: digits, letters mixed, or very long."""
    return any(
        len(run) >= 20
        or any(map(str.isdigit, run))
        or (len(run) >= 12 and run[1:] != run[1:].lower())
        for run in _RUN.findall(value)
    )


def _is_credentials(match: re.Match[str]) -> bool:
    """Whether it is `user:password` in base64."""
    try:
        decoded = base64.b64decode(match[1].replace("-", "+").replace("_", "/"), validate=True)
        return ":" in decoded.decode() and decoded.decode().isprintable()
    except (binascii.Error, UnicodeDecodeError):
        return False


_Accept = Callable[[re.Match[str]], bool]


def _always(_: re.Match[str]) -> bool:
    return True


_PATTERNS: tuple[tuple[re.Pattern[str], _Accept], ...] = (
    (_KEY, lambda match: match[1] is None or _is_random(match[1])),
    (_JWT, _always),
    (_PEM, _always),
)
_VALUES: tuple[tuple[str, re.Pattern[str], _Accept], ...] = (
    ("://", _USER_AND_PASSWORD, _always),
    ("bearer", _BEARER, lambda match: len(match[1]) >= 32 or bool(_MIXED.search(match[1]))),
    ("basic", _BASIC, _is_credentials),
    ("authorization", _HEADER, lambda match: not _NO_SECRET.fullmatch(match[1])),
)
"""With a word that has to be there, which is looked for first: most texts have none of them."""
_ACCEPTED: dict[str, _Accept] = {
    "tight": _may_be_tight,
    "quoted": lambda match: _may_be_quoted(match[1], match["quoted"]),
    "loose": _may_be_loose,
}
