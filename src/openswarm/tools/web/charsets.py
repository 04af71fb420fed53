"""From bytes to text as the web does it: byte order mark, header, the page's own word, UTF-8.

Text that is damaged still comes out, with � where it cannot be read.
"""

import codecs
import re
from collections.abc import Iterator

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})"""
    rb"""|^\s{0,99}<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_DECLARED_WITHIN = 4096
_CODECS = re.compile(
    "ascii|big5|cp\\d|euc|gb|hz|iso2022|iso8859|johab|koi8|latin|mac|ptcp|shift|tis|utf-(8|16|32)"
).match
"""Codecs of Python that are charsets; the others turn bytes into something else."""
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
"""What pages that declare a charset are really written in."""


def decode(data: bytes, charset: str = "", *, markup: bool = True) -> str:
    """The text of a body. `charset` is what the header said; `markup`: it may declare its own."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    candidates = list(_candidates(data, charset, markup))
    for encoding in candidates:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode(candidates[0] if len(candidates) > 1 else "cp1252", "replace")


def _candidates(data: bytes, charset: str, markup: bool) -> Iterator[str]:
    """Encodings in the order in which they are believed; UTF-8 is the last."""
    if named := _codec(charset):
        yield named
    declared = _DECLARED.search(data[:_DECLARED_WITHIN]) if markup else None
    if declared:
        named = _codec((declared[1] or declared[2]).decode("ascii", "replace"))
        # a declaration that can be read as ASCII is not in UTF-16
        if named and not named.startswith(("utf-16", "utf-32")):
            yield named
    yield "utf-8"


def _codec(charset: str) -> str:
    """The codec of a declared charset, or '' if there is none."""
    label = charset.strip().strip("\"'").casefold()
    try:
        name = codecs.lookup(label.removeprefix("x-")).name
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name) if _CODECS(name) else ""
