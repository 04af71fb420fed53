"""Fills the slots of a phrasing from the vocabulary, and keeps how many items were named."""

import math
from dataclasses import dataclass
from random import Random
from string import Formatter

from bench.routing import vocabulary as words
from bench.routing.forms import Range

LANGUAGES = ("French", "Spanish", "Polish", "Japanese", "German", "Swahili", "Dutch", "Arabic")
PLAIN = ("harbour", "kernel", "liberty", "engine", "garden", "copper", "silence", "market", "tax",
         "bridge", "entropy", "onion", "ladder", "cello", "novel", "privacy")  # fmt: skip
CHOICES: dict[str, tuple[str, ...]] = {
    "country": words.COUNTRIES, "city": words.CITIES, "company": words.COMPANIES,
    "product": words.PRODUCTS, "person": words.PEOPLE, "drug": words.DRUGS,
    "package": words.LIBRARIES, "topic": words.TOPICS, "things": words.THINGS,
    "doc": words.DOCUMENTS, "col": words.COLUMNS, "lang": LANGUAGES, "word": PLAIN,
    "file": words.FILES, "paste": words.PASTED, "code": words.CODE,
    "lang2": ("Python", "Rust", "Go", "Kotlin", "C#"), "acronym": ("NATO", "DNS", "ETA", "CRISPR"),
    "unit": ("metres", "grams", "seconds", "pints", "bytes"),
    "unit2": ("mile", "pound", "day", "gallon", "megabyte"),
    "book": ("Middlemarch", "The Trial", "Beloved", "Ficciones", "Stoner", "Kindred"),
    "file2": ("README.md", "docs/guide.md", "faq.html", "letter.docx", "CHANGELOG.md"),
    "year": ("2021", "2022", "2023", "2024", "2025"),
    "smallset": tuple(name for name, _ in words.SMALL_SETS),
}  # fmt: skip
LIST_STYLES = ("commas", "commas", "and", "and", "lines", "bullets", "numbers", "semicolons")


@dataclass(slots=True)
class Filled:
    """A text, and how many items it names or counts; None where it does neither."""

    text: str
    items: int | None = None
    columns: int = 0
    """How many things are asked of each item, where a slot says so."""


def fill(phrasing: str, draw: Random, count: Range) -> Filled:
    """The phrasing with something in each slot; the same slot has the same filling."""
    filled = Filled("")
    values: dict[str, str] = {}
    for _, slot, _, _ in Formatter().parse(phrasing):
        if slot and slot not in values:
            values[slot] = _value(slot, draw, count, filled, taken=values.get(slot[:-1], ""))
    filled.text = phrasing.format(**values).replace("\\n", "\n")
    return filled


def _value(slot: str, draw: Random, count: Range, filled: Filled, taken: str) -> str:
    match slot:
        case "names":
            names = some_names(draw, log_uniform(draw, count))
            filled.items = len(names)
            return written(names, draw)
        case "n":
            filled.items = log_uniform(draw, count)
            return in_words(filled.items, draw)
        case "set":
            name, filled.items = draw.choice(words.SETS)
            return name
        case "list":
            return written(some_names(draw, draw.randint(3, 9)), draw, styles=("commas", "and"))
        case "cols":
            some = draw.sample(words.COLUMNS, draw.choice((1, 2, 2, 3, 3, 4, 5)))
            filled.columns = len(some)
            return written(some, draw, styles=("commas", "and"))
        case "k" | "k2":
            return str(draw.randint(2, 9))
        case "m":
            return in_words(draw.randint(4, 60), draw)
        case "num" | "num2":
            return str(draw.randint(11, 499))
        case "pct":
            return str(draw.randint(2, 59))
        case _:
            name = slot if slot in CHOICES else slot.rstrip("23")
            return draw.choice([choice for choice in CHOICES[name] if choice != taken])


def log_uniform(draw: Random, count: Range) -> int:
    """A number of items; small ones are as frequent as large ones."""
    low, high = math.log(count[0]), math.log(count[1])
    return round(math.exp(draw.uniform(low, high)))


def some_names(draw: Random, count: int) -> list[str]:
    """Names of one sort; where there are not enough, with a number."""
    pool = draw.choice(list(words.NAMED.values()))
    if count <= len(pool):
        return draw.sample(pool, count)
    return [f"{pool[i % len(pool)]} {1 + i // len(pool)}" for i in range(count)]


def written(names: list[str], draw: Random, styles: tuple[str, ...] = LIST_STYLES) -> str:
    """A list as people write it."""
    match draw.choice(styles):
        case "commas":
            return ", ".join(names)
        case "and":
            return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        case "lines":
            return "\n" + "\n".join(names) + "\n"
        case "bullets":
            return "\n" + "\n".join(f"- {name}" for name in names) + "\n"
        case "numbers":
            return "\n" + "\n".join(f"{i}. {name}" for i, name in enumerate(names, 1)) + "\n"
        case _:
            return "; ".join(names)


def in_words(number: int, draw: Random) -> str:
    """Digits, or now and then the word."""
    if number in words.NUMBER_WORDS and draw.random() < 0.5:
        return words.NUMBER_WORDS[number]
    return draw.choice((str(number), str(number), str(number), f"about {number}", f"~{number}"))
