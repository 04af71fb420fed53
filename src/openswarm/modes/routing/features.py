"""What a task shows of itself, as numbers: words, lists, counts, pasted text, surroundings.

Pure and bounded: nothing is opened, fetched or run, and of a long text only its ends are read.
"""

import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from openswarm.core.limits import Limits
from openswarm.core.task import Task
from openswarm.modes.routing.counting import Count, count_items
from openswarm.modes.routing.lexicon import by_heart, vocabulary

HEAD, TAIL = 1500, 500
"""Characters from the beginning and from the end of the instruction that are read for words."""
PASTED = 100
"""From so many characters on, a block of sentences is text to work on, not what to do with it."""
LONGEST_STEM = 12
WIDE = 4
"""From so many items on a task is wide."""
CHAINED = 2
"""So many signs of an order make a chain."""
TO_DO = frozenset((
    "rewrite", "compose", "find", "extract", "compare", "monitor", "prove", "reason", "compute",
    "simulate", "define", "repair", "table", "list", "fresh", "then", "each", "hop",
    "about_document",
))  # fmt: skip
"""Cues that say what is to be done."""

_WORD = re.compile(r"[^\W_][\w'.-]*[^\W_]|[^\W_]")
_QUOTED = re.compile(r"[\"“„«]([^\"“”«»]{60,})[\"”»]|-{3}\n(.{60,}?)\n-{3}", re.DOTALL)
_BLOCK_END = re.compile(r"\n\s*\n|(?<=\w)[:?]\s+|\n")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_CODE = re.compile(
    r"\bdef \w+\(|[;{}]\s*$|=>|\bfor \(|Traceback|\w+\(\w*\)|SELECT |#include|::", re.MULTILINE
)
_FILE = re.compile(
    r"\b[\w/-]+\.(?:py|ts|js|go|rs|rb|java|c|cpp|php|ex|md|html|docx|txt|ya?ml|json|csv|log)\b"
    r"|\bDockerfile\b|\w+/\w+/"
)
_MATH = re.compile(r"\d\s*[-+*/^=<>%]\s*\d|[a-z]\^\d|\bsqrt\b|\d %|=")
_EXPLICIT_STEPS = re.compile(r"(?:^|\n)\s*\d[.)]\s")
_TOOL_SETS = {
    "web": ("web", "web_search", "fetch", "browser", "http", "http_request"),
    "work": ("python", "shell", "files", "read", "grep", "edit", "write", "glob"),
}


@dataclass(frozen=True, slots=True)
class Features:
    """The numbers, and what the reason is made of."""

    values: dict[str, float]
    """By name; what is 0 is left out."""
    count: Count
    cues: Counter[str]
    """How often each cue is in the instruction."""
    where: str
    """`bare`, `over`, `web`, `work` or `own`: what there is to work with."""
    num_tools: int = 0
    """How many tools the run has."""


def features_of(task: Task, num_tools: int) -> Features:
    """The features of a task that has so many tools."""
    instruction, pasted = split_pasted(task.text)
    read = ends(instruction)
    cues = find_cues(read.lower())
    count = count_items(task.text if pasted < PASTED else instruction)
    where = surroundings(task, num_tools)
    values = {f"has {name}": 1.0 for name in cues}
    values |= _count_values(count)
    values |= _form_values(read, pasted)
    values |= _limit_values(task.limits)
    values |= _around(task, num_tools, where)
    values["pages"] = _pages(count, cues)
    signs = {name for name in ("pasted", "code in it", "by heart", "numbered") if values[name]}
    values |= character(count, cues, signs, where)
    shown = {name: value for name, value in values.items() if value}
    return Features({"bias": 1.0, **shown}, count, cues, where, num_tools)


def ends(text: str) -> str:
    """The parts of a text that are read for words."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} {text[-TAIL:]}"


def split_pasted(text: str) -> tuple[str, int]:
    """What is to be done, and how many characters are text that it is to be done with."""
    text = text if len(text) <= 20_000 else f"{text[:15_000]} {text[-5_000:]}"
    if quoted := _QUOTED.search(text):
        rest = f"{text[: quoted.start()]} {text[quoted.end() :]}"
        return rest, len(text) - len(rest)
    blocks = _BLOCK_END.split(text)
    longest = max(blocks, key=len)
    if len(longest) < PASTED or len(blocks) == 1 or len(_SENTENCE_END.findall(longest)) < 2:
        return text, 0
    rest = text.replace(longest, " ", 1)
    if not TO_DO.intersection(find_cues(ends(rest).lower())):
        return text, 0
    return rest, len(longest)


def find_cues(text: str) -> Counter[str]:
    """How often each cue is in a text of small letters."""
    known = vocabulary()
    found: Counter[str] = Counter()
    words = _WORD.findall(text)
    for at, word in enumerate(words):
        found.update(known.words.get(word, ()))
        for length in range(3, min(len(word), LONGEST_STEM) + 1):
            found.update(known.stems.get(word[:length], ()))
        for rest, name in known.phrases.get(word, ()):
            if tuple(words[at + 1 : at + 1 + len(rest)]) == rest:
                found[name] += 1
    return found


def surroundings(task: Task, num_tools: int) -> str:
    """What there is to work with, the most telling of it."""
    if task.over:
        return "over"
    if has_own_tools(task, num_tools):
        return "own"
    names = {name for name, tools in _TOOL_SETS.items() if set(tools).intersection(task.tools)}
    for name in ("web", "work"):
        if name in names:
            return name
    return "bare"


def has_own_tools(task: Task, num_tools: int) -> bool:
    """Whether there are tools that the user wrote or set up: they are there to be called."""
    return num_tools > len(task.tools) or any(name.startswith("mcp") for name in task.tools)


def _count_values(count: Count) -> dict[str, float]:
    def log(number: int) -> float:
        return math.log2(number) if number > 1 else 0.0

    return {
        "items": log(count.number),
        "items known": float(count.number > 0),
        "items over 6": max(0.0, log(count.number) - 2.6),
        "items over 20": max(0.0, log(count.number) - 4.3),
        f"items {count.source}": float(bool(count.source)),
        "attributes": min(6, count.attributes) / 2,
        "named": log(count.named),
        "stated": log(count.stated),
        "in set": float(count.in_set > 0),
    }


def _form_values(text: str, pasted: int) -> dict[str, float]:
    words = text.split()
    digits = sum(letter.isdigit() for letter in text)
    return {
        "length": math.log2(1 + len(words)) - 3,
        "short": float(len(words) <= 8),
        "pasted": float(pasted > 0),
        "long pasted": math.log2(1 + pasted / 100),
        "question": float("?" in text),
        "sentences": min(6, len(_SENTENCE_END.findall(text))) / 3,
        "digits": min(1.0, 8 * digits / (len(text) + 20)),
        "code in it": float(_CODE.search(text) is not None),
        "file in it": float(_FILE.search(text) is not None),
        "math in it": min(3, len(_MATH.findall(text))) / 2,
        "numbered": float(len(_EXPLICIT_STEPS.findall(text)) > 1),
        "by heart": float(by_heart().search(text.lower()) is not None),
        "names": min(1.0, 3 * sum(word[0].isupper() for word in words[1:]) / (len(words) + 3)),
    }


def _limit_values(limits: Limits) -> dict[str, float]:
    """Only what is less than usual says something."""
    return {
        "few dollars": min(6.0, max(0.0, -math.log2((limits.usd or 5.0) / 5.0))),
        "few seconds": min(6.0, max(0.0, -math.log2(limits.wall_s / 3600))),
        "few sub-agents": max(0.0, 8.2 - math.log2(1 + limits.max_subagents)),
    }


def _pages(count: Count, cues: Counter[str]) -> float:
    """How much there is likely to be read, as the logarithm of pages."""
    each = 1 + count.attributes / 2 + 2 * min(2, cues["source"] + cues["thorough"])
    return math.log2(max(1, count.number) * each)


def character(
    count: Count, cues: Counter[str], signs: Collection[str], where: str
) -> dict[str, float]:
    """What kind of work it is, from several signs each, so that it holds for kinds never seen."""

    def any_of(*names: str) -> float:
        return float(any(cues[name] for name in names))

    looks = any_of("find", "fresh", "source", "site", "monitor", "extract", "about_document", "hop")
    given = any_of("rewrite", "compose", "constrained", "prove", "compute", "define")
    given = max(given, float(bool({"pasted", "code in it", "by heart"}.intersection(signs))))
    hard = any_of("prove", "reason", "constrained")
    chained = float(is_chained(cues, numbered="numbered" in signs))
    wide = float(count.number >= WIDE or (count.source == "" and cues["each"] + cues["all"] > 0))
    kinds = {"looks": looks, "given": given * (1 - looks), "hard": hard, "wide": wide}
    return {
        "looks": looks, "given": given, "hard": hard, "chained": chained, "wide": wide,
        "given only": given * (1 - looks), "looks only": looks * (1 - given),
        "hard only": hard * (1 - looks), "chained compute": chained * any_of("compute"),
        "wide looks": wide * looks, "wide given": wide * given * (1 - looks),
        "wide chained": wide * chained, "narrow looks": (1 - wide) * looks,
        "wide free": wide * (1 - chained) * (1 - given),
        "wide items": wide * (1 - chained) * max(0.0, math.log2(max(1, count.number)) - 2),
        **{f"{name} {where}": 1.0 for name, there in kinds.items() if there},
    }  # fmt: skip


def is_chained(cues: Counter[str], *, numbered: bool = False) -> bool:
    """Whether steps seem to need what the steps before them found."""
    return cues["then"] + cues["depends"] + numbered >= CHAINED


def _around(task: Task, num_tools: int, where: str) -> dict[str, float]:
    around = {f"in {where}": 1.0}
    if task.attachments:
        around["attached"] = 1.0
    if where == "over" and task.tools:
        around["over and tools"] = 1.0
    if num_tools > 1:
        around["several tools"] = 1.0
    return around
