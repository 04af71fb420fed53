"""How the values of a table are read and written in files: numbers, dates, addresses, text that a
spreadsheet would take for a formula, text that Markdown would take for markup."""

import datetime
import re
from decimal import Decimal
from urllib.parse import quote

MAX_EXACT_DIGITS = 15
"""A spreadsheet, and a float, keep so many significant digits of any number."""
MAX_EXPONENT = 300
"""Numbers from 1e-300 to 1e300 are in the range of every spreadsheet and of a float."""
MAX_ADDRESS_CHARS = 2000
"""Spreadsheets link to no longer ones."""

_NUMBER = re.compile(
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORMULA = re.compile(
    r"['\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
    r"|[' ]*[\t\r\n]"
)
"""Full-width signs count in some locales; what is not seen before a sign is passed over."""
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_ADDRESS = re.compile(
    rf"(?i:https?)://{_LABEL}(?:\.{_LABEL})*\.?(?::(?:[0-9]{{1,4}}|[1-5][0-9]{{4}}))?(?:[/?#]\S*)?"
)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MARKUP = re.compile(r"[\\|<\[\]`*]")


def parse_number(text: str) -> Decimal | None:
    """The number that the whole text is, digit for digit, thousands set off by commas; None for
    anything else."""
    plain = text.strip().replace("−", "-")
    return Decimal(plain.replace(",", "")) if _NUMBER.fullmatch(plain) else None


def is_exact_float(number: Decimal) -> bool:
    """Whether a spreadsheet or a float shows the number with all its digits."""
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return len(digits) <= MAX_EXACT_DIGITS and abs(number.adjusted()) < MAX_EXPONENT


def parse_date(text: str) -> datetime.date | None:
    """The day that the whole text is, as YYYY-MM-DD; None for a month, a year or anything else."""
    try:
        return datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def parse_boolean(text: str) -> bool | None:
    """True for `yes`, False for `no`, None for anything else."""
    return {"yes": True, "no": False}.get(text)


def web_address(text: str) -> str:
    """What a file links to for a text that is an http or https URL; '' for anything else."""
    if not _ADDRESS.fullmatch(text):
        return ""
    whole = _STRAY_PERCENT.sub("%25", text)
    address = quote(whole, safe=":/?#@!$&'()*+,;=%~", errors="replace")
    return address if len(address) <= MAX_ADDRESS_CHARS else ""


def guarded(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula.

    One more goes before apostrophes that a formula follows, so that what was put before a text can
    always be told from what was in it.
    """
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text.strip(" '"))
    return "'" + text if is_formula else text


def plain_markdown(text: str) -> str:
    """The text in one line, shown by Markdown as it stands."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split())).replace("\\<", "&lt;")
