"""Small pages and questions about them: reading, colours, counting, places, tables, short clips."""

from collections.abc import Callable
from itertools import product

from PIL import Image

from openswarm.k25.recipe import canvas, things
from openswarm.k25.recipe.case import Case, reply, shown
from openswarm.k25.recipe.draws import Draw

Kind = Callable[[Draw], Case]
CORNERS = tuple(product(("top", "bottom"), ("left", "right")))
DIRECTIONS = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}


def _case(
    draw: Draw, skill: str, image: Image.Image, question: str, answer: str, steps: str
) -> Case:
    thinking = draw.chance(0.15)
    said = reply(answer, steps if thinking else "")
    return Case(skill, (shown(question), said), thinking=thinking, clips=((image,),))


def _short_text(draw: Draw) -> str:
    """A word, a number, two words, or a name that does not exist."""
    texts: tuple[tuple[Callable[[Draw], str], float], ...] = (
        (things.word, 4.0),
        (lambda draw: str(draw.between(0, 10 ** draw.between(1, 4) - 1)), 3.0),
        (things.name, 1.0),
        (lambda draw: f"{things.word(draw)} {draw.between(0, 99)}", 1.0),
        (lambda draw: " ".join(draw.some(things.WORDS, 2)), 1.0),
    )
    return draw.weighted(texts)(draw)


def read_line(draw: Draw) -> Case:
    """A page with one line of text, most often near its upper left corner."""
    text, size = draw.subject(lambda: _short_text(draw)), draw.between(16, 22)
    long = canvas.text_width(text, size)
    width = canvas.whole(long + 8) + canvas.TOKEN * draw.between(0, 1)
    height = max(canvas.side(draw, 1, 3), size + 8)
    image = canvas.page(width, height, draw.pick(canvas.PAPERS))
    right, low = width - long - 2, height - size - 6
    if draw.chance(0.7):
        right, low = min(right, 8), min(low, 6)
    at = (draw.between(2, max(2, right)), draw.between(0, max(0, low)))
    canvas.write(image, at, text, size, draw.pick(canvas.INKS))
    question = draw.pick((
        "What does it say?", "Read the text.", "Which text is on the picture?", "Read this.",
        "What is written here?", "Copy the text.",
    ))  # fmt: skip
    return _case(draw, "read", image, question, text, f"It is written in one line: {text}.")


def colour_of(draw: Draw) -> Case:
    """One shape, or two of different kinds: the colour of one."""
    kinds = draw.some(canvas.SHAPES, draw.between(1, 2))
    colours = draw.subject(lambda: tuple(draw.some(list(canvas.PAINTS), len(kinds))))
    image = canvas.page(canvas.side(draw, 3, 5), canvas.side(draw, 3, 4), draw.pick(canvas.PAPERS))
    slot = image.width // len(kinds)
    for place, (kind, colour) in enumerate(zip(kinds, colours, strict=True)):
        radius = draw.between(12, min(slot, image.height) // 2 - 4)
        centre = (place * slot + slot // 2, image.height // 2)
        canvas.shape(image, kind, colour, centre, radius)
    question = draw.pick((
        "What colour is the {kind}?", "Which colour has the {kind}?", "The colour of the {kind}?",
    )).format(kind=kinds[0])  # fmt: skip
    return _case(draw, "colour", image, question, colours[0], f"The {kinds[0]} is {colours[0]}.")


def count_shapes(draw: Draw) -> Case:
    """One to five shapes of one kind on a grid of places."""
    count = draw.between(1, 5)
    image = canvas.page(canvas.TOKEN * 6, canvas.TOKEN * 4)
    cells = list(product(range(3), range(2)))
    kind, colour, places = draw.subject(
        lambda: (
            draw.pick(canvas.SHAPES),
            draw.pick(list(canvas.PAINTS)),
            sorted(draw.some(cells, count)),
        )
    )
    for column, row in places:
        canvas.shape(image, kind, colour, (28 + column * 56, 28 + row * 56), draw.between(12, 22))
    plural = "crosses" if kind == "cross" else f"{kind}s"
    question = draw.pick((
        "How many {kinds} are there?", "Count the {kinds}.", "How many {kinds} do you see?",
    )).format(kinds=plural)  # fmt: skip
    return _case(draw, "count_shapes", image, question, str(count), f"I count to {count}.")


def title_of(draw: Draw) -> Case:
    """A page with a heading above lines that cannot be read."""
    title, size = draw.subject(lambda: _short_text(draw)), draw.between(18, 22)
    width = canvas.whole(canvas.text_width(title, size) + 12)
    image = canvas.page(max(width, canvas.TOKEN * 4), canvas.side(draw, 3, 4))
    canvas.write(image, (6, 4), title, size)
    canvas.greek(image, (6, 34, image.width - 6, image.height), draw)
    question = draw.pick((
        "What is the title of the page?", "Which heading has this page?", "The title?",
        "What is this page called?",
    ))  # fmt: skip
    return _case(draw, "title", image, question, title, f"The large line is the title: {title}.")


def table_cell(draw: Draw) -> Case:
    """A table with two columns and two rows of numbers: one cell."""
    heads, rows = draw.some(things.COLOURS[:7], 2), draw.some(("A", "B", "C", "D", "E"), 2)
    cells = draw.subject(lambda: tuple(draw.between(0, 99) for _ in range(4)))
    image = canvas.page(canvas.TOKEN * 7, canvas.TOKEN * 3)
    for column, head in enumerate(heads):
        canvas.write(image, (30 + column * 84, 2), head, 18)
    for row, label in enumerate(rows):
        canvas.write(image, (6, 30 + row * 28), label, 18)
        for column in range(2):
            text = str(cells[2 * row + column])
            canvas.write(image, (30 + column * 84, 30 + row * 28), text, 18)
    row, column = draw.between(0, 1), draw.between(0, 1)
    question = draw.pick((
        "What stands in row {r}, column {c}?", "The {c} of {r}?", "What is the {c} value of {r}?",
    )).format(r=rows[row], c=heads[column])  # fmt: skip
    answer = str(cells[2 * row + column])
    return _case(draw, "table", image, question, answer, f"Row {rows[row]}, {heads[column]}.")


def place_of(draw: Draw) -> Case:
    """A shape in a corner: which one."""
    (row, column), kind, colour = draw.subject(
        lambda: (draw.pick(CORNERS), draw.pick(canvas.SHAPES), draw.pick(list(canvas.PAINTS)))
    )
    image = canvas.page(canvas.side(draw, 3, 5), canvas.side(draw, 3, 5), draw.pick(canvas.PAPERS))
    radius = draw.between(10, 16)
    x = radius + 4 if column == "left" else image.width - radius - 4
    y = radius + 4 if row == "top" else image.height - radius - 4
    canvas.shape(image, kind, colour, (x, y), radius)
    question = draw.pick((
        "In which corner is the {kind}?", "Where is the {kind}?", "Which corner has the {kind}?",
    )).format(kind=kind)  # fmt: skip
    answer = f"{row} {column}"
    return _case(draw, "place", image, question, answer, f"It is at the {row}, on the {column}.")


def _change(draw: Draw, *, moves: bool) -> tuple[str, str, str]:
    """A shape, its colour, and the direction or the other colour that it takes."""
    colour, other = draw.some(list(canvas.PAINTS), 2)
    return draw.pick(canvas.SHAPES), colour, draw.pick(list(DIRECTIONS)) if moves else other


def clip(draw: Draw) -> Case:
    """Two to four frames in which a shape moves or changes its colour."""
    count, moves = draw.between(2, 4), draw.chance(0.6)
    kind, colour, end = draw.subject(lambda: _change(draw, moves=moves))
    frames = []
    for place in range(count):
        image = canvas.page(canvas.TOKEN * 4, canvas.TOKEN * 4)
        step = int((place - (count - 1) / 2) * 60 / (count - 1)) if moves else 0
        across, down = DIRECTIONS.get(end, (0, 0))
        paint = colour if moves or place < count / 2 else end
        canvas.shape(image, kind, paint, (56 + step * across, 56 + step * down), 18)
        frames.append(image)
    asks = (
        ("Which way does the {kind} move?", "Where does the {kind} go?", "Its direction?")
        if moves
        else (
            "Which colour does the {kind} become?",
            "What colour is the {kind} at the end?",
            "Into which colour does it change?",
        )
    )
    message = shown(draw.pick(asks).format(kind=kind), video=True)
    return Case("clip", (message, reply(end)), clips=(tuple(frames),))


KINDS: tuple[tuple[Kind, float], ...] = (
    (read_line, 5.0),
    (colour_of, 2.0),
    (count_shapes, 2.0),
    (title_of, 2.0),
    (table_cell, 2.0),
    (place_of, 2.0),
    (clip, 1.5),
)
"""How often each kind of page comes, by examples."""


def page_case(draw: Draw) -> Case:
    """A page of one of the kinds."""
    return draw.weighted(KINDS)(draw)
