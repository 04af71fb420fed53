"""The journal on disk: what is committed survives, what is torn is cut, one process writes."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import JournalError
from openswarm.core.events import EVENT, Admitted, AnyEvent, Content, Nudged, Resumed, Steered
from openswarm.journal.folder import FolderJournal, is_alive
from openswarm.journal.journal import INLINE_BYTES, MemoryJournal
from openswarm.journal.lines import EVENTS_FILE, read_events

pytestmark = pytest.mark.anyio
LONG = "ö" * INLINE_BYTES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run-1"


@pytest.fixture
def journal(folder: Path) -> Iterator[FolderJournal]:
    made = FolderJournal.create(folder)
    yield made
    made.close()


def written(folder: Path) -> list[AnyEvent]:
    """What another process can read now."""
    data = (folder / EVENTS_FILE).read_bytes()
    return [EVENT.validate_json(line) for line in data.split(b"\n")[:-1]]


def texts(folder: Path) -> list[str]:
    return [event.text for event in written(folder) if isinstance(event, Nudged)]


def filled(folder: Path, *words: str) -> None:
    journal = FolderJournal.create(folder)
    for word in words:
        journal.append(Nudged(text=word))
    journal.close()


def go_on(folder: Path) -> None:
    journal = FolderJournal.reopen(folder)
    journal.append(Nudged(text="on we go"))
    journal.close()


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int = 0) -> None:
    """From now on the disk takes `room` more bytes."""
    real, left = os.write, [room]

    def write(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(descriptor, data[: left[0]])
        left[0] -= count
        return count

    monkeypatch.setattr(os, "write", write)


@pytest.mark.requirement("journal.durable")
async def test_what_is_committed_can_be_read_by_anyone(
    journal: FolderJournal, folder: Path
) -> None:
    journal.append(Nudged(agent="root/1", text="one"))
    await journal.commit()
    assert texts(folder) == ["one"]


@pytest.mark.requirement("journal.envelope")
async def test_an_event_is_stamped_with_its_place_time_run_and_parent(folder: Path) -> None:
    ticks = iter([5.0, 6.0])
    journal = MemoryJournal("run-7", clock=lambda: next(ticks))
    first, second = journal.append(Resumed()), journal.append(Admitted(agent="root/12"))
    assert (first.seq, first.at, first.run, first.parent) == (1, 5.0, "run-7", "")
    assert (second.seq, second.at, second.parent) == (2, 6.0, "root")


def test_a_journal_goes_on_where_an_earlier_one_ended(folder: Path) -> None:
    filled(folder, "one", "two")
    journal = FolderJournal.reopen(folder)
    assert [event.seq for event in journal.events()] == [1, 2]
    journal.append(Nudged(text="three"))
    assert journal.events()[-1].seq == 3
    journal.close()
    assert texts(folder) == ["one", "two", "three"]


def test_events_that_are_not_written_yet_are_among_the_events(folder: Path) -> None:
    journal = FolderJournal.create(folder)
    event = journal.append(Nudged(text="one"))
    assert list(journal.events()) == [event]
    journal.close()


@pytest.mark.requirement("bad.clock")
def test_the_clock_going_backwards_never_makes_an_event_older_than_the_last(folder: Path) -> None:
    times = iter([100.0, 50.0])
    journal = FolderJournal.create(folder, clock=lambda: next(times))
    journal.append(Resumed())
    journal.append(Resumed())
    journal.close()
    later = FolderJournal.reopen(folder, clock=lambda: 10.0)
    later.append(Resumed())
    later.close()
    assert [event.at for event in written(folder)] == [100.0, 100.0, 100.0]


@pytest.mark.requirement("journal.torn-line", "bad.half-run")
@pytest.mark.parametrize("torn", [b'{"seq":3,"at":1', b"{", b'{"type":"resumed"}', b"\xff\x00"])
def test_a_torn_last_line_is_dropped_and_cut(folder: Path, torn: bytes) -> None:
    filled(folder, "one", "two")
    with (folder / EVENTS_FILE).open("ab") as file:
        file.write(torn)
    assert texts(folder) == ["one", "two"]
    journal = FolderJournal.reopen(folder)
    journal.append(Nudged(text="three"))
    journal.close()
    assert [(event.seq, event.text) for event in written(folder)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]


@settings(max_examples=30, deadline=None)
@given(words=st.lists(st.text(max_size=20), min_size=1, max_size=6), part=st.floats(0, 1))
def test_wherever_the_file_was_cut_the_whole_events_before_are_there(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], part: float
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "run"
    filled(folder, *words)
    whole = (folder / EVENTS_FILE).read_bytes()
    kept = whole[: int(part * len(whole))]
    (folder / EVENTS_FILE).write_bytes(kept)
    journal = FolderJournal.reopen(folder)
    left = [event.text for event in journal.events()]
    journal.append(Nudged(text="more"))
    journal.close()
    assert left == words[: kept.count(b"\n")]
    assert texts(folder) == [*left, "more"]


@pytest.mark.requirement("journal.damage")
@pytest.mark.parametrize(
    "damage", [b"not json", b"{}", b'{"type":"telepathy"}', b"[1]", b"\x00\x00", b'"text"']
)
def test_a_damaged_line_in_the_middle_is_named_with_file_and_line(
    folder: Path, damage: bytes
) -> None:
    filled(folder, "one", "two", "three")
    lines = (folder / EVENTS_FILE).read_bytes().split(b"\n")
    lines[1] = damage
    (folder / EVENTS_FILE).write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match=r"events\.jsonl, line 2") as caught:
        FolderJournal.reopen(folder)
    assert caught.value.kind == "damaged"
    assert not is_alive(folder), "the lock is given free"


@pytest.mark.requirement("journal.newer", "bad.newer-run")
@pytest.mark.parametrize("event", ['"type":"resumed"', '"type":"telepathy","how":"well"'])
def test_a_run_of_a_newer_version_says_to_upgrade(folder: Path, event: str) -> None:
    filled(folder, "one")
    with (folder / EVENTS_FILE).open("a") as file:
        file.write('{"seq":2,"at":1.0,"run":"r","agent":"root","v":999,' + event + "}\n")
    with pytest.raises(JournalError, match=r"format 999.*pip install -U openswarm") as caught:
        FolderJournal.reopen(folder)
    assert caught.value.kind == "newer"


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="not a run") as caught:
        FolderJournal.reopen(tmp_path)
    assert caught.value.kind == "no_run"
    with pytest.raises(JournalError, match="not a run"):
        list(read_events(tmp_path / "gone" / EVENTS_FILE))


def test_a_run_that_exists_is_not_overwritten(folder: Path) -> None:
    filled(folder, "one")
    with pytest.raises(JournalError, match="exists already"):
        FolderJournal.create(folder)
    assert texts(folder) == ["one"]


def test_a_place_where_no_folder_can_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot write to") as caught:
        FolderJournal.create(tmp_path / "file" / "run")
    assert caught.value.kind == "disk"


@pytest.mark.requirement("journal.blobs")
async def test_short_text_stands_in_the_event_and_long_text_in_a_blob(
    journal: FolderJournal, folder: Path
) -> None:
    short, long = journal.keep("kurz"), journal.keep(LONG)
    assert short == Content(text="kurz")
    assert long.text == ""
    assert journal.read(long) == LONG
    journal.append(Nudged(text="x"))
    await journal.commit()
    assert (folder / "blobs" / long.blob).read_text(encoding="utf-8") == LONG
    assert journal.keep(LONG) == long
    assert [path.name for path in (folder / "blobs").iterdir()] == [long.blob]


def test_a_blob_is_there_after_reopening(folder: Path) -> None:
    journal = FolderJournal.create(folder)
    kept = journal.keep(LONG)
    journal.append(Nudged(text="x"))
    journal.close()
    again = FolderJournal.reopen(folder)
    assert again.read(kept) == LONG
    again.close()


@pytest.mark.requirement("journal.stranger")
@pytest.mark.parametrize(
    "name",
    ["../events.jsonl", "/etc/passwd", "a" * 63, "A" * 64, "." * 64, "../" * 21 + "x", "a" * 65],
)
def test_a_blob_name_leads_nowhere_but_into_its_folder(
    journal: FolderJournal, folder: Path, name: str
) -> None:
    with pytest.raises(JournalError, match="not the name of a blob"):
        journal.read(Content(blob=name))


def test_a_missing_blob_is_a_clear_error(journal: FolderJournal) -> None:
    with pytest.raises(JournalError, match="is missing"):
        journal.read(Content(blob="0" * 64))


HOLD = """
import sys
from pathlib import Path
from openswarm.journal.folder import FolderJournal
journal = FolderJournal.create(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.requirement("journal.lock")
def test_a_second_process_is_locked_out_until_the_first_is_gone(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        assert is_alive(folder)
        with pytest.raises(JournalError, match=r"alive in another process.*watch run-1") as caught:
            FolderJournal.reopen(folder)
        assert caught.value.kind == "locked"
        holder.kill()
        holder.wait()
        assert not is_alive(folder)
        FolderJournal.reopen(folder).close()


@pytest.mark.requirement("journal.group-commit")
async def test_many_commits_at_once_need_few_writes(
    journal: FolderJournal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = 0
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)

    async def append(number: int) -> None:
        journal.append(Nudged(text=str(number)))
        await journal.commit()
        assert str(number) in texts(folder)

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(append, number)
    assert texts(folder) == [str(number) for number in range(100)]
    assert 1 <= syncs <= 3


async def test_a_commit_that_is_cancelled_leaves_the_event_durable(
    journal: FolderJournal, folder: Path
) -> None:
    journal.append(Nudged(text="one"))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await journal.commit()
    await journal.commit()
    assert texts(folder) == ["one"]


@pytest.mark.parametrize("room", [0, 1, 150, 400])
async def test_a_full_disk_is_a_clear_error_and_nothing_written_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    journal = FolderJournal.create(folder)
    journal.append(Nudged(text="safe"))
    await journal.commit()
    with monkeypatch.context() as patch:
        fill_disk(patch, room)
        for number in range(5):
            journal.append(Nudged(text=str(number)))
        with pytest.raises(JournalError, match=r"No space left.*openswarm resume run-1") as caught:
            await journal.commit()
        assert caught.value.kind == "disk"
        journal.append(Nudged(text="more"))
        with pytest.raises(JournalError):
            await journal.commit()
        journal.close()
    await anyio.to_thread.run_sync(go_on, folder)
    left = texts(folder)
    assert left[0] == "safe"
    assert left[-1] == "on we go"
    assert left[1:-1] == [str(number) for number in range(len(left) - 2)]


async def test_a_disk_that_is_full_for_blobs_is_the_same_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = FolderJournal.create(folder)
    kept = journal.keep(LONG)
    journal.append(Steered(text=kept.blob, by="user"))

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(JournalError, match="No space left"):
            await journal.commit()
    journal.close()
    assert written(folder) == [], "no event is there whose blob is not"


FULL = """
import resource, signal, sys
from pathlib import Path
import anyio
from openswarm.core.errors import JournalError
from openswarm.core.events import Nudged
from openswarm.journal.folder import FolderJournal

async def main():
    journal = FolderJournal.create(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        for number in range(100):
            journal.append(Nudged(text=str(number)))
            await journal.commit()
    except JournalError as error:
        print(number, error.kind)

anyio.run(main)
"""


@pytest.mark.requirement("bad.disk-full")
def test_a_real_process_at_a_real_limit_keeps_all_that_it_had_committed(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder)], capture_output=True, text=True, check=True
    )
    reached, kind = done.stdout.split()
    assert kind == "disk"
    assert texts(folder) == [str(number) for number in range(int(reached))]


def test_observers_see_each_later_event_until_they_leave() -> None:
    journal, seen = MemoryJournal(), []
    journal.append(Resumed())
    leave: Callable[[], None] = journal.observe(seen.append)
    event = journal.append(Admitted(agent="root/1"))
    leave()
    journal.append(Resumed())
    assert seen == [event]
