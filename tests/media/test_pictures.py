"""Bytes of pictures: formats, damage, size, `data:` URLs."""

import base64
import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from openswarm.core.errors import SettingsError, UserError
from openswarm.media.pictures import FORMATS, MAX_PIXELS, data_url, decode


def encoded(form: str, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> bytes:
    """A noisy picture as a file."""
    samples = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(samples).convert(mode).save(file, form)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose header is true to form and whose pixels are missing."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(10))
    chunks = (
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, body)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.requirement("media.pictures")
@pytest.mark.parametrize("form", FORMATS)
def test_pictures_of_each_format_are_decoded(form: str) -> None:
    """As RGB, wholly loaded."""
    picture = decode(encoded(form), "picture")
    assert (picture.mode, picture.size) == ("RGB", (40, 30))
    assert np.asarray(picture).std() > 10


@pytest.mark.requirement("media.pictures")
def test_an_animation_is_its_first_frame() -> None:
    """A GIF of two colours is the first one."""
    file = io.BytesIO()
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    first.save(file, "GIF", save_all=True, append_images=[second])
    assert decode(file.getvalue(), "a.gif").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.requirement("media.pictures-bad-input")
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_is_cut_short_is_refused(form: str) -> None:
    """The error names the file; no half picture is handed on."""
    data = encoded(form)
    with pytest.raises(UserError, match=r"photo\.x"):
        decode(data[: len(data) // 2], "photo.x")


@pytest.mark.requirement("media.pictures-bad-input")
@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"],
    ids=["empty", "text", "head", "postscript"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """PostScript too: only plain raster formats are tried."""
    with pytest.raises(UserError, match=r"it\.png.*picture"):
        decode(data, "it.png")


@pytest.mark.requirement("media.pictures-bad-input")
@pytest.mark.parametrize("side", [9_500, 12_000, 60_000])
def test_a_picture_that_claims_too_many_pixels_is_refused(side: int) -> None:
    """Before anything is unpacked, whether Pillow itself would warn or refuse."""
    with pytest.raises(UserError, match=f"bomb.png is larger than {MAX_PIXELS:,} pixels"):
        decode(png_that_claims(side, side), "bomb.png")


@pytest.mark.requirement("media.pictures-bad-input")
def test_the_limit_is_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds where another program has switched off Pillow's."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(UserError, match="is larger than"):
        decode(png_that_claims(12_000, 12_000), "bomb.png")


@pytest.mark.requirement("media.pictures-bad-input")
def test_damaged_bytes_never_end_in_another_error() -> None:
    """Many damaged files: each is read, or refused by name."""
    generator = np.random.default_rng(2)
    for form in FORMATS:
        whole = encoded(form, size=(16, 16))
        for _ in range(60):
            data = bytearray(whole)
            for place in generator.integers(0, min(len(data), 200), 6):
                data[place] = generator.integers(0, 256)
            try:
                assert decode(bytes(data), "damaged").mode == "RGB"
            except UserError as error:
                assert "damaged" in str(error)


@pytest.mark.requirement("media.data-url")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,aGVsbG8=", b"hello"),
        ("data:;base64,", b""),
        ("DATA:image/png;BASE64,aGVsbG8=", b"hello"),
        ("data:image/svg+xml;charset=utf-8,%3Csvg%3E", b"<svg>"),
        ("data:,a,b", b"a,b"),
    ],
)
def test_data_urls_are_read(url: str, expected: bytes) -> None:
    """Base64 and percent-encoded, in any case."""
    assert data_url(url) == expected


@pytest.mark.requirement("media.data-url")
def test_a_data_url_holds_a_picture() -> None:
    """From the URL to pixels."""
    url = "data:image/png;base64," + base64.b64encode(encoded("PNG")).decode()
    assert decode(data_url(url), "picture").size == (40, 30)


@pytest.mark.requirement("media.data-url")
@pytest.mark.parametrize(
    "url",
    ["", "https://example.org/a.png", "data:image/png;base64", "data:image/png;base64,a b=",
     "data:image/png;base64,abc", "data:image/png;base64,ä", "data:image/png;base64,-_-_"],
)  # fmt: skip
def test_wrong_data_urls_are_refused(url: str) -> None:
    """Nothing is skipped or guessed."""
    with pytest.raises(UserError, match="data: URL"):
        data_url(url)


@pytest.mark.requirement("media.data-url")
def test_an_error_shows_only_the_beginning_of_a_url() -> None:
    """A picture of megabytes does not fill the screen."""
    with pytest.raises(UserError) as caught:
        data_url("data:image/png;base64," + "!" * 10_000)
    assert len(str(caught.value)) < 200


@pytest.mark.requirement("media.extra")
def test_a_missing_pillow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[model\]'"):
        decode(b"", "picture")
