"""Following a run that another process writes: replay, then live, then an end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from openswarm.core.errors import JournalError
from openswarm.core.events import Answered, Content, Nudged, Resumed
from openswarm.journal.folder import FolderJournal
from openswarm.journal.lines import EVENTS_FILE
from openswarm.journal.tail import tail

pytestmark = pytest.mark.anyio

WRITER = """
import sys
from pathlib import Path
import anyio, anyio.to_thread
from openswarm.core.events import Answered, Content, Nudged
from openswarm.journal.folder import FolderJournal

async def main():
    journal = FolderJournal.create(Path(sys.argv[1]))
    while word := (await anyio.to_thread.run_sync(sys.stdin.readline)).strip():
        if word == "answer":
            journal.append(Answered(outcome="completed", text=Content(text="42")))
        else:
            journal.append(Nudged(text=word))
        await journal.commit()
        print("written", flush=True)

anyio.run(main)
"""


class Writer:
    """Another process that writes to a run what it is told."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "written\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def writer(folder: Path) -> Iterator[Writer]:
    made = Writer(folder)
    yield made
    made.kill()


def words(events: list[object]) -> list[str]:
    return [event.text for event in events if isinstance(event, Nudged)]


@pytest.mark.requirement("journal.tail")
async def test_a_live_run_is_replayed_then_followed_until_its_answer(
    folder: Path, writer: Writer
) -> None:
    await anyio.to_thread.run_sync(writer.write, "one")
    seen: list[object] = []
    with anyio.fail_after(20):
        async for event in tail(folder):
            seen.append(event)
            if words(seen) == ["one"]:
                await anyio.to_thread.run_sync(writer.write, "two")
            elif words(seen) == ["one", "two"] and not isinstance(event, Answered):
                await anyio.to_thread.run_sync(writer.write, "answer")
    assert words(seen) == ["one", "two"]
    assert isinstance(seen[-1], Answered)


@pytest.mark.requirement("journal.tail")
async def test_a_run_whose_process_dies_is_followed_to_its_last_whole_event(
    folder: Path, writer: Writer
) -> None:
    await anyio.to_thread.run_sync(writer.write, "one")
    with (folder / EVENTS_FILE).open("ab") as file:
        file.write(b'{"torn')
    seen: list[object] = []
    with anyio.fail_after(20):
        async for event in tail(folder):
            seen.append(event)
            await anyio.to_thread.run_sync(writer.kill)
    assert words(seen) == ["one"]


async def test_only_what_comes_after_a_known_event_is_told(folder: Path, writer: Writer) -> None:
    for word in ("one", "two", "answer"):
        await anyio.to_thread.run_sync(writer.write, word)
    seen = [event async for event in tail(folder, from_seq=1)]
    assert [event.seq for event in seen] == [2, 3]


@pytest.fixture
def finished(folder: Path) -> Path:
    journal = FolderJournal.create(folder)
    journal.append(Answered(outcome="partial", text=Content(text="half")))
    journal.append(Resumed())
    journal.append(Nudged(text="again"))
    journal.append(Answered(outcome="completed", text=Content(text="whole")))
    journal.close()
    return folder


async def test_an_answer_that_was_resumed_from_is_not_the_end(finished: Path) -> None:
    with anyio.fail_after(5):
        seen = [event async for event in tail(finished)]
    assert [event.type for event in seen] == ["answered", "resumed", "nudged", "answered"]


async def test_a_folder_without_a_journal_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="not a run"):
        async for _ in tail(tmp_path):
            pass


async def test_a_damaged_line_is_a_clear_error(finished: Path) -> None:
    with (finished / EVENTS_FILE).open("ab") as file:
        file.write(b"rubbish\n")
    with pytest.raises(JournalError, match="damaged"):
        async for _ in tail(finished):
            pass
