"""(c) Small tasks that a text answers by itself: sums, comparing, counting, sorting, reversing.

With thinking the reasoning writes the steps, without it the answer stands alone.
"""

from collections.abc import Callable

from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, reply, user
from openswarm.k25.recipe.draws import Draw

LARGEST = 99


def adding(draw: Draw) -> Case:
    """The sum of two numbers up to 99."""
    a, b = draw.subject(lambda: (draw.between(0, LARGEST), draw.between(0, LARGEST)))
    asks = (
        "What is {a} + {b}?", "{a} + {b} = ?", "Add {a} and {b}.", "How much is {a} plus {b}?",
        "Calculate {a}+{b}.", "{a}+{b}", "What do {a} and {b} make together?", "sum of {a} and {b}",
    )  # fmt: skip
    tens, ones = a // 10 * 10 + b // 10 * 10, a % 10 + b % 10
    steps = (
        f"{a // 10 * 10} + {b // 10 * 10} = {tens}, {a % 10} + {b % 10} = {ones},"
        f" {tens} + {ones} = {a + b}."
    )
    return _case(draw, "add", draw.pick(asks).format(a=a, b=b), str(a + b), steps, thinks=0.5)


def subtracting(draw: Draw) -> Case:
    """The difference of two numbers up to 99, never below zero."""
    a, b = draw.subject(lambda: _descending(draw.between(0, LARGEST), draw.between(0, LARGEST)))
    asks = (
        "What is {a} - {b}?", "{a} - {b} = ?", "Subtract {b} from {a}.", "{a} minus {b}?",
        "Calculate {a}-{b}.", "{a}-{b}", "Take {b} away from {a}.", "What is {a} less {b}?",
    )  # fmt: skip
    tens, ones = b // 10 * 10, b % 10
    steps = f"{a} - {tens} = {a - tens}, {a - tens} - {ones} = {a - b}."
    return _case(draw, "subtract", draw.pick(asks).format(a=a, b=b), str(a - b), steps, thinks=0.5)


def _descending(a: int, b: int) -> tuple[int, int]:
    return max(a, b), min(a, b)


def comparing(draw: Draw) -> Case:
    """The larger or the smaller of two different numbers."""
    a, b = draw.subject(lambda: tuple(draw.some(range(LARGEST + 1), 2)))
    larger = draw.chance(0.5)
    asks = (
        ("Which is larger, {a} or {b}?", "The larger of {a} and {b}?", "max({a}, {b})",
         "Is {a} or {b} the bigger number?", "Which number is greater: {a} or {b}?")
        if larger
        else ("Which is smaller, {a} or {b}?", "The smaller of {a} and {b}?", "min({a}, {b})",
              "Is {a} or {b} the lesser number?", "Which number is lower: {a} or {b}?")
    )  # fmt: skip
    high, low = _descending(a, b)
    steps = f"{high} > {low}."
    question = draw.pick(asks).format(a=a, b=b)
    return _case(draw, "compare", question, str(high if larger else low), steps)


def _words(draw: Draw, low: int, high: int) -> list[str]:
    """Different words; three times in ten names that do not exist, so that copying is asked for."""
    count = draw.between(low, high)
    invented = draw.chance(0.3)
    return draw.subject(
        lambda: things.names(draw, count) if invented else draw.some(things.WORDS, count)
    )


def _written(draw: Draw, items: list[str]) -> str:
    forms = (", ".join(items), " ".join(items), "\n".join(f"- {item}" for item in items))
    return draw.pick(forms)


def counting(draw: Draw) -> Case:
    """How many items a list has."""
    items = _words(draw, 1, 8)
    asks = (
        "How many items are in this list?", "Count the items.", "How many words are there?",
        "Count these:", "What is the number of items?",
    )  # fmt: skip
    steps = " ".join(f"{place} {item}," for place, item in enumerate(items, 1))
    question = f"{draw.pick(asks)}\n{_written(draw, items)}"
    return _case(draw, "count", question, str(len(items)), f"{steps} so {len(items)}.")


def sorting(draw: Draw) -> Case:
    """Three to five words in the order of the alphabet."""
    items = _words(draw, 3, 5)
    asks = (
        "Sort these words:", "Put these into alphabetical order:", "Sort alphabetically:",
        "Order these words from A to Z:", "sorted list of:",
    )  # fmt: skip
    ordered = sorted(items)
    steps = f"First letters: {', '.join(item[:2] for item in ordered)}."
    question = f"{draw.pick(asks)}\n{_written(draw, items)}"
    return _case(draw, "sort", question, ", ".join(ordered), steps)


def reversing(draw: Draw) -> Case:
    """A short list from its end."""
    items = _words(draw, 2, 5)
    asks = (
        "Reverse this list:", "Write these in reverse order:", "Turn the order round:",
        "Last one first, please:", "Reverse the order of:",
    )  # fmt: skip
    backwards = items[::-1]
    steps = f"The last is {backwards[0]}, the first is {items[0]}."
    question = f"{draw.pick(asks)}\n{_written(draw, items)}"
    return _case(draw, "reverse", question, ", ".join(backwards), steps)


def upper_case(draw: Draw) -> Case:
    """A word in capitals."""
    text = draw.subject(lambda: things.word(draw))
    asks = (
        "Write {w} in capitals.", "Upper-case: {w}", "{w} in capital letters, please.",
        "Make this upper case: {w}", "What is '{w}'.upper()?",
    )  # fmt: skip
    spelled = " ".join(text.upper())
    return _case(draw, "upper", draw.pick(asks).format(w=text), text.upper(), f"{spelled}.")


def _case(
    draw: Draw, skill: str, question: str, answer: str, steps: str, *, thinks: float = 0.35
) -> Case:
    thinking = draw.chance(thinks)
    said = reply(answer, steps if thinking else "")
    return Case(skill, (user(question), said), thinking=thinking)


KINDS: tuple[tuple[Callable[[Draw], Case], float], ...] = (
    (adding, 4.0),
    (subtracting, 3.0),
    (comparing, 2.0),
    (counting, 2.0),
    (sorting, 2.0),
    (reversing, 1.5),
    (upper_case, 1.0),
)
"""How often each task comes, by examples."""


def small_task(draw: Draw) -> Case:
    """One of the tasks of this module."""
    return draw.weighted(KINDS)(draw)
