"""Videos as frames: instants, variable rates, bounds, damage. All videos are made here."""

import io
import itertools
import random
import struct
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from openswarm.core.errors import SettingsError, UserError
from openswarm.media import video
from openswarm.media.video import Frame, frames

STEP = 6
"""Grey levels between two pictures of a made video."""


def made(
    times_ms: Sequence[int],
    form: str = "matroska",
    codec: str = "mjpeg",
    size: tuple[int, int] = (48, 32),
) -> bytes:
    """A video whose picture number n is grey of level `STEP * n` and begins at `times_ms[n]`."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, time in enumerate(times_ms):
            grey = np.full((size[1], size[0], 3), STEP * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def seen(found: Sequence[Frame]) -> list[tuple[float, int]]:
    """Timestamps, and which picture is shown at each."""
    return [(f.timestamp_s, round(np.asarray(f.image).mean() / STEP)) for f in found]


STEADY = made([100 * n for n in range(20)])
"""Two seconds at ten pictures a second."""


@pytest.mark.requirement("media.video")
@pytest.mark.parametrize(
    ("form", "codec"), [("matroska", "mjpeg"), ("mp4", "mpeg4"), ("avi", "mjpeg"), ("mov", "mjpeg")]
)
def test_a_video_is_looked_at_twice_a_second(form: str, codec: str) -> None:
    """The picture on screen at 0, 0.5, 1 and 1.5 seconds, in each container."""
    found = frames(made([40 * n for n in range(20)], form, codec))
    assert seen(found) == [(0.0, 0), (0.5, 12)]
    assert {(frame.image.mode, frame.image.size) for frame in found} == {("RGB", (48, 32))}


@pytest.mark.requirement("media.video")
def test_the_rate_can_be_chosen() -> None:
    """Five instants a second, and one in two seconds."""
    assert seen(frames(STEADY, fps=5)) == [(n / 5, 2 * n) for n in range(10)]
    assert seen(frames(STEADY, fps=0.5)) == [(0.0, 0)]


@pytest.mark.requirement("media.video-variable-rate")
def test_a_variable_rate_is_sampled_by_time() -> None:
    """A burst, a still of three seconds, another burst: counting frames would show the bursts."""
    times = [0, 40, 80, 120, 160, 200, 3200, 3240, 3280, 3700]
    for form, codec in (("matroska", "mjpeg"), ("mp4", "mpeg4")):
        found = seen(frames(made(times, form, codec)))
        assert found == [(0.0, 0), (0.5, 5), (3.5, 8)]


@pytest.mark.requirement("media.video-variable-rate")
def test_a_picture_that_stays_is_kept_once() -> None:
    """A slide for a minute is one picture, at its first instant."""
    assert seen(frames(made([0, 60_000, 120_000]))) == [(0.0, 0), (60.0, 1), (120.0, 2)]


@pytest.mark.requirement("media.video-variable-rate")
@pytest.mark.parametrize("seed", range(4))
def test_sampling_equals_its_definition(seed: int) -> None:
    """Random times: at each instant the last picture that has begun, repetitions left out."""
    generator = random.Random(seed)
    times = list(itertools.accumulate([0] + [generator.choice([20, 150, 900]) for _ in range(14)]))
    shown = [
        max(n for n, t in enumerate(times) if t <= 500 * k) for k in range(times[-1] // 500 + 1)
    ]
    expected = [(k / 2, n) for k, n in enumerate(shown) if k == 0 or shown[k - 1] != n]
    found = seen(frames(made([*times, times[-1] + 1])))
    assert [(time, n) for time, n in found if n < len(times)] == expected


@pytest.mark.requirement("media.video")
def test_time_begins_with_the_first_picture() -> None:
    """A recording that starts late has no empty beginning."""
    assert seen(frames(made([5000, 5500, 6000]))) == [(0.0, 0), (0.5, 1), (1.0, 2)]


@pytest.mark.requirement("media.video")
def test_a_video_of_one_picture_has_one_frame() -> None:
    """Even without any duration."""
    assert seen(frames(made([0]))) == [(0.0, 0)]


@pytest.mark.requirement("media.video-bounds")
def test_a_long_video_is_thinned_and_still_covered() -> None:
    """Too many pictures: the same as a lower rate from the beginning."""
    data = made([250 * n for n in range(40)])
    assert len(frames(data)) == 20
    thinned = seen(frames(data, max_frames=8))
    assert thinned == [(2.0 * n, 8 * n) for n in range(5)] == seen(frames(data, fps=0.5))
    assert seen(frames(data, max_frames=1)) == [(0.0, 0)]


@pytest.mark.requirement("media.video-bounds")
def test_frames_take_a_bounded_amount_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large frames are thinned more than small ones."""
    monkeypatch.setattr(video, "MAX_KEPT_PIXELS", 2 * 48 * 32)
    assert len(frames(STEADY)) == 2


@pytest.mark.requirement("media.video-bounds")
def test_too_many_frames_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file can hold hours."""
    monkeypatch.setattr(video, "MAX_DECODED", 10)
    with pytest.raises(UserError, match=r"film\.mkv has more than 10 frames"):
        frames(STEADY, name="film.mkv")


@pytest.mark.requirement("media.video")
def test_a_telephone_that_was_turned_films_upright() -> None:
    """The matrix of an MP4's track turns the picture by a quarter."""
    data = bytearray(made([0, 500], "mp4", "mpeg4"))
    matrix = data.index(b"tkhd") + 4 + 40
    assert struct.unpack(">i", data[matrix : matrix + 4]) == (65536,)
    data[matrix : matrix + 20] = struct.pack(">5i", 0, 65536, 0, -65536, 0)
    assert frames(bytes(data))[0].image.size == (32, 48)


@pytest.mark.requirement("media.video")
def test_a_path_is_opened_as_a_file(tmp_path: Path) -> None:
    """Whatever it looks like; the error names it."""
    path = tmp_path / "concat:film.mkv"
    path.write_bytes(STEADY)
    assert len(frames(path)) == 4
    with pytest.raises(UserError, match=r"none\.mkv cannot be opened: No such file"):
        frames(tmp_path / "none.mkv")


@pytest.mark.requirement("media.video-bad-input")
@pytest.mark.parametrize(
    "data",
    [b"", b"hello", STEADY[:60], made([0, 500], "mp4", "mpeg4")[:-300], bytes(range(256)) * 40],
    ids=["empty", "text", "head", "cut", "noise"],
)
def test_what_is_no_video_is_refused_by_name(data: bytes) -> None:
    """One sentence that says which file."""
    with pytest.raises(UserError, match=r"^film\.mp4 "):
        frames(data, name="film.mp4")


@pytest.mark.requirement("media.video-bad-input")
def test_damaged_pictures_are_no_frames() -> None:
    """A video that is damaged inside is refused, never shown in part."""
    generator = random.Random(0)
    whole = made([100 * n for n in range(20)], "mp4", "mpeg4")
    refused = 0
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(30):
            data[generator.randrange(48, len(data) // 2)] = generator.randrange(256)
        try:
            frames(bytes(data), name="film.mp4")
        except UserError as error:
            assert str(error).startswith("film.mp4 ")
            refused += 1
    assert refused > 20


@pytest.mark.requirement("media.video-bad-input")
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {}\n",
    ],
    ids=["hls", "concat"],
)
def test_a_playlist_opens_no_other_file(text: str, tmp_path: Path) -> None:
    """A video is its own bytes; a list that names files of this machine is no video."""
    other = tmp_path / "other.mkv"
    other.write_bytes(STEADY)
    with pytest.raises(UserError, match="no video that can be read"):
        frames(text.format(other).encode())


@pytest.mark.requirement("media.video-bad-input")
def test_sound_alone_is_no_video() -> None:
    """A file without pictures says so."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(UserError, match=r"song\.mka has no video in it"):
        frames(file.getvalue(), name="song.mka")


@pytest.mark.requirement("media.video-bad-input")
@pytest.mark.parametrize(("fps", "most"), [(0, 8), (-1, 8), (1e9, 8), (float("nan"), 8), (2, 0)])
def test_a_rate_or_count_that_makes_no_sense_is_refused(fps: float, most: int) -> None:
    """Before the video is opened."""
    with pytest.raises(UserError, match="fps has to be above 0"):
        frames(STEADY, fps=fps, max_frames=most)


@pytest.mark.requirement("media.video")
def test_an_animated_gif_is_a_video() -> None:
    """Its delays are its times."""
    pictures = [Image.new("RGB", (16, 16), (60 * n, 0, 0)) for n in range(4)]
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=500)
    found = frames(file.getvalue())
    assert [frame.timestamp_s for frame in found] == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.requirement("media.extra")
def test_a_missing_pyav_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[model\]'"):
        frames(STEADY)
