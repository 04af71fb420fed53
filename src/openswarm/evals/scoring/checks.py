"""How two cells are compared: preprocessing and metrics, as published and strictly.

The published form is WideSearch's, with its faults, each named where it stands. The strict form
never raises, lies in [0, 1], and an empty response is right only where nothing is to be found.
"""

import math
import re
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from openswarm.core.contract import fold_key
from openswarm.core.normalise import is_nothing
from openswarm.evals.scoring.dates import read_date
from openswarm.evals.task import ColumnCheck

PREPROCESS = ("norm_str", "extract_number", "norm_date")
METRICS = ("exact_match", "url_match", "in_match", "number_near", "date_near", "llm_judge")
JUDGE = "llm_judge"
NEAR_DAYS = 31
NO_NUMBER = "NULL"
"""What `extract_number` makes of a text without a number, in the published form."""

_FIRST_NUMBER = re.compile(r"[-+]?(?:\d*\.\d+|\d+\.?\d*)%?")
_ADDRESS = re.compile(r"https?://[A-Za-z!$-_]+")
_PLAIN_NUMBER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s?(%?)")
_MAX_NUMBER = 60
_NO_WHOLE = re.compile(r"(?<![\w.])\.(?=[0-9])")
"""The point of a fraction that is written without its 0."""
_LETTER = r"[^\W\u2e80-\U0010ffff]"
"""A letter or digit of a script that parts words; Chinese, Japanese and Korean do not."""


class Unscorable(Exception):
    """The published scorer raises here, and then gives 0 for the whole table."""


# as published


def prepared(text: str, steps: tuple[str, ...]) -> str:
    """A cell after the published preprocessing. Raises `Unscorable` for an unknown step."""
    for step in steps:
        if step == "norm_str":
            text = text.lower().strip().replace(" ", "").replace("*", "")
        elif step == "extract_number":
            found = _FIRST_NUMBER.search(text.replace(",", ""))
            text = found[0] if found else NO_NUMBER
        elif step == "norm_date":
            day = read_date(text, month_first=True)
            text = day.isoformat() if day else text
        else:
            raise Unscorable(f"no preprocessing {step!r}")
    return text


def compared(response: str, target: str, metric: str, criterion: float | str | None) -> float:
    """1.0 or 0.0 by the published metric (`llm_judge` is asked elsewhere).

    in_match: a response that is a part of the target, also an empty one. url_match: the same
    hosts, also none on both sides. date_near: within 31 days, also where neither is a date.
    number_near: within `criterion` of the target; raises `Unscorable` without a number there.
    """
    if metric == "exact_match":
        return float(response.lower() == target.lower())
    if metric == "url_match":
        return float(_hosts(response) == _hosts(target))
    if metric == "in_match":
        return float(response in target)
    if metric == "number_near":
        return _number_near(response, target, criterion)
    if metric == "date_near":
        days = read_date(response, month_first=True), read_date(target, month_first=True)
        return _near(*days) if any(days) else 1.0
    raise Unscorable(f"no metric {metric!r}")


def _number_near(response: str, target: str, criterion: float | str | None) -> float:
    found, wanted = _float(response), _float(target)
    if found is None and wanted is None:
        return float(response == target)
    if found is None or wanted is None:
        return 0.0
    if not isinstance(criterion, int | float):
        raise Unscorable("number_near has no tolerance")
    return float(abs(found - wanted) <= abs(wanted) * criterion)


def _float(text: str) -> float | None:
    try:
        value = float(text.replace("%", ""))
    except ValueError:
        return None
    return value / 100.0 if "%" in text else value


def _near(found: date | None, wanted: date | None) -> float:
    if found is None or wanted is None:
        return 0.0
    return float(abs((found - wanted).days) <= NEAR_DAYS)


def _hosts(text: str) -> frozenset[str]:
    hosts = set()
    for address in _ADDRESS.findall(text):
        try:
            hosts.add(urlsplit(address).netloc)
        except ValueError:
            hosts.add(address.partition("://")[2].partition("/")[0])
    return frozenset(hosts - {""})


# strict


def same_value(a: str, b: str) -> bool:
    """Whether two texts say the same: case, white space and outer marks aside, or as numbers."""
    folded = _folded(a), _folded(b)
    if folded[0] == folded[1]:
        return bool(folded[0]) or a.split() == b.split()
    numbers = _number(a), _number(b)
    return numbers[0] is not None and numbers[0] == numbers[1]


def _folded(text: str) -> str:
    """Folded as keys are, but `.5` is one half and not 5."""
    return fold_key(_NO_WHOLE.sub("0.", text))


def strict_prepared(text: str, steps: tuple[str, ...]) -> str:
    """A cell after strict preprocessing; a step that finds nothing leaves it as it is."""
    for step in steps:
        if step == "norm_str":
            text = re.sub(r"[\s*]", "", _folded(text)) or text
        elif step == "extract_number":
            found = _FIRST_NUMBER.search(text.replace(",", ""))
            text = found[0] if found else text
        elif step == "norm_date" and (day := read_date(text)):
            text = day.isoformat()
    return text


def settled(response: str, target: str) -> float | None:
    """The strict score where no metric is needed: nothing on either side, or the same value."""
    blank = is_nothing(response), is_nothing(target)
    if any(blank):
        return float(all(blank))
    return 1.0 if same_value(response, target) else None


def strict_compared(response: str, target: str, check: ColumnCheck, verdict: float = 0.0) -> float:
    """How right a cell is, from 0 to 1: the mean of the column's metrics.

    `verdict` is what a judge said of it, where one was asked.
    """
    plain = settled(response, target)
    if plain is not None:
        return plain
    found = strict_prepared(response, check.preprocess)
    wanted = strict_prepared(target, check.preprocess)
    scores = [
        min(1.0, max(0.0, verdict)) if name == JUDGE else _strict(found, wanted, name, check)
        for name in check.metrics
    ]
    return sum(scores) / len(scores) if scores else 0.0


def _strict(found: str, wanted: str, metric: str, check: ColumnCheck) -> float:
    if same_value(found, wanted):
        return 1.0
    if metric == "url_match":
        hosts = [{h.lower().removeprefix("www.") for h in _hosts(t)} for t in (found, wanted)]
        return float(bool(hosts[0]) and hosts[0] == hosts[1])
    if metric == "in_match":
        inner = re.escape(_folded(found))
        whole = rf"(?<!{_LETTER}){inner}(?!{_LETTER})"
        return float(bool(inner) and re.search(whole, _folded(wanted)) is not None)
    if metric == "number_near":
        return _strictly_near(found, wanted, check.criterion)
    if metric == "date_near":
        return _near(read_date(found), read_date(wanted))
    return 0.0


def _strictly_near(found: str, wanted: str, criterion: float | str | None) -> float:
    numbers = _number(found), _number(wanted)
    if numbers[0] is None or numbers[1] is None:
        return 0.0
    usable = isinstance(criterion, int | float) and math.isfinite(criterion)
    tolerance = Decimal(str(min(1.0, max(0.0, float(criterion))))) if usable else Decimal(0)
    return float(abs(numbers[0] - numbers[1]) <= abs(numbers[1]) * tolerance)


def _number(text: str) -> Decimal | None:
    """The number that a text is, `5%` being 0.05."""
    match = _PLAIN_NUMBER.fullmatch(_folded(text)) if len(text) <= _MAX_NUMBER else None
    if match is None:
        return None
    value = Decimal(match[1] + match[2].replace(",", "") + (match[3] or ""))
    return value / 100 if match[4] else value
