"""Pictures and frames become the patches that the vision tower takes.

Owns the published preprocessing: the size a picture is brought to, its padding, normalisation and
cutting, and the count of tokens that follows from it. Knows no weights and no text.

Shape suffixes: N patches, C 3 channels, P side of a patch, T frames, H and W height and width.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import pad

from openswarm.core.errors import UserError
from openswarm.k25.errors import ModelFileError
from openswarm.media.pictures import upright_rgb
from openswarm.media.video import Frame

PATCH = 14
"""Side of a patch in pixels."""
MERGE = 2
"""Patches on a side of the square that becomes one token."""
TOKEN = PATCH * MERGE
"""Side in pixels of what one token covers; pictures are padded to its multiples."""
CHUNK = 4
"""Frames of a video that share their tokens, at most."""
MEAN = STD = 0.5
MAX_SIDE = 512
"""Patches on a side at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many patches a picture is scaled down to: in all, and on its longer side.

    As published, `patches` counts the whole patches of the picture before it is scaled and padded,
    so what comes out can be more: at most 4,464 tokens for an image and 1,338 for a chunk (over all
    sizes up to 15,000 pixels a side), where 4,096 and 1,024 are meant. The side is a true limit.
    """

    patches: int
    side: int = MAX_SIDE


IMAGE = Limits(16_384)
FRAME = Limits(4_096)


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """One image (one frame) or one chunk of a video, normalised to [-1, 1].

    `grid` is frames, rows of patches, columns of patches; patches stand in that order. Raises
    `ModelFileError` where pixels and grid do not fit together.
    """

    pixels_NCPP: torch.Tensor
    grid: tuple[int, int, int]

    def __post_init__(self) -> None:
        frames, rows, columns = self.grid
        if min(self.grid) < 1 or rows % MERGE or columns % MERGE or max(rows, columns) > MAX_SIDE:
            raise ModelFileError(
                f"a grid of patches has frames x rows x columns, the latter even and at most"
                f" {MAX_SIDE}, not {frames} x {rows} x {columns}"
            )
        shape = (frames * rows * columns, 3, PATCH, PATCH)
        if tuple(self.pixels_NCPP.shape) != shape:
            raise ModelFileError(
                f"a grid of {frames} x {rows} x {columns} patches has pixels of shape {shape}, not"
                f" {tuple(self.pixels_NCPP.shape)}"
            )

    @property
    def tokens(self) -> int:
        """Places that it takes in the text: frames are averaged, 2 x 2 patches are one token."""
        return self.grid[1] * self.grid[2] // MERGE**2


def fit(height: int, width: int, limits: Limits = IMAGE) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size in pixels that a picture is resized to, and the size that it is padded to.

    Both are (height, width). Nothing is enlarged. Raises `ModelFileError` for a picture of no size.
    """
    if height < 1 or width < 1:
        raise ModelFileError(f"a picture of {width} x {height} pixels has nothing in it")
    patches = max(1, height // PATCH) * max(1, width // PATCH)
    side = limits.side * PATCH
    scale = min(1.0, math.sqrt(limits.patches / patches), side / width, side / height)
    resized = _scaled(height, scale, side), _scaled(width, scale, side)
    return resized, (_whole(resized[0]), _whole(resized[1]))


def image_tokens(height: int, width: int, limits: Limits = IMAGE) -> int:
    """How many tokens a picture of this size in pixels becomes."""
    _, padded = fit(height, width, limits)
    return (padded[0] // TOKEN) * (padded[1] // TOKEN)


def video_tokens(frames: int, height: int, width: int, limits: Limits = FRAME) -> int:
    """How many tokens so many frames of this size in pixels become, timestamps not counted."""
    return -(-frames // CHUNK) * image_tokens(height, width, limits)


def film_tokens(frames: Iterable[Frame], limits: Limits = FRAME) -> int:
    """How many tokens `video_chunks` makes of these frames, before anything is cut."""
    sizes = (chunk[0].image.size for chunk in _chunks(frames))
    return sum(image_tokens(height, width, limits) for width, height in sizes)


def image_patches(image: Image.Image, limits: Limits = IMAGE, name: str = "the picture") -> Patches:
    """A picture of any mode as patches. Raises `ModelFileError` that names it."""
    return _patches([_padded(image, limits, name)])


def video_chunks(
    frames: Iterable[Frame], limits: Limits = FRAME, name: str = "the video"
) -> list[tuple[float, Patches]]:
    """Chunks of up to 4 frames, each with the timestamp in seconds of its first one.

    A frame of another size than the one before begins a new chunk. Raises `ModelFileError`.
    """
    return [
        (chunk[0].timestamp_s, _patches([_padded(frame.image, limits, name) for frame in chunk]))
        for chunk in _chunks(frames)
    ]


def _chunks(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    chunk: list[Frame] = []
    for frame in frames:
        if chunk and (len(chunk) == CHUNK or chunk[0].image.size != frame.image.size):
            yield chunk
            chunk = []
        chunk.append(frame)
    if chunk:
        yield chunk


def _padded(image: Image.Image, limits: Limits, name: str) -> torch.Tensor:
    """A picture's samples, uint8, resized and padded: (height, width, 3)."""
    try:
        shown = upright_rgb(image, name)
    except UserError as error:
        raise ModelFileError(str(error)) from None
    (height, width), (full_height, full_width) = fit(shown.height, shown.width, limits)
    if shown.size != (width, height):
        shown = shown.resize((width, height), Image.Resampling.BICUBIC)
    # zeros come before normalisation, so padding is black and not grey: the model was taught so
    rim = (0, 0, 0, full_width - width, 0, full_height - height)
    return pad(torch.from_numpy(np.array(shown)), rim)


def _patches(frames: Sequence[torch.Tensor]) -> Patches:
    """Frames of one size, (height, width, 3) each, cut and normalised."""
    samples_THWC = torch.stack(list(frames))
    count, height, width, channels = samples_THWC.shape
    rows, columns = height // PATCH, width // PATCH
    cut = samples_THWC.view(count, rows, PATCH, columns, PATCH, channels)
    patches_NCPP = cut.permute(0, 1, 3, 5, 2, 4).reshape(-1, channels, PATCH, PATCH)
    return Patches((patches_NCPP.float() / 255 - MEAN) / STD, (count, rows, columns))


def _scaled(length: int, scale: float, longest: int) -> int:
    return min(longest, max(1, int(length * scale)))


def _whole(length: int) -> int:
    """The next multiple of a token's side."""
    return -(-length // TOKEN) * TOKEN
