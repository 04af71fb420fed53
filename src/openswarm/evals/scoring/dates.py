"""Dates in cells: common forms alone, bounded, and nothing that depends on the day of scoring.

The published scorer reads dates with dateparser. This reader knows ISO, `1 May 2015`,
`May 1, 2015`, `May 2015`, `2015`, `5/1/2015` and `2015年5月1日`, months also in German, French and
Spanish. It differs: words such as `yesterday` or `in 3 days` are no dates here; a bare year is its
1 January, where dateparser takes the month of the day on which it runs; times of day do not count.
"""

import re
from datetime import date

from openswarm.core.contract import Column
from openswarm.core.normalise import normalise

_MAX_CHARS = 80
_COLUMN = Column(name="date", type="date")
_CHINESE = re.compile(
    r"\s*([0-9]{4})\s*年(?:\s*([0-9]{1,2})\s*月(?:\s*([0-9]{1,2})\s*[日号])?)?\s*"
)
_MONTH_FIRST = re.compile(r"\s*([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})\s*")


def read_date(text: str, *, month_first: bool = False) -> date | None:
    """The day that a text names, the first of its month or year where it names no day.

    None where it names none, or two: `1/2/2015` is read only with `month_first`, as 2 January.
    """
    if len(text) > _MAX_CHARS:
        return None
    if match := _CHINESE.fullmatch(text):
        return _day(match[1], match[2] or "1", match[3] or "1")
    if month_first and (match := _MONTH_FIRST.fullmatch(text)):
        first = _day(match[4], match[1], match[3])
        return first or _day(match[4], match[3], match[1])
    read = normalise(text, _COLUMN)
    if read.problem or not read.value:
        return None
    return _day(*(*read.value.split("-"), "1", "1")[:3])


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
