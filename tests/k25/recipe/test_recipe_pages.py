"""Rendered pages: what is drawn is what the answer says, and small enough for the model."""

import numpy as np
import pytest
from PIL import Image

from openswarm.k25.pixels import image_tokens
from openswarm.k25.recipe import canvas, pages
from openswarm.k25.recipe.draws import Draw

COUNT = 25


def dark(image: Image.Image) -> np.ndarray:
    """Where ink differs from the paper, the colour of most pixels."""
    _, paper = max(image.getcolors(1 << 16) or [])
    return np.abs(np.array(image).astype(int) - np.array(paper)).sum(2) > 90


@pytest.mark.requirement("model.recipe-pages")
@pytest.mark.parametrize("kind", [kind for kind, _ in pages.KINDS])
def test_a_page_is_small_and_has_ink(kind: pages.Kind) -> None:
    for number in range(COUNT):
        case = kind(Draw(0, "train", "test", number))
        for image in case.clips[0]:
            assert image_tokens(image.height, image.width) <= 36
            assert dark(image).any()
        assert len({image.size for image in case.clips[0]}) == 1


@pytest.mark.requirement("model.recipe-pages")
def test_a_line_is_not_cut_at_the_rim() -> None:
    for number in range(COUNT):
        (image,) = pages.read_line(Draw(0, "train", "test", number)).clips[0]
        ink = dark(image)
        assert not ink[-1].any() and not ink[:, -1].any() and not ink[:, 0].any()


@pytest.mark.requirement("model.recipe-pages")
def test_a_shape_stands_in_the_corner_that_the_answer_names() -> None:
    for number in range(COUNT):
        case = pages.place_of(Draw(0, "train", "test", number))
        ink = dark(case.clips[0][0])
        row, column = case.reply.text.split()
        middle = [axis.mean() / size for axis, size in zip(ink.nonzero(), ink.shape, strict=True)]
        assert (middle[0] < 0.5) == (row == "top")
        assert (middle[1] < 0.5) == (column == "left")


@pytest.mark.requirement("model.recipe-pages")
def test_as_many_shapes_are_drawn_as_the_answer_says() -> None:
    for number in range(COUNT):
        case = pages.count_shapes(Draw(0, "train", "test", number))
        ink = dark(case.clips[0][0])
        places = [ink[28 + row * 56, 28 + column * 56] for row in range(2) for column in range(3)]
        assert str(sum(places)) == case.reply.text


@pytest.mark.requirement("model.recipe-pages")
def test_a_single_shape_has_the_colour_that_the_answer_names() -> None:
    seen = 0
    for number in range(COUNT):
        case = pages.colour_of(Draw(0, "train", "test", number))
        image = case.clips[0][0]
        paint = Image.new("RGB", (1, 1), canvas.PAINTS[case.reply.text]).getpixel((0, 0))
        colours = image.getcolors(1 << 16) or []
        assert paint in [colour for _, colour in colours]
        seen += len(colours) == 2
    assert seen > COUNT // 4


@pytest.mark.requirement("model.recipe-pages")
def test_a_clip_moves_the_way_that_the_answer_names() -> None:
    moved = 0
    for number in range(COUNT):
        case = pages.clip(Draw(0, "train", "test", number))
        frames = case.clips[0]
        assert 2 <= len(frames) <= 4
        if case.reply.text not in pages.DIRECTIONS:
            continue
        first, last = (
            np.array([axis.mean() for axis in dark(frame).nonzero()])
            for frame in (frames[0], frames[-1])
        )
        across, down = pages.DIRECTIONS[case.reply.text]
        assert np.sign(np.round(last - first)).tolist() == [down, across]
        moved += 1
    assert moved > COUNT // 3
