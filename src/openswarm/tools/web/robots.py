"""robots.txt by RFC 9309: the rules of the group that fits best, the longest rule that matches.

Pure functions of the file's text. Matching takes time that grows with path times pattern and no
more, whatever a file says; the standard library's parser knows neither wildcards nor this order.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

MAX_CHARS = 500 * 1024
"""What of a file is read, as the RFC asks for at least."""
MAX_RULES = 20_000
_PRODUCT = re.compile(r"[a-zA-Z_-]+")
_SAFE = "/%$*?&=:@!,;+()~'[]#"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line `Allow` or `Disallow`."""

    allow: bool
    pattern: str


@dataclass(slots=True)
class Group:
    """What a file says to one kind of robot."""

    rules: list[Rule] = field(default_factory=list)
    delay_s: float = 0.0
    """Seconds between two requests; 0 where nothing is said."""

    def allows(self, target: str) -> bool:
        """Whether a path, with its query, may be fetched. Of equally long rules `Allow` wins."""
        target = _normal(target)
        if target == "/robots.txt":
            return True
        best = Rule(allow=True, pattern="")
        for rule in self.rules:
            longer = (len(rule.pattern), rule.allow) > (len(best.pattern), best.allow)
            if longer and matches(rule.pattern, target):
                best = rule
        return best.allow


def matches(pattern: str, target: str) -> bool:
    """Whether a pattern with `*` and a last `$` matches the beginning of a path."""
    whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    position = len(first)
    if not rest:
        return not whole or position == len(target)
    *middle, last = rest
    for part in middle:
        position = target.find(part, position)
        if position < 0:
            return False
        position += len(part)
    if whole:
        return target.endswith(last) and len(target) - len(last) >= position
    return target.find(last, position) >= 0


def group_for(text: str, user_agent: str) -> Group:
    """The group of a robot named like `openswarm/0.1`: its own ones, or else those of `*`."""
    named = _PRODUCT.match(user_agent)
    product = named[0].casefold() if named else ""
    own, other = Group(), Group()
    found = False
    targets: list[Group] = []
    in_names = False
    for key, value in _lines(text):
        if key == "user-agent":
            targets = targets if in_names else []
            in_names = True
            if product and _product(value) == product:
                targets.append(own)
                found = True
            elif value.startswith("*"):
                targets.append(other)
        elif key in ("allow", "disallow", "crawl-delay"):
            in_names = False
            for group in targets:
                _add(group, key, value)
    return own if found else other


def _lines(text: str) -> list[tuple[str, str]]:
    """Keys and values in order, comments left out."""
    pairs = []
    for line in text[:MAX_CHARS].removeprefix("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            pairs.append((key.strip().casefold(), value.strip()))
    return pairs


def _product(value: str) -> str:
    named = _PRODUCT.match(value)
    return named[0].casefold() if named else ""


def _add(group: Group, key: str, value: str) -> None:
    if key == "crawl-delay":
        if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
            group.delay_s = float(value)
    elif value and len(group.rules) < MAX_RULES:
        group.rules.append(Rule(key == "allow", _normal(value)))


def _normal(path: str) -> str:
    """One spelling of what is percent-encoded: encoded where it must be, decoded where it can."""
    decoded = re.sub(
        "%(2[D-Ed-e]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])",
        lambda code: unquote_to_bytes(code[0]).decode("ascii"),
        path,
    )
    encoded = quote(decoded, safe=_SAFE)
    return re.sub("%[0-9a-f]{2}", lambda code: code[0].upper(), encoded, flags=re.IGNORECASE)
