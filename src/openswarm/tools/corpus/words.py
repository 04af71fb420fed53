"""Words as the corpus compares them: folded, stripped of accents, plural endings taken off.

Also turns a model's free text into a full-text query. Pure functions of text.
"""

import re
import unicodedata

MAX_QUERY_WORDS = 32

_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    _WORD.findall(
        "a about all also an and are as at be been but by can did do does each for from give had"
        " has have how i if in into is it its list many me much of on one or our please say show so"
        " than that the their them then there these they this to was we were what when where"
        " which who whose why will with you your"
    )
)


def fold(text: str) -> str:
    """The text without case and accents: `Côte` and `COTE` are equal."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The words of a text, folded and in the singular, in order."""
    return [_singular(word) for word in _WORD.findall(fold(text))]


def telling_words(text: str) -> list[str]:
    """The words without those that stand in any sentence; all of them if nothing else is left."""
    every = words(text)
    return [word for word in every if word not in _COMMON] or every


def match_expression(text: str, operator: str = "AND") -> str:
    """Free text as an FTS5 expression, each word quoted so that no syntax can be in it.

    `''` if the text has no word. At most `MAX_QUERY_WORDS` different words count.
    """
    found = {fold(word): word for word in _WORD.findall(unicodedata.normalize("NFC", text))}
    telling = [word for folded, word in found.items() if folded not in _COMMON]
    kept = (telling or list(found.values()))[:MAX_QUERY_WORDS]
    return f" {operator} ".join(f'"{word}"' for word in kept)


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]
