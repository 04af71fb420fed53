"""Drawing of small pages: text in Pillow's own font, shapes, greeked lines. Knows no questions."""

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from openswarm.k25.recipe.draws import Draw

TOKEN = 28
"""Side in pixels of what one token sees."""
PAPERS = ("white", "#fffbe8", "#eef4ff", "#f2f2f2")
INKS = ("black", "#202020", "#101050", "#400808")
PAINTS = {
    "red": "#d81e1e",
    "blue": "#2040d8",
    "green": "#1e9632",
    "yellow": "#f0d020",
    "black": "#000000",
    "orange": "#f08014",
    "purple": "#8c28b4",
    "pink": "#f582b4",
}
SHAPES = ("circle", "square", "triangle", "cross")
Box = tuple[int, int, int, int]


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in font; no font of the computer is looked for."""
    return ImageFont.load_default(size)


def page(width: int, height: int, paper: str = "white") -> Image.Image:
    """An empty page, RGB."""
    return Image.new("RGB", (width, height), paper)


def text_width(text: str, size: int) -> int:
    """How wide a text is, in pixels."""
    return int(font(size).getlength(text)) + 1


def write(
    image: Image.Image, at: tuple[int, int], text: str, size: int, ink: str = "black"
) -> None:
    """Writes a line; `at` is its left end and the top of its letters."""
    ImageDraw.Draw(image).text(at, text, fill=ink, font=font(size))


def greek(image: Image.Image, box: Box, draw: Draw) -> None:
    """Fills a box with grey bars, as lines of text look from afar."""
    left, top, right, bottom = box
    pen = ImageDraw.Draw(image)
    for y in range(top, bottom - 4, 9):
        end = left + (right - left) * draw.between(50, 100) // 100
        pen.rectangle((left, y, end, y + 3), fill="#a0a0a0")


def shape(image: Image.Image, kind: str, colour: str, centre: tuple[int, int], radius: int) -> None:
    """Draws one of `SHAPES` in one of `PAINTS`."""
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    pen, paint = ImageDraw.Draw(image), PAINTS[colour]
    if kind == "circle":
        pen.ellipse(box, fill=paint)
    elif kind == "square":
        pen.rectangle(box, fill=paint)
    elif kind == "triangle":
        pen.polygon(
            ((x, y - radius), (x + radius, y + radius), (x - radius, y + radius)), fill=paint
        )
    else:
        arm = max(2, radius // 3)
        pen.rectangle((x - arm, y - radius, x + arm, y + radius), fill=paint)
        pen.rectangle((x - radius, y - arm, x + radius, y + arm), fill=paint)


def side(draw: Draw, low: int, high: int) -> int:
    """A length of so many tokens' sides; one page in five is some pixels shorter."""
    return TOKEN * draw.between(low, high) - (draw.between(1, 13) if draw.chance(0.2) else 0)


def whole(length: int) -> int:
    """The next multiple of a token's side, in pixels."""
    return -(-length // TOKEN) * TOKEN
