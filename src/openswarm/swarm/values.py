"""How the values of a table are read and written in files: numbers, text that a spreadsheet
would take for a formula, text that Markdown would take for markup."""

import math
import re

MAX_EXACT_DIGITS = 15
"""A spreadsheet keeps so many digits of a number; longer ones stay text."""

_NUMBER = re.compile(
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII
)
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARKUP = re.compile(r"[\\|<\[\]`*]")


def parse_number(text: str) -> int | float | None:
    """The number that the whole text is, thousands set off by commas; None for anything else."""
    plain = text.strip().replace("−", "-")
    if not _NUMBER.fullmatch(plain) or sum(map(str.isdigit, plain)) > MAX_EXACT_DIGITS:
        return None
    digits = plain.replace(",", "")
    if digits.lstrip("+-").isdigit():
        return int(digits)
    value = float(digits)
    return value if math.isfinite(value) else None


def guarded(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula."""
    if text.lstrip(" ").startswith(_STARTS_FORMULA) and not _NUMBER.fullmatch(text.strip()):
        return "'" + text
    return text


def plain_markdown(text: str) -> str:
    """The text in one line, shown by Markdown as it stands."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split())).replace("\\<", "&lt;")
