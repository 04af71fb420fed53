"""The words that the router looks for, by what they say of a task, in several languages.

Words are looked up one by one, and patterns have no repetition inside a repetition, so that
finding them takes linear time on any text.
"""

import pkgutil
import re
from functools import cache
from typing import NamedTuple

UNITS = frozenset((
    "am", "ans", "años", "bacteria", "billion", "bits", "blue", "bullet", "bullets", "bytes",
    "cents", "characters", "clocks", "cm", "column", "columns", "crossings", "day", "days",
    "decimal", "degrees", "dice", "digits", "dollar", "dollars", "doors", "días", "employees",
    "eur", "euro", "euros", "floors", "g", "games", "gb", "grad", "grams", "heures", "hits",
    "horas", "hour", "hours", "inhabitants", "jahre", "jahren", "jours", "kg", "kilometres",
    "km", "line", "lines", "litres", "lockers", "m", "machines", "mal", "marbles", "mb",
    "meses", "mg", "mile", "miles", "million", "minus", "minute", "minuten", "minutes",
    "minutos", "ml", "mois", "monate", "monaten", "monkeys", "month", "months", "mots", "page",
    "pages", "palabras", "paragraph", "paragraphs", "people", "percent", "persons", "phrases",
    "plus", "pm", "point", "points", "pounds", "prozent", "red", "rooks", "rooms", "rounds",
    "samples", "second", "seconds", "seiten", "sekunden", "sentence", "sentences", "sides",
    "staff", "step", "steps", "students", "stunden", "sätze", "tage", "tagen", "thousand",
    "throws", "times", "tokens", "top", "units", "usd", "users", "variants", "ways", "week",
    "weeks", "wochen", "word", "words", "worte", "wörter", "year", "years", "zeilen",
))  # fmt: skip
"""After these a number measures, and counts nothing that sub-agents could be given."""

NUMBER_WORDS = {
    "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "twenty-five": 25, "thirty":
    30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "dozen": 12, "hundred": 100, "thousand": 1000, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6,
    "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12, "fünfzehn": 15, "zwanzig": 20,
    "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "hundert": 100, "dutzend": 12,
    "cinq": 5, "sept": 7, "huit": 8, "dix": 10, "douze": 12, "quinze": 15, "vingt": 20,
    "trente": 30, "cinquante": 50, "cent": 100, "cinco": 5, "diez": 10, "doce": 12, "veinte":
    20, "treinta": 30, "cien": 100, "quaranta": 40, "venti": 20, "dieci": 10,
}  # fmt: skip
"""Numbers that people write out, from three on."""

BY_HEART = (
    r"planets?|continents?|months?|days of the week|weekdays?|noble gases|rainbow|vowels|zodiac"
    r"|great lakes|si (?:base )?units|seasons|beatles|dwarfs|primary colou?rs|alphabet|compass"
    r"|gospels|deadly sins|oceans|planeten|monate\w*|kontinente\w*|muses|wonders of the world"
    r"|ten commandments|sorting algorithms"
)
"""Sets that everybody knows by heart, and no look-up is needed for."""


class Vocabulary(NamedTuple):
    """The cues in the form in which words are looked up."""

    words: dict[str, tuple[str, ...]]
    """What a whole word says."""
    stems: dict[str, tuple[str, ...]]
    """What every word says that begins so."""
    phrases: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    """By their first word, the words that have to follow it, and what that says."""


@cache
def vocabulary() -> Vocabulary:
    """`cues.txt`, taken apart: words, beginnings of words (`*`) and phrases."""
    words: dict[str, tuple[str, ...]] = {}
    stems: dict[str, tuple[str, ...]] = {}
    phrases: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {}
    for name, entries in _read("cues.txt"):
        for entry in entries.split(", "):
            first, *rest = entry.split()
            if rest:
                phrases[first] = (*phrases.get(first, ()), (tuple(rest), name))
            elif entry.endswith("*"):
                stems[entry[:-1]] = (*stems.get(entry[:-1], ()), name)
            else:
                words[entry] = (*words.get(entry, ()), name)
    return Vocabulary(words, stems, phrases)


class Sets(NamedTuple):
    """Sets that are called by a name."""

    pattern: re.Pattern[str]
    """The group that matched says which."""
    sizes: tuple[int, ...]
    """About how many belong to each, by its group."""


@cache
def sets() -> Sets:
    """`sets.txt`: sizes, and patterns of the names."""
    entries = _read("sets.txt")
    pattern = "|".join(rf"(?<!\w)({form})(?!\w)" for _, form in entries)
    return Sets(re.compile(pattern), tuple(int(size) for size, _ in entries))


@cache
def by_heart() -> re.Pattern[str]:
    """The pattern of `BY_HEART`."""
    return re.compile(rf"(?<!\w)(?:{BY_HEART})(?!\w)")


def _read(name: str) -> list[tuple[str, str]]:
    """The entries of a file of the package, `NAME: WHAT`; lines that begin with spaces go on."""
    data = pkgutil.get_data("openswarm.modes.routing", name)
    assert data is not None, f"{name} is part of the package"
    entries: list[tuple[str, str]] = []
    for line in data.decode().splitlines():
        if line.startswith("  "):
            entry, so_far = entries[-1]
            entries[-1] = (entry, f"{so_far} {line.strip()}")
        else:
            entry, _, rest = line.partition(": ")
            entries.append((entry, rest))
    return entries
