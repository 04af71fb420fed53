"""Pictures and frames as patches: sizes, padding, order, odd pictures."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from openswarm.k25.errors import ModelFileError
from openswarm.k25.pixels import (
    FRAME,
    IMAGE,
    Limits,
    Patches,
    film_tokens,
    fit,
    image_patches,
    image_tokens,
    video_chunks,
    video_tokens,
)
from openswarm.media.pictures import decode
from openswarm.media.video import Frame

PADDED = -1.0
"""A black sample after normalisation."""


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """An RGB picture of random samples."""
    samples = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(samples)


def restored(patches: Patches) -> np.ndarray:
    """The pixels of patches, put together again by their order: (frames, height, width, 3)."""
    frames, rows, columns = patches.grid
    out = np.zeros((frames, rows * 14, columns * 14, 3), dtype=np.float32)
    for n, patch in enumerate(patches.pixels_NCPP.numpy()):
        frame, place = divmod(n, rows * columns)
        top, left = place // columns * 14, place % columns * 14
        out[frame, top : top + 14, left : left + 14] = patch.transpose(1, 2, 0)
    return out


# sizes


@pytest.mark.requirement("model.pixels-fit")
@pytest.mark.parametrize(
    ("size", "resized", "padded"),
    [
        ((1, 1), (1, 1), (28, 28)),
        ((28, 28), (28, 28), (28, 28)),
        ((29, 56), (29, 56), (56, 56)),
        ((1080, 1920), (1080, 1920), (1092, 1932)),
        ((1792, 1792), (1792, 1792), (1792, 1792)),
        ((3584, 3584), (1792, 1792), (1792, 1792)),
        ((50, 10_000), (35, 7168), (56, 7168)),
        ((1, 100_000), (1, 7167), (28, 7168)),
        ((100_000, 1), (7167, 1), (7168, 28)),
    ],
)
def test_pictures_are_fitted_as_published(
    size: tuple[int, int], resized: tuple[int, int], padded: tuple[int, int]
) -> None:
    """Never enlarged; scaled to 16384 patches and 512 a side; padded to multiples of 28."""
    assert fit(*size) == (resized, padded)


@pytest.mark.requirement("model.pixels-fit")
def test_fitted_pictures_keep_their_limits_over_many_sizes() -> None:
    """A side never passes its limit; all patches pass theirs by an eighth at most, as published."""
    generator = np.random.default_rng(5)
    for limits in (IMAGE, FRAME):
        for height, width in (10 ** generator.uniform(0, 4.5, (400, 2))).astype(int).tolist():
            (h, w), (full_h, full_w) = fit(height, width, limits)
            assert h <= height and w <= width
            assert max(full_h, full_w) <= limits.side * 14
            assert h * w <= limits.patches * 14 * 14 * 9 / 8
            assert (full_h % 28, full_w % 28) == (0, 0)
            assert 0 <= full_h - h < 28 and 0 <= full_w - w < 28
            if min(h, w) > 100:
                assert math.isclose(h / w, height / width, rel_tol=0.02)


@pytest.mark.requirement("model.pixels-tokens")
def test_tokens_are_counted_without_a_picture() -> None:
    """One for each 28 x 28 pixels after padding; four frames of a video share theirs."""
    assert image_tokens(28, 28) == 1
    assert image_tokens(1080, 1920) == 39 * 69
    assert image_tokens(10_000, 10_000) == 4096
    assert video_tokens(1, 280, 280) == 100
    assert video_tokens(4, 280, 280) == 100
    assert video_tokens(5, 280, 280) == 200
    assert video_tokens(4, 10_000, 10_000) == 1024
    assert video_tokens(0, 280, 280) == 0


@pytest.mark.requirement("model.pixels-tokens")
def test_long_narrow_pictures_take_a_little_more_than_is_meant() -> None:
    """The two sizes that take the most, as published: the limit counts patches before scaling."""
    assert image_tokens(489, 7081, IMAGE) == 4464
    assert image_tokens(153, 6731, FRAME) == 1338


@pytest.mark.requirement("model.pixels-tokens")
@pytest.mark.parametrize("size", [(1, 1), (30, 17), (100, 300), (90, 1)])
def test_the_counted_tokens_are_those_of_the_patches(size: tuple[int, int]) -> None:
    """The formula and the cutting agree."""
    width, height = size
    assert image_patches(noise(width, height)).tokens == image_tokens(height, width)
    frames = [Frame(n / 2, noise(width, height)) for n in range(6)]
    counted = sum(patches.tokens for _, patches in video_chunks(frames))
    assert counted == video_tokens(6, height, width) == film_tokens(frames)


@pytest.mark.requirement("model.pixels-fit")
def test_a_picture_of_no_size_is_refused() -> None:
    """It has no pixel to show."""
    with pytest.raises(ModelFileError, match="0 x 5 pixels has nothing"):
        fit(5, 0)


# pixels


@pytest.mark.requirement("model.pixels")
def test_patches_are_the_picture_row_by_row_and_padding_is_black() -> None:
    """Samples of 0 to 255 become -1 to 1; the rim is 0 before that."""
    picture = noise(37, 30)
    patches = image_patches(picture)
    assert patches.grid == (1, 4, 4)
    assert patches.pixels_NCPP.dtype == torch.float32
    whole = restored(patches)[0]
    expected = (np.asarray(picture, dtype=np.float32) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(whole[:30, :37], expected, atol=1e-6)
    assert (whole[30:] == PADDED).all() and (whole[:, 37:] == PADDED).all()


@pytest.mark.requirement("model.pixels")
def test_large_pictures_are_resized_bicubically() -> None:
    """As Pillow does it, before padding."""
    picture = noise(90, 60)
    limits = Limits(6, 4)
    (height, width), _ = fit(60, 90, limits)
    smaller = picture.resize((width, height), Image.Resampling.BICUBIC)
    expected = (np.asarray(smaller, dtype=np.float32) / 255 - 0.5) / 0.5
    found = restored(image_patches(picture, limits))[0]
    np.testing.assert_allclose(found[:height, :width], expected, atol=1e-6)


@pytest.mark.requirement("model.pixels")
def test_an_image_of_one_pixel_becomes_one_token() -> None:
    """White in one corner, black elsewhere."""
    patches = image_patches(Image.new("RGB", (1, 1), "white"))
    assert (patches.grid, patches.tokens) == ((1, 2, 2), 1)
    assert (patches.pixels_NCPP > PADDED).sum() == 3


@pytest.mark.requirement("model.pixels")
@pytest.mark.parametrize("size", [(400, 2), (2, 400), (8000, 40)])
def test_an_aspect_of_200_to_1_works(size: tuple[int, int]) -> None:
    """One row or column of tokens, or two."""
    patches = image_patches(Image.new("RGB", size))
    assert patches.tokens == image_tokens(size[1], size[0])
    assert max(patches.grid) <= 512


# modes


@pytest.mark.requirement("model.pixels-modes")
@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"]
)
def test_pictures_of_any_mode_are_read_as_rgb(mode: str) -> None:
    """A red or grey picture stays one."""
    grey = mode in {"1", "L", "LA", "I;16"}
    source = Image.new("L", (28, 28), 255) if grey else Image.new("RGB", (28, 28), "red")
    if mode == "I;16":
        picture = Image.fromarray(np.full((28, 28), 65_535, np.uint16))
    else:
        picture = source.convert("P").convert("PA") if mode == "PA" else source.convert(mode)
    assert picture.mode == mode
    colour = restored(image_patches(picture))[0, 3, 3]
    np.testing.assert_allclose(colour, [1, 1, 1] if grey else [1, -1, -1], atol=0.02)


@pytest.mark.requirement("model.pixels-modes")
def test_grey_of_16_bits_is_scaled_and_not_clipped() -> None:
    """The upper eight bits."""
    picture = Image.fromarray(np.array([[0, 256, 32_768, 65_535]], np.uint16))
    samples = (restored(image_patches(picture))[0, 0, :4, 0] + 1) * 127.5
    np.testing.assert_allclose(samples, [0, 1, 128, 255], atol=1e-3)


@pytest.mark.requirement("model.pixels-modes")
@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_without_a_known_range_are_refused(mode: str) -> None:
    """The error names the picture and says what to do."""
    with pytest.raises(ModelFileError, match=r"scan\.tif has 32-bit samples.*save it with 8"):
        image_patches(Image.new(mode, (4, 4)), name="scan.tif")


@pytest.mark.requirement("model.pixels-modes")
def test_what_is_transparent_shows_white() -> None:
    """Black text on a transparent page can be read."""
    picture = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    picture.putpixel((0, 0), (0, 0, 0, 255))
    found = restored(image_patches(picture))[0]
    assert found[0, 0].tolist() == [-1, -1, -1]
    assert (found.reshape(-1, 3)[1:] == 1).all()


@pytest.mark.requirement("model.pixels-modes")
def test_a_rotated_photograph_stands_upright() -> None:
    """EXIF orientation 6: the camera was turned, the file is 56 x 28, the picture 28 x 56."""
    picture = Image.new("RGB", (56, 28))
    picture.paste((255, 255, 255), (0, 0, 28, 28))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    patches = image_patches(Image.open(file))
    assert patches.grid == (1, 4, 2)
    found = restored(patches)[0]
    assert (found[:28] == 1).all() and (found[28:] == -1).all()
    decoded = image_patches(decode(file.getvalue(), "photo.png"))
    assert torch.equal(decoded.pixels_NCPP, patches.pixels_NCPP)


# videos


@pytest.mark.requirement("model.pixels-video")
def test_an_image_is_a_video_of_one_frame() -> None:
    """The same patches, grid and tokens."""
    picture = noise(50, 40)
    [(timestamp, chunk)] = video_chunks([Frame(1.5, picture)])
    patches = image_patches(picture)
    assert (timestamp, chunk.grid) == (1.5, patches.grid)
    assert torch.equal(chunk.pixels_NCPP, patches.pixels_NCPP)


@pytest.mark.requirement("model.pixels-video")
def test_a_video_is_cut_into_chunks_of_four_frames() -> None:
    """The last may be shorter; each has the time of its first frame; frames keep their order."""
    pictures = [noise(30, 20, seed=n) for n in range(6)]
    chunks = video_chunks(Frame(n / 2, picture) for n, picture in enumerate(pictures))
    assert [(time, chunk.grid) for time, chunk in chunks] == [(0.0, (4, 2, 4)), (2.0, (2, 2, 4))]
    whole = np.concatenate([restored(chunk) for _, chunk in chunks])
    for frame, picture in zip(whole, pictures, strict=True):
        expected = np.asarray(picture, dtype=np.float32) / 127.5 - 1
        np.testing.assert_allclose(frame[:20, :30], expected, atol=1e-6)


@pytest.mark.requirement("model.pixels-video")
def test_frames_of_another_size_begin_a_new_chunk() -> None:
    """A chunk has one grid."""
    frames = [Frame(0, noise(28, 28)), Frame(1, noise(28, 28)), Frame(2, noise(56, 28))]
    assert [chunk.grid for _, chunk in video_chunks(frames)] == [(2, 2, 2), (1, 2, 4)]


@pytest.mark.requirement("model.pixels-video")
def test_no_frames_are_no_chunks() -> None:
    """An empty sequence is not an error here."""
    assert video_chunks([]) == []


@pytest.mark.requirement("model.pixels")
@pytest.mark.parametrize(
    ("count", "grid", "message"),
    [
        (3, (1, 2, 2), "pixels of shape"),
        (6, (1, 2, 3), "even"),
        (0, (0, 2, 2), "frames x rows x columns"),
        (4, (1, 2, 1026), "at most 512"),
    ],
)
def test_pixels_that_do_not_fit_their_grid_are_refused(
    count: int, grid: tuple[int, int, int], message: str
) -> None:
    """Wrong patches never reach the tower."""
    with pytest.raises(ModelFileError, match=message):
        Patches(torch.zeros(count, 3, 14, 14), grid)
