"""The index is built once, brought up to date with the files, and never in the way."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from corpus_files import corpus_of, whole, write

from openswarm.core.errors import SettingsError
from openswarm.tools.corpus import index as index_module
from openswarm.tools.corpus import sync
from openswarm.tools.corpus.corpus import Corpus

pytestmark = pytest.mark.anyio


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed, as it happens."""
    parsed: list[str] = []
    real = sync.read

    def read(data: bytes, name: str) -> object:
        parsed.append(name)
        return real(data, name)

    monkeypatch.setattr(sync, "read", read)
    return parsed


@pytest.mark.requirement("corpus.update", "corpus.index")
async def test_only_what_is_new_or_changed_is_read_again(
    tmp_path: Path, read_files: list[str]
) -> None:
    """And what is gone is forgotten."""
    await corpus_of(
        tmp_path, {"a.txt": "apple", "b.txt": "banana", "c.txt": "cherry", "x.bin": b"\0"}
    )
    read_files.clear()
    write(tmp_path / "files", {"b.txt": "blueberry", "d.txt": "date"})
    (tmp_path / "files/c.txt").unlink()
    corpus = await corpus_of(tmp_path, {})
    assert sorted(read_files) == ["b.txt", "d.txt"]
    assert await corpus.names(9) == ["a.txt", "b.txt", "d.txt"]
    assert [hit.document for hit in await corpus.search("blueberry")] == ["b.txt"]
    assert not await corpus.search("banana")
    assert not await corpus.search("cherry")


async def test_what_was_unreadable_is_reported_again_without_reading_it(
    tmp_path: Path, read_files: list[str]
) -> None:
    """A thousand pictures cost nothing the second time."""
    first = await corpus_of(tmp_path, {"a.txt": "apple", "x.bin": b"\0"})
    read_files.clear()
    again = await corpus_of(tmp_path, {})
    assert read_files == []
    assert again.skipped == first.skipped != ()


async def test_a_new_time_alone_does_not_make_a_file_new(
    tmp_path: Path, read_files: list[str]
) -> None:
    """Its content decides."""
    await corpus_of(tmp_path, {"a.txt": "apple"})
    read_files.clear()
    os.utime(tmp_path / "files/a.txt", ns=(1, 1))
    await corpus_of(tmp_path, {})
    assert read_files == []


@pytest.mark.requirement("corpus.index")
async def test_progress_goes_up_to_the_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch by batch; with nothing to do it is there at once."""
    monkeypatch.setattr(sync, "BATCH_FILES", 2)
    folder = write(tmp_path / "files", {f"{n}.txt": "x" for n in range(5)})
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        await Corpus.open([str(folder)], tmp_path / "corpora", progress=lambda *at: seen.append(at))
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5), (5, 5)]


@pytest.mark.requirement("corpus.index")
async def test_an_interrupted_build_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_files: list[str]
) -> None:
    """What was committed stays."""
    monkeypatch.setattr(sync, "BATCH_FILES", 2)
    folder = write(tmp_path / "files", {f"{n}.txt": "x" for n in range(5)})
    with anyio.CancelScope() as scope:

        def stop(done: int, total: int) -> None:
            if done == 2:
                scope.cancel()

        await Corpus.open([str(folder)], tmp_path / "corpora", progress=stop)
    assert (await corpus_of(tmp_path, {})).documents == 5
    assert sorted(read_files) == [f"{n}.txt" for n in range(5)]


@pytest.mark.parametrize("damage", ["torn", "overwritten", "empty", "older", "no database"])
async def test_a_damaged_or_outdated_index_is_built_anew(tmp_path: Path, damage: str) -> None:
    """Silently; the files are the truth."""
    files: dict[str, str | bytes] = {f"{n}.txt": f"number {n} " * 400 for n in range(20)}
    await corpus_of(tmp_path, files)
    (path,) = (tmp_path / "corpora").glob("*.db")
    data = path.read_bytes()
    if damage == "older":
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA user_version = {index_module.SCHEMA_VERSION - 1}")
        db.close()
    else:
        damaged = {
            "torn": data[: len(data) // 2],
            "overwritten": data[:5000] + b"\xff" * 20_000 + data[25_000:],
            "empty": b"",
            "no database": b"hello" * 999,
        }
        path.write_bytes(damaged[damage])
    corpus = await corpus_of(tmp_path, {})
    assert corpus.documents == 20
    assert await whole(corpus, "7.txt") == files["7.txt"]
    assert await corpus.search("number 13", document="13.txt")


async def test_two_processes_may_open_the_same_corpus_at_once(tmp_path: Path) -> None:
    """One builds, the others wait for it and read."""
    write(tmp_path / "files", {f"{n}.txt": f"number {n} " * 50 for n in range(200)})
    program = (
        "import anyio, sys; from pathlib import Path\n"
        "from openswarm.tools.corpus.corpus import Corpus\n"
        "corpus = anyio.run(Corpus.open, [sys.argv[1]], Path(sys.argv[2]))\n"
        "print(corpus.documents)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "files"), str(tmp_path / "corpora")]
    printed: list[str] = []

    async def open_in_process() -> None:
        done = await anyio.run_process(command, stderr=subprocess.STDOUT)
        printed.append(done.stdout.decode().strip())

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(open_in_process)
    assert printed == ["200"] * 3
    corpus = await corpus_of(tmp_path, {})
    assert await whole(corpus, "150.txt") == "number 150 " * 50


async def test_opening_waits_while_another_one_builds(tmp_path: Path) -> None:
    """And can be cancelled while it waits."""
    await corpus_of(tmp_path, {"a.txt": "apple"})
    (lock,) = (tmp_path / "corpora").glob("*.lock")
    async with sync.locked(lock):
        with anyio.move_on_after(0.2) as scope:
            await corpus_of(tmp_path, {})
    assert scope.cancelled_caught
    assert (await corpus_of(tmp_path, {})).documents == 1


async def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    """And what can be done."""
    write(tmp_path, {"files/a.txt": "a", "corpora": "a file where the folder should be"})
    with pytest.raises(SettingsError, match="OPENSWARM_HOME"):
        await corpus_of(tmp_path, {})


async def test_a_file_that_cannot_be_read_now_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here one that grew after it was found; it is not remembered as unreadable."""
    with monkeypatch.context() as small:
        small.setattr(sync, "MAX_FILE_BYTES", 5)
        corpus = await corpus_of(tmp_path, {"a.txt": "a", "b.txt": "b" * 6})
    assert (corpus.documents, len(corpus.skipped)) == (1, 1)
    assert "is larger" in corpus.skipped[0].reason
    assert (await corpus_of(tmp_path, {})).documents == 2
