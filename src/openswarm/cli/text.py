"""How text and figures are written on a terminal.

Owns the cleaning of text from models and documents: escape sequences, control characters and
marks that turn the writing direction never reach the terminal. Knows nothing of runs.
"""

import re

UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # strings
    r"|\x1b[ -/]*[0-~]"  # two-character escapes
)
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
_JSON_KEY = re.compile(r'"(\w+)":\s*')
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85]")


def clean(text: str) -> str:
    """The text without anything that a terminal would obey; line feeds and tabs stay."""
    return _HIDDEN.sub("", _ESCAPE.sub("", _LINE_ENDS.sub("\n", text)))


def one_line(text: str, limit: int = 200) -> str:
    """The cleaned text in one line of at most `limit` characters."""
    folded = " ".join(clean(text[: 8 * limit]).split())
    if len(folded) <= limit and not text[8 * limit :].strip():
        return folded
    return folded[: limit - 1] + "…"


def call_words(call: str) -> str:
    """A call in one line as people read it: its JSON without the outer braces and quoted keys.

    Values stay as they are: code without its brackets would be other code.
    """
    line = one_line(call)
    head, brace, rest = line.partition("{")
    return head + _JSON_KEY.sub(r"\1: ", rest.removesuffix("}")) if brace else line


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,200 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tokens(number: int) -> str:
    """A number of tokens in at most five characters: `950`, `18.2k`, `1.3M`."""
    if number < 1_000:
        return str(number)
    if number < 999_950:
        return f"{number / 1_000:.1f}k" if number < 99_950 else f"{number / 1_000:.0f}k"
    return f"{number / 1_000_000:.1f}M"


def dollars(amount: float | None) -> str:
    """An amount of money; what has no price is a dash."""
    if amount is None:
        return "–"
    if 0 < amount < 0.01:
        return f"${amount:.4f}"
    return f"${amount:,.2f}"


def duration(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    whole = max(0, int(seconds))
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size(count_bytes: int, *, tenths: bool = False) -> str:
    """A size on disk: `640 B`, `12 kB`, `3.4 MB`; always to a tenth on request: `594.2 GB`."""
    unit, name = next((unit for unit in UNITS if count_bytes >= unit[0]), (1, "B"))
    amount = count_bytes / unit
    digits = 0 if unit == 1 else int(tenths or amount < 10)
    return f"{amount:,.{digits}f} {name}"
