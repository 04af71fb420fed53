"""What the examples are about: plain words, places, and names of things that do not exist.

Names are made of syllables, so that no example can be answered from memory, only from its text.
No names of people.
"""

import tomllib
from collections.abc import Callable
from importlib.resources import files

from openswarm.k25.recipe.draws import Draw

Value = str | int

_LISTS = tomllib.loads((files("openswarm.k25.recipe") / "words.toml").read_text("utf-8"))


def listing(of: str) -> tuple[str, ...]:
    """A list of `words.toml` by its name. Raises `KeyError`."""
    return tuple(_LISTS[of])


WORDS = listing("words")
COLOURS = listing("colours")
CITIES = listing("cities")
CURRENCIES = listing("currencies")
ONSETS, VOWELS, ENDS = map(listing, ("onsets", "vowels", "ends"))


def name(draw: Draw) -> str:
    """A name that nothing has: two or three syllables, with a capital."""
    length = 1 + draw.chance(0.5)
    body = "".join(draw.pick(ONSETS) + draw.pick(VOWELS) for _ in range(length))
    return (body + draw.pick(ENDS)).capitalize()


def names(draw: Draw, count: int) -> list[str]:
    """So many different names."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[name(draw)] = None
    return list(found)


def word(draw: Draw) -> str:
    """An everyday word."""
    return draw.pick(WORDS)


def listed(items: list[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]


def article(noun: str) -> str:
    """`a` or `an`, as the noun's first letter asks for."""
    return "an" if noun[0].lower() in "aeiou" else "a"


def version(draw: Draw) -> str:
    """A version of two numbers."""
    return f"{draw.between(0, 9)}.{draw.between(0, 20)}"


def values(of: str | list[int]) -> Callable[[Draw], Value]:
    """Draws of a kind of value: a range of numbers, `number`, `name`, `word`, `version`, or a list.

    Raises `KeyError` when drawn from a list that `words.toml` does not have.
    """
    if not isinstance(of, str):
        low, high = of
        return lambda draw: draw.between(low, high)
    kinds: dict[str, Callable[[Draw], Value]] = {
        "number": lambda draw: draw.between(1, 9999),
        "name": name,
        "word": word,
        "version": version,
    }
    return kinds.get(of) or (lambda draw: draw.pick(listing(of)))
