"""A video becomes the frames that are on screen at regular instants.

Owns which containers are opened, how instants are chosen and how much memory frames may take. A
video is not trusted: it is read from its own bytes alone (a playlist inside it opens nothing), and
everything that grows with it is bounded. Knows no model.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from openswarm.core.errors import SettingsError, UserError
from openswarm.media.pictures import MAX_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image

CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "gif", "mpegts", "mpeg", "ogg")
"""FFmpeg's names of what is opened; playlists and other lists of files are not."""
FPS = 2.0
"""Instants a second that are looked at, as the published model does."""
MAX_FPS = 240.0
MAX_FRAMES = 256
MAX_KEPT_PIXELS = 268_435_456
"""Pixels of all kept frames at most: 768 MiB as RGB, 129 frames of 1920 x 1080."""
MAX_DECODED = 250_000
"""Frames that are decoded at most: more than two hours at 30 a second."""
OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "max_pixels": str(MAX_PIXELS)}
"""What FFmpeg is told before it looks at the first byte."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture that is on screen at `timestamp_s`, seconds after the first one."""

    timestamp_s: float
    image: "Image"


def frames(
    source: bytes | Path, *, fps: float = FPS, max_frames: int = MAX_FRAMES, name: str = ""
) -> list[Frame]:
    """What is on screen at 0, 1/fps, 2/fps, … seconds, each picture once.

    Time is read from the frames, so a variable rate is no matter; a picture that stays is not
    repeated, so its timestamp is the first of its instants. Where that gives more than `max_frames`
    pictures, or more than `MAX_KEPT_PIXELS`, every second instant is left out until they fit: the
    whole video is always covered. Raises `UserError` that names the file where it is damaged, has
    no picture or is too long; `SettingsError` where PyAV is missing.
    """
    if not 0 < fps <= MAX_FPS or max_frames < 1:
        raise UserError(
            f"fps has to be above 0 and at most {MAX_FPS:g}, and max_frames at least 1,"
            f" not {fps:g} and {max_frames}"
        )
    name = name or (str(source) if isinstance(source, Path) else "the video")
    picked = _Picked(Fraction(fps), max_frames)
    with _opened(source, name) as file:
        for start, end, decoded in _shown(file, name):
            picked.see(start, end, decoded)
    if not picked.spans:
        raise UserError(f"{name} has no picture in it")
    return [Frame(float(span.first / picked.fps), span.image) for span in picked.spans]


@dataclass(slots=True)
class _Span:
    """A kept picture, and the numbers of the first and the last instant at which it is shown."""

    first: int
    last: int
    image: "Image"


class _Picked:
    """The pictures kept so far. Instant `k` is at `k / fps`."""

    def __init__(self, fps: Fraction, max_frames: int) -> None:
        self.fps = fps
        self.spans: list[_Span] = []
        self._max_frames = max_frames

    def see(self, start: Fraction, end: Fraction, decoded: Any) -> None:
        """A frame that is shown from `start` until `end`, in seconds."""
        first, last = math.ceil(start * self.fps), math.ceil(end * self.fps) - 1
        if last < first:
            return
        image = _image(decoded)
        self.spans.append(_Span(first, last, image))
        room = min(self._max_frames, max(1, MAX_KEPT_PIXELS // (image.width * image.height)))
        while len(self.spans) > room:
            self._thin()

    def _thin(self) -> None:
        """Every second instant goes, as if `fps` had been half from the beginning."""
        self.fps /= 2
        halved = [_Span((s.first + 1) // 2, s.last // 2, s.image) for s in self.spans]
        self.spans = [span for span in halved if span.first <= span.last]


def _shown(file: BinaryIO, name: str) -> Iterator[tuple[Fraction, Fraction, Any]]:
    """Each frame with the time from which and until which it is shown, from 0 on."""
    held = None
    origin = start = Fraction(0)
    gap = Fraction(0)
    for time, decoded in _decoded(file, name):
        if held is None:
            origin = time
        elif time - origin > start:
            gap = time - origin - start
            yield start, start + gap, held
        held, start = decoded, max(start, time - origin)
    if held is not None:
        length = (held.duration or 0) * (held.time_base or 0) or gap
        # one picture without any duration is still shown at its instant
        yield start, start + (length or Fraction(1, 10**6)), held


def _decoded(file: BinaryIO, name: str) -> Iterator[tuple[Fraction, Any]]:
    """The frames of the first video stream with their times, in the order of showing."""
    av = _av()
    try:
        with av.open(
            file, metadata_errors="replace", options=OPTIONS, io_open=_refuse
        ) as container:
            if not container.streams.video:
                raise UserError(f"{name} has no video in it")
            for count, frame in enumerate(container.decode(container.streams.video[0])):
                _check(frame, count, name)
                yield frame.pts * frame.time_base, frame
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{name} is no video that can be read, or is damaged: {reason}") from None


def _check(frame: Any, count: int, name: str) -> None:
    """Raises `UserError` where a frame is damaged, too large, without time, or one too many."""
    if frame.is_corrupt:
        raise UserError(f"{name} is damaged: frame {count} cannot be decoded whole")
    if frame.pts is None or frame.time_base is None:
        raise UserError(f"{name} does not say when frame {count} is shown; convert it to MP4")
    if frame.width * frame.height > MAX_PIXELS:
        raise UserError(f"{name} has frames of more than {MAX_PIXELS:,} pixels; make it smaller")
    if count >= MAX_DECODED:
        raise UserError(f"{name} has more than {MAX_DECODED:,} frames; give a part of it")


def _image(decoded: Any) -> "Image":
    """The frame as RGB, turned as the camera was held."""
    image = decoded.to_image()
    return image.rotate(decoded.rotation, expand=True) if decoded.rotation else image


def _opened(source: bytes | Path, name: str) -> BinaryIO:
    """The video's bytes; a path is opened here, since FFmpeg would take some for addresses."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except OSError as error:
        raise UserError(f"{name} cannot be opened: {error.strerror}") from None


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
    """A video that names other files gets none of them."""
    raise PermissionError(f"the video asks for another file ({url[:40]!r})")


def _av() -> Any:
    """PyAV; heavy, so it is imported by whoever has a video."""
    try:
        import av
    except ImportError:
        raise SettingsError(
            "videos need PyAV; install it with: pip install 'openswarm[model]'"
        ) from None
    return av
