"""Requests of other processes: left as lines in the run's folder, read by its owner."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.journal.requests import REQUESTS_FILE, ControlRequest, RequestReader, send_request


def append(folder: Path, data: bytes) -> None:
    with (folder / REQUESTS_FILE).open("ab") as file:
        file.write(data)


def test_a_request_that_is_left_is_read_once(tmp_path: Path) -> None:
    reader = RequestReader(tmp_path)
    assert reader.read() == []
    number = send_request(tmp_path, "steer", "root/1", "look in the annex", by="terminal")
    request = ControlRequest(
        id=number, verb="steer", agent="root/1", text="look in the annex", by="terminal"
    )
    assert reader.read() == [request]
    assert reader.read() == []


def test_requests_that_came_before_the_owner_did_are_not_his(tmp_path: Path) -> None:
    send_request(tmp_path, "kill", "root")
    reader = RequestReader(tmp_path)
    number = send_request(tmp_path, "cancel", "root")
    assert [request.id for request in reader.read()] == [number]


@pytest.mark.requirement("journal.stranger")
@pytest.mark.parametrize(
    "rubbish",
    [
        b"not json\n",
        b"\xff\xfe\n",
        b"{}\n",
        b'{"id":"1","verb":"format","agent":"root"}\n',
        b'{"id":"1","verb":"kill","agent":"root","as":"admin"}\n',
        b'{"id":"' + b"1" * 100 + b'","verb":"kill"}\n',
        b'"' + b"x" * 100_000 + b'"\n',
        b"x" * 3_000_000 + b"\n",
    ],
)
def test_rubbish_is_passed_over_and_what_follows_is_read(tmp_path: Path, rubbish: bytes) -> None:
    reader = RequestReader(tmp_path)
    append(tmp_path, rubbish)
    number = send_request(tmp_path, "kill", "root")
    read = [request for _ in range(5) for request in reader.read()]
    assert [request.id for request in read] == [number]


def test_a_line_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path) -> None:
    reader = RequestReader(tmp_path)
    line = json.dumps({"id": "1", "verb": "cancel"}).encode()
    append(tmp_path, line[:10])
    assert reader.read() == []
    append(tmp_path, line[10:] + b"\n")
    assert [request.id for request in reader.read()] == ["1"]


@pytest.mark.requirement("journal.stranger")
@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("requests")
    reader = RequestReader(folder)
    append(folder, data + b"\n")
    assert reader.read() == []
