"""(i) Copying: what a small model has to learn first, as every answer from a text is a copy.

Long replies that stand in the prompt word for word show each token of them where to look; without
them the ability came only after many times as many examples.
"""

from collections.abc import Callable

from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, reply, user
from openswarm.k25.recipe.draws import Draw


def repeating(draw: Draw) -> Case:
    """A line said again."""
    items = _items(draw, 2, 14)
    asks = (
        "Repeat after me: {t}", "Copy this exactly:\n{t}", "Say: {t}", "Repeat: {t}",
        "Write this once more:\n{t}", "Echo: {t}", "{t}\nRepeat the line above.",
    )  # fmt: skip
    line = draw.pick((" ", ", ")).join(items)
    return _case("repeat", draw.pick(asks).format(t=line), line)


def following(draw: Draw) -> Case:
    """The entry of a list that comes after another one."""
    items = _items(draw, 3, 10)
    place = draw.between(0, len(items) - 2)
    asks = (
        "What comes after {x}?", "Which entry follows {x}?", "After {x} comes which one?",
        "Say what stands right after {x}.",
    )  # fmt: skip
    question = draw.pick(asks).format(x=items[place])
    listed = draw.pick((", ", " ", "\n")).join(items)
    asked = draw.pick(("{l}\n\n{q}", "{q}\n\n{l}")).format(l=listed, q=question)
    return _case("following", asked, items[place + 1])


def _items(draw: Draw, low: int, high: int) -> list[str]:
    """Different words, names that do not exist, or numbers, in any mixture."""
    count = draw.between(low, high)

    def proposed() -> list[str]:
        made = [
            draw.weighted(
                [
                    (things.word(draw), 4.0),
                    (things.name(draw), 3.0),
                    (str(draw.between(0, 9999)), 2.0),
                ]
            )
            for _ in range(count)
        ]
        return list(dict.fromkeys(made))

    items = draw.subject(proposed)
    return items if len(items) > 1 else [*items, things.name(draw) + "o"]


def _case(skill: str, question: str, answer: str) -> Case:
    return Case(skill, (user(question), reply(answer)))


KINDS: tuple[tuple[Callable[[Draw], Case], float], ...] = ((repeating, 3.0), (following, 1.0))
"""How often each comes, by examples."""


def copying_task(draw: Draw) -> Case:
    """One of the tasks of this module."""
    return draw.weighted(KINDS)(draw)
