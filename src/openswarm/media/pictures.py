"""Bytes of a picture become an upright RGB image, or an error that names the picture.

Owns which formats are read, how large a picture may be, and what becomes of transparency, depth and
rotation. Bytes are not trusted: only plain raster decoders are tried, and the size that a header
claims is checked before anything is unpacked. Knows no model.
"""

import base64
import binascii
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from openswarm.core.errors import SettingsError, UserError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is decoded; formats that run programs or load other files are not."""
MAX_PIXELS = 89_478_485
"""Pixels of a picture at most: 256 MiB as RGB, and where Pillow begins to warn."""
BACKGROUND = "white"
"""What shows through transparent pixels: pages and diagrams are drawn to be read on it."""
MAX_SHOWN = 40
"""Characters of a bad URL that an error quotes."""


def decode(data: bytes, name: str) -> "Image":
    """The first frame of a picture: RGB, upright, wholly loaded.

    Raises `UserError` that names `name` where the bytes are no picture, cut short or too large, and
    `SettingsError` where Pillow is missing.
    """
    pillow = _pillow()
    try:
        image = pillow.open(io.BytesIO(data), formats=FORMATS)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning):
        raise UserError(_too_large(name)) from None
    except pillow.UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise UserError(f"{name} is no picture that can be read ({kinds})") from None
    except Exception as error:
        # a broken picture breaks the decoders in every way there is
        raise UserError(f"{name} cannot be read as a picture: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        raise UserError(_too_large(name))
    try:
        image.load()
    except Exception as error:
        raise UserError(f"{name} is cut short or damaged: {error}") from error
    return upright_rgb(image, name)


def upright_rgb(image: "Image", name: str) -> "Image":
    """Any image as RGB: turned as its EXIF says, on white where it is transparent.

    16-bit grey keeps its upper 8 bits. Raises `UserError` for samples whose range nobody knows
    (32-bit integers, floats) and for colours that Pillow cannot convert.
    """
    from PIL import Image, ImageOps

    if image.mode in ("I", "F"):
        raise UserError(
            f"{name} has 32-bit samples without a known range; save it with 8 or 16 bits"
        )
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            # Pillow's own conversion clips where it should scale
            image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        if not image.has_transparency_data:
            return image.convert("RGB")
        shown = image.convert("RGBA")
        ground = Image.new("RGBA", shown.size, BACKGROUND)
        return Image.alpha_composite(ground, shown).convert("RGB")
    except Exception as error:
        # damaged EXIF and odd colour spaces fail in as many ways as damaged files
        raise UserError(f"{name} cannot be converted to RGB: {error}") from error


def data_url(url: str) -> bytes:
    """The bytes inside a `data:` URL (RFC 2397), base64 or percent-encoded.

    Raises `UserError` that shows the URL's beginning.
    """
    shown = url[:MAX_SHOWN]
    head, comma, body = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise UserError(f"{shown!r} is no data: URL; it has to begin with data:TYPE;base64,")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(f"the data: URL {shown!r} is not valid base64: {error}") from None


def _too_large(name: str) -> str:
    return f"{name} is larger than {MAX_PIXELS:,} pixels; make it smaller"


def _pillow() -> Any:
    """Pillow's `Image` module; heavy, so it is imported by whoever has a picture."""
    try:
        from PIL import Image
    except ImportError:
        raise SettingsError(
            "pictures need Pillow; install it with: pip install 'openswarm[model]'"
        ) from None
    return Image
