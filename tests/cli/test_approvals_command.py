"""Approvals: what a run waits to be allowed, answered from another terminal or with a key."""

import json
import os
import pty
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest
from command_line import Begin, Command, Done, Script

from openswarm.cli.keys import SETTLED_S, KeyAnswers
from openswarm.core.events import ApprovalAsked, ApprovalGiven
from openswarm.journal.tail import tail

LIMIT_S = 20
slow = pytest.mark.slow


class Outbox:
    """A server on loopback that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[str] = []
        outbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outbox.posted.append(self.rfile.read(int(self.headers["content-length"])).decode())
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def outbox(home: Path) -> Iterator[Outbox]:
    """The server, on the list of what may be asked."""
    box = Outbox()
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(f'[tools.http]\nallow = ["{box.url}"]\n')
    yield box
    box.close()


@pytest.fixture
def posting(script: Script, outbox: Outbox) -> str:
    """A model that posts twice in one turn, and then says so."""
    made = [
        {
            "name": "http_request",
            "arguments": {"method": "POST", "url": outbox.url, "body": f"letter {number}"},
        }
        for number in (1, 2)
    ]
    return script({"agent": [{"calls": made}, {"text": "Posted."}]})


Posting = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def posting_run(begin: Begin, posting: str) -> Posting:
    """Begins a run that posts."""

    def run(*arguments: str, **options: object) -> "subprocess.Popen[str]":
        command = ("run", "Post it", "--mode", "agent", "--model", posting, "--tools", "http")
        return begin(*command, *arguments, **options)

    return run


def ended(process: "subprocess.Popen[str]") -> Done:
    """Exit code and output of a process."""
    out, err = process.communicate(timeout=LIMIT_S)
    return Done(process.returncode, out, err)


def asked(home: Path, number: int) -> list[ApprovalAsked]:
    """So many questions of the only run, as soon as they are there."""
    found: list[ApprovalAsked] = []

    def begun() -> bool:
        return (home / "runs").exists() and any((home / "runs").iterdir())

    async def follow() -> None:
        with anyio.fail_after(LIMIT_S):
            await _until(begun)
            (folder,) = (home / "runs").iterdir()
            async for event in tail(folder):
                found.extend([event] if isinstance(event, ApprovalAsked) else [])
                if len(found) == number:
                    return

    anyio.run(follow)
    return found


def given(home: Path) -> list[ApprovalGiven]:
    """The answers in the journal of the only run."""
    (folder,) = (home / "runs").iterdir()
    lines = (folder / "events.jsonl").read_text().splitlines()
    events = (json.loads(line) for line in lines)
    return [ApprovalGiven(**event) for event in events if event["type"] == "approval_given"]


@pytest.mark.requirement("policy.headless")
@slow
def test_without_anybody_there_calls_with_effects_are_denied_and_the_run_goes_on(
    posting_run: Posting, outbox: Outbox, home: Path
) -> None:
    done = ended(posting_run())
    assert (done.code, done.out) == (0, "Posted.\n")
    assert "approval 1: root asks for http_request: POST" in done.err
    assert "approval 1: denied (nobody is there to answer)" in done.err
    assert not outbox.posted
    assert [event.answer for event in given(home)] == ["deny", "deny"]


@pytest.mark.requirement("policy.verdicts")
@slow
def test_what_is_allowed_beforehand_is_not_asked(posting_run: Posting, outbox: Outbox) -> None:
    done = ended(posting_run("--allow", "http_request"))
    assert done.code == 0
    assert sorted(outbox.posted) == ["letter 1", "letter 2"]
    assert "approval" not in done.err


@pytest.mark.requirement("policy.terminal", "policy.by-id")
@slow
def test_questions_are_listed_and_answered_from_another_terminal(
    posting_run: Posting, outbox: Outbox, home: Path, openswarm: Command
) -> None:
    process = posting_run("--attended")
    first, second = asked(home, 2)
    listed = json.loads(openswarm("approvals", "last", "--json").out)
    assert [entry["id"] for entry in listed] == [first.id, second.id]
    assert all(entry["command"].startswith("POST http://127.0.0.1") for entry in listed)
    which = openswarm("approve", "last")
    assert which.code == 2
    assert "2 questions are open: 1, 2; name one, or --all" in which.err
    assert "there is no open question '9'" in openswarm("deny", "last", "9").err
    assert openswarm("deny", "last", second.id).code == 0
    assert openswarm("approve", "last", first.id).code == 0
    done = ended(process)
    assert done.code == 0
    assert len(outbox.posted) == 1
    assert {event.id: event.answer for event in given(home)} == {
        first.id: "allow",
        second.id: "deny",
    }


@slow
def test_all_questions_can_be_answered_at_once(
    posting_run: Posting, outbox: Outbox, home: Path, openswarm: Command
) -> None:
    process = posting_run("--attended")
    asked(home, 2)
    assert openswarm("approve", "last", "--all").code == 0
    assert ended(process).code == 0
    assert len(outbox.posted) == 2
    assert "is not alive" in openswarm("approve", "last").err


@pytest.mark.requirement("policy.terminal")
@slow
def test_keys_answer_in_the_live_view(posting_run: Posting, outbox: Outbox, home: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = posting_run(stdin=theirs, stderr=theirs, env=environment)
    seen: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(ours, seen))
    reader.start()
    asked(home, 2)
    _press_until(ours, b"a", lambda: len(given(home)) == 2)
    process.wait(LIMIT_S)
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert process.returncode == 0
    assert len(outbox.posted) == 2
    screen = b"".join(seen).decode(errors="replace")
    assert "y allow" in screen
    assert "approval 1" in screen


@pytest.mark.requirement("policy.terminal")
@slow
def test_keys_answer_in_a_run_that_is_watched(
    posting_run: Posting, begin: Begin, outbox: Outbox, home: Path
) -> None:
    process = posting_run("--attended")
    asked(home, 2)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    watching = begin("watch", "last", stdin=theirs, stderr=theirs, env=environment)
    reader = threading.Thread(target=_drain, args=(ours, []))
    reader.start()
    _press_until(ours, b"n", lambda: len(given(home)) == 2)
    assert ended(process).code == 0
    watching.wait(LIMIT_S)
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert not outbox.posted
    assert {event.by for event in given(home)} == {"the terminal"}


def _drain(descriptor: int, seen: list[bytes]) -> None:
    with suppress(OSError):
        while data := os.read(descriptor, 65536):
            seen.append(data)


async def _until(done: Callable[[], bool], meanwhile: Callable[[], object] = int) -> None:
    """Looks again and again: another process is waited for."""
    while not done():
        meanwhile()
        await anyio.sleep(0.05)


def _press_until(descriptor: int, key: bytes, done: Callable[[], bool]) -> None:
    async def press() -> None:
        with anyio.fail_after(LIMIT_S):
            await _until(done, partial(os.write, descriptor, key))

    anyio.run(press)


# which answer a key is


@pytest.mark.requirement("policy.terminal")
def test_a_key_answers_the_question_that_has_been_shown_for_a_moment() -> None:
    now = [0.0]
    keys = KeyAnswers(clock=lambda: now[0])
    keys.look("1")
    assert keys.answer("y") is None
    now[0] = SETTLED_S
    keys.look("1")
    assert keys.answer("x") is None
    assert keys.answer("Y") == ("allow", "1")
    assert keys.answer("y") is None
    keys.look("2")
    assert keys.answer("y") is None
    now[0] = 2 * SETTLED_S
    assert keys.answer("n") == ("deny", "2")


def test_without_a_question_no_key_means_anything() -> None:
    keys = KeyAnswers(clock=lambda: 100.0)
    keys.look("")
    assert [keys.answer(key) for key in "yan"] == [None, None, None]


def test_one_tool_cannot_have_two_verdicts(openswarm: Command) -> None:
    done = openswarm("run", "x", "--allow", "shell", "--deny", "shell")
    assert done.code != 0
    assert "--allow shell and --deny shell: give one of them" in done.err


def test_an_unknown_tool_is_named_with_what_is_near(openswarm: Command) -> None:
    done = openswarm("run", "x", "--tools", "web,pyton", "--model", "scripted:x")
    assert done.code != 0
    assert "there is no tool 'pyton'; do you mean python?" in done.err


def test_a_rule_that_fits_no_tool_is_an_error_before_anything_is_asked(
    openswarm: Command, script: Script, home: Path
) -> None:
    model = script({"agent": [{"text": "x"}]})
    options = ("--mode", "agent", "--tools", "fetch", "--deny", "fech", "--model", model)
    done = openswarm("run", "x", *options)
    assert done.code != 0
    assert "--deny fech fits no tool of this run; its tools are fetch" in done.err
    assert "resume" not in done.err
    assert done.err.count("fits no tool") == 1


def test_folders_are_looked_at_before_a_run_is_begun(
    openswarm: Command, home: Path, tmp_path: Path
) -> None:
    for more, said in (
        (("--tools", "files", "--root", tmp_path / "missing"), "missing"),
        (("--root", tmp_path), "--tools files,python,shell"),
    ):
        done = openswarm("run", "x", "--model", "scripted:x", *more)
        assert done.code != 0
        assert said in done.err
    assert not (home / "runs").exists()


def test_approving_needs_a_run(openswarm: Command) -> None:
    done = openswarm("approve", "last")
    assert done.code != 0
    assert "run" in done.err
