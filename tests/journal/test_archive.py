"""Runs as files: packed without their secrets whatever the event, unpacked from anybody."""

import hashlib
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from every_event import every_event, free_texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openswarm.core.errors import JournalError, OpenswarmError, UserError
from openswarm.core.events import (
    EVENT,
    FORMAT,
    Answered,
    AnyEvent,
    Content,
    ContextCompacted,
    ModelReplied,
    RunStarted,
)
from openswarm.core.messages import Message, ToolCall
from openswarm.core.task import Task
from openswarm.journal import archive
from openswarm.journal.archive import pack, unpack
from openswarm.journal.folder import FolderJournal, read_blob
from openswarm.journal.lines import read_events
from openswarm.journal.redact import MARK

RUN = "20261122-073616-91b650"
EXACT = "Tr0ubadour-and-3-xkcd"
KEY = "sk-ant-api03-AbCdEf1234567890GhIj"


def begun(folder: Path) -> FolderJournal:
    """A run with a blob in it."""
    journal = FolderJournal.create(folder, clock=lambda: 1_000.0)
    task = Task(text=f"use {EXACT}")
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.append(ModelReplied(model="m", text=journal.keep(f"long {EXACT} " * 500)))
    journal.append(ModelReplied(model="m", text=journal.keep("harmless " * 1_000)))
    return journal


def finish(folder: Path) -> Path:
    """The same, over."""
    journal = begun(folder)
    journal.append(Answered(outcome="completed", text=Content(text="Yes.")))
    journal.close()
    return folder


# no secret is left, whatever the event


def with_blobs(event: AnyEvent, folder: Path) -> str:
    """The event as text, with each blob's text in the place of its name."""
    line = event.model_dump_json()
    for blob in archive._blobs_of(event):
        line = line.replace(blob, json.dumps(read_blob(folder, blob).decode()))
    return line


@pytest.mark.requirement("journal.share")
@pytest.mark.parametrize(("secret", "known"), [(EXACT, (EXACT,)), (KEY, ())])
def test_no_event_of_any_type_takes_a_secret_along(
    tmp_path: Path, secret: str, known: tuple[str, ...]
) -> None:
    text = f"a {secret} b"
    call = ToolCall(id=text, name=text, arguments=json.dumps({text: text}))
    message = Message(role="assistant", content=text, reasoning=text, tool_calls=(call,))
    talk = json.dumps([message.model_dump() for _ in range(50)])
    journal = FolderJournal.create(tmp_path / RUN)
    contents = [Content(text=text), journal.keep(f"{text} " * 500), journal.keep(talk)]
    for event in every_event(text, contents):
        journal.append(event)
    events = list(journal.events())
    journal.close()

    places = pack(tmp_path / RUN, tmp_path / "run.zip", known)

    assert places >= sum(len(list(free_texts(event))) for event in events)
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        names = packed.namelist()
        assert not [name for name in names if secret.encode() in packed.read(name)]
        lines = packed.read(f"{RUN}/events.jsonl").splitlines()
    assert secret.encode() not in (tmp_path / "run.zip").read_bytes()
    assert len(names) == 3
    after = [EVENT.validate_json(line) for line in lines]
    assert [(e.seq, e.type) for e in after] == [(e.seq, e.type) for e in events]
    folder = unpack(tmp_path / "run.zip", tmp_path / "elsewhere")
    for before, now in zip(events, after, strict=True):
        assert with_blobs(before, tmp_path / RUN).replace(secret, MARK) == with_blobs(now, folder)
    talks = [e.conversation for e in after if isinstance(e, ContextCompacted)]
    entries = json.loads(read_blob(folder, talks[-1].blob))
    assert [Message.model_validate(entry).text for entry in entries] == [f"a {MARK} b"] * 50


# packing


def test_a_file_holds_the_events_and_their_blobs_and_nothing_else(tmp_path: Path) -> None:
    folder = finish(tmp_path / RUN)
    (folder / "requests.jsonl").write_text("{}\n")
    (folder / "notes.txt").write_text("mine")
    (folder / "blobs" / ("a" * 64)).write_text("of nobody")
    assert pack(folder, tmp_path / "run.zip", [EXACT]) == 501
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        names = packed.namelist()
        assert names == sorted(names) and len(names) == 3
        for name in names[:-1]:
            assert hashlib.sha256(packed.read(name)).hexdigest() == Path(name).name
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN, "run.zip"]


def test_the_same_run_gives_the_same_bytes_also_after_a_journey(tmp_path: Path) -> None:
    folder = finish(tmp_path / RUN)
    for name in ("one.zip", "two.zip"):
        pack(folder, tmp_path / name, [EXACT])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    there = unpack(tmp_path / "one.zip", tmp_path / "there")
    assert pack(there, tmp_path / "three.zip", [EXACT]) == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "three.zip").read_bytes()


@pytest.mark.requirement("journal.share")
def test_a_live_run_is_packed_as_it_stands_without_its_torn_line(tmp_path: Path) -> None:
    begun(tmp_path / RUN).close()
    alive = FolderJournal.reopen(tmp_path / RUN)
    with (tmp_path / RUN / "events.jsonl").open("ab") as events:
        events.write(b'{"type":"answ')
    pack(tmp_path / RUN, tmp_path / "run.zip", [])
    alive.close()
    folder = unpack(tmp_path / "run.zip", tmp_path / "there")
    assert [event.seq for event in read_events(folder / "events.jsonl")] == [1, 2, 3]


def test_the_home_folder_is_not_told(tmp_path: Path) -> None:
    journal = FolderJournal.create(tmp_path / RUN)
    task = Task(text="x", over=(str(tmp_path / "docs"),))
    journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))
    journal.close()
    assert pack(tmp_path / RUN, tmp_path / "run.zip", [], home=tmp_path) == 0
    (event,) = read_events(unpack(tmp_path / "run.zip", tmp_path / "there") / "events.jsonl")
    assert isinstance(event, RunStarted) and event.task.over == ("~/docs",)


@pytest.mark.parametrize("damage", ["no events", "no blob", "other blob", "names that are one"])
def test_what_cannot_be_packed_leaves_no_file(tmp_path: Path, damage: str) -> None:
    folder = finish(tmp_path / RUN)
    blob = next((folder / "blobs").iterdir())
    match damage:
        case "no events":
            (folder / "events.jsonl").write_bytes(b"")
        case "no blob":
            blob.unlink()
        case "other blob":
            blob.write_text("other")
        case _:
            row = '{"cells":{"hunter21":{},"hunter22":{}}}'
            line = f'{{"type":"rows_merged","seq":9,"rows":[{row}],"places":[[0,0]]}}\n'
            (folder / "events.jsonl").write_text(line)
    (tmp_path / "run.zip").write_text("as before")
    with pytest.raises(JournalError):
        pack(folder, tmp_path / "run.zip", ["hunter21", "hunter22"])
    assert (tmp_path / "run.zip").read_text() == "as before"
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN, "run.zip"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no/run\.zip"):
        pack(finish(tmp_path / RUN), tmp_path / "no" / "run.zip", [])


# a stranger's file

EVENTS = b'{"type":"run_started","seq":1,"run":"r-1","task":{"text":"t"},"model":"m",' \
    b'"subagent_model":"m","openswarm":"0"}\n'  # fmt: skip
BLOB = hashlib.sha256(b"text").hexdigest()
GOOD = [("r-1/events.jsonl", EVENTS), (f"r-1/blobs/{BLOB}", b"text")]
NAMED = EVENTS + (
    b'{"type":"model_replied","seq":2,"run":"r-1","model":"m","text":{"blob":"'
    + b"b" * 64
    + b'"}}\n'
)


def zipped(path: Path, members: list[tuple[Any, bytes]], how: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these members."""
    with zipfile.ZipFile(path, "w", how) as made:
        for name, data in members:
            made.writestr(name, data)
    return path


def link(name: str) -> zipfile.ZipInfo:
    """A member that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def is_refused(file: Path, runs: Path, message: str) -> None:
    """The file is refused with a message, and nothing of it is left."""
    with pytest.raises(OpenswarmError, match=message):
        unpack(file, runs)
    assert not runs.exists() or list(runs.iterdir()) == []


@pytest.mark.requirement("journal.share", "journal.stranger")
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([*GOOD, ("/etc/passwd", b"x")], "'/etc/passwd', which is no part"),
        ([*GOOD, ("../r-1/events.jsonl", b"x")], "no part of a run"),
        ([*GOOD, ("r-1/../../x", b"x")], "no part of a run"),
        ([*GOOD, ("r-1/blobs/" + "A" * 64, b"x")], "no part of a run"),
        ([*GOOD, ("r-1/lock", b"")], "no part of a run"),
        ([*GOOD, ("r-1/blobs/", b"")], "no part of a run"),
        ([*GOOD, ("r-1\\blobs\\" + BLOB, b"")], "no part of a run"),
        ([("last/events.jsonl", EVENTS)], "no part of a run"),
        ([(".r/events.jsonl", EVENTS)], "no part of a run"),
        ([*GOOD, ("r-2/events.jsonl", EVENTS)], "2 runs: r-1, r-2"),
        ([*GOOD, GOOD[1]], "twice"),
        (GOOD[1:], "no RUN/events.jsonl"),
        ([], "no RUN/events.jsonl"),
        ([GOOD[0], (link(GOOD[1][0]), b"/etc/passwd")], "a link or no file"),
        ([GOOD[0], (GOOD[1][0], b"other")], "something else than its name"),
        ([(GOOD[0][0], EVENTS + b"nonsense\n")], "line 2: not an event"),
        ([(GOOD[0][0], EVENTS + b'{"type":"resumed","x":1}\n')], "line 2"),
        ([(GOOD[0][0], EVENTS[:-1])], "torn"),
        ([(GOOD[0][0], b"")], "torn, or there is none"),
        ([(GOOD[0][0], b"\xff\n")], "not UTF-8"),
        ([(GOOD[0][0], NAMED)], "names blob"),
        ([("r-2/events.jsonl", EVENTS)], "events are those of run 'r-1'"),
        (
            [(GOOD[0][0], EVENTS.replace(b'"seq"', b'"v":%d,"seq"' % (FORMAT + 1)))],
            "written by a newer openswarm",
        ),
        ([GOOD[0], (GOOD[1][0], b"0" * 20_000_000)], "too large, or packed too tightly"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_not_one_whole_run_is_refused(
    tmp_path: Path, members: list[tuple[Any, bytes]], message: str
) -> None:
    is_refused(zipped(tmp_path / "run.zip", members), tmp_path / "runs", message)


def test_a_whole_run_is_taken(tmp_path: Path) -> None:
    folder = unpack(zipped(tmp_path / "run.zip", GOOD, zipfile.ZIP_STORED), tmp_path / "runs")
    assert folder == tmp_path / "runs" / "r-1"
    assert read_blob(folder, BLOB) == b"text"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["r-1"]


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    is_refused(tmp_path / "none.zip", tmp_path / "runs", "there is no file")
    is_refused(tmp_path, tmp_path / "runs", "cannot read")
    (tmp_path / "text.zip").write_text("nonsense " * 100)
    is_refused(tmp_path / "text.zip", tmp_path / "runs", "not a zip")


def test_what_is_encrypted_or_compressed_in_another_way_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "run.zip", GOOD, zipfile.ZIP_LZMA)
    is_refused(file, tmp_path / "runs", "compressed in a way")
    data = bytearray(zipped(file, GOOD).read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    file.write_bytes(data)
    is_refused(file, tmp_path / "runs", "encrypted")


@pytest.mark.requirement("journal.stranger")
def test_sizes_are_bounded_whatever_the_list_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = zipped(tmp_path / "run.zip", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MAX_MEMBER_BYTES", len(EVENTS) - 1)
        is_refused(file, tmp_path / "runs", "too large")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MAX_TOTAL_BYTES", len(EVENTS) + 3)
        is_refused(file, tmp_path / "runs", f"{BLOB} is too large")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MAX_MEMBERS", 1)
        is_refused(file, tmp_path / "runs", "at most 1 files")


def test_a_run_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    file = zipped(tmp_path / "run.zip", GOOD)
    folder = unpack(file, tmp_path / "runs")
    (folder / "events.jsonl").write_text("mine")
    with pytest.raises(JournalError, match="openswarm show r-1"):
        unpack(file, tmp_path / "runs")
    assert (folder / "events.jsonl").read_text() == "mine"


@pytest.mark.requirement("journal.stranger")
@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_is_refused_or_the_run_is_whole(tmp_path: Path, data: st.DataObject) -> None:
    file, runs = zipped(tmp_path / "run.zip", GOOD), tmp_path / "runs"
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
    try:
        folder = unpack(file, runs)
    except OpenswarmError:
        assert not runs.exists() or list(runs.iterdir()) == []
    else:
        assert (folder / "events.jsonl").read_bytes() == EVENTS
        for path in (*(folder / "blobs").iterdir(), folder / "events.jsonl"):
            path.unlink()
        (folder / "blobs").rmdir()
        folder.rmdir()
