"""Ctrl-C, and steering, cancelling and watching a run from another terminal."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from command_line import Begin, Command, Endpoint

from openswarm.cli import control
from openswarm.core.events import AnyEvent, Steered, TaskAssigned
from openswarm.journal.tail import tail

pytestmark = [pytest.mark.slow]
NewEndpoint = Callable[..., Endpoint]
LIMIT_S = 20


def run_at(begin: Begin, endpoint: Endpoint, *arguments: str) -> "subprocess.Popen[str]":
    """A run whose model was asked and has not answered."""
    process = begin("run", "Say hello", "--model", endpoint.spec, "--mode", "agent", *arguments)
    assert endpoint.asked.wait(LIMIT_S)
    return process


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code and output of a process."""
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


def the_run(home: Path) -> Path:
    """The folder of the only run."""
    (folder,) = (home / "runs").iterdir()
    return folder


def await_event(folder: Path, wanted: Callable[[AnyEvent], bool]) -> None:
    """Returns when the run's journal has such an event."""

    async def follow() -> None:
        with anyio.fail_after(LIMIT_S):
            async for event in tail(folder):
                if wanted(event):
                    return

    anyio.run(follow)


@pytest.mark.requirement("cli.ctrl-c", "agent.cancel")
def test_ctrl_c_once_hands_back_what_there_is(begin: Begin, endpoint: NewEndpoint) -> None:
    process = run_at(begin, endpoint(held=1))
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    assert out == "Handed back.\n"
    assert "hands back what it has" in err
    assert "cancelled by Ctrl-C" in err


@pytest.mark.requirement("cli.ctrl-c")
def test_ctrl_c_twice_kills(begin: Begin, endpoint: NewEndpoint, home: Path) -> None:
    process = run_at(begin, endpoint(held=99))
    process.send_signal(signal.SIGINT)
    await_event(the_run(home), lambda event: event.type == "cancelled")
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130
    assert "cancelled: killed by Ctrl-C" in err


@pytest.mark.requirement("cli.exit-codes")
def test_a_run_that_is_over_before_ctrl_c_counts_is_completed(
    begin: Begin, endpoint: NewEndpoint
) -> None:
    code, out, _ = ended(run_at(begin, endpoint(held=0)))
    assert (code, out) == (0, "Handed back.\n")


@pytest.mark.requirement("cli.exit-codes")
def test_ctrl_c_before_anything_began_is_130_and_says_so(begin: Begin) -> None:
    process = begin("run", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    os.write(process.stdin.fileno(), b"half a task")
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert (code, out) in ((130, ""), (-signal.SIGINT, ""))
    assert "Traceback" not in err or code < 0


@pytest.mark.requirement("cli.control", "agent.stop-soon")
def test_cancel_from_another_terminal_is_acknowledged_and_hands_back(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command
) -> None:
    process = run_at(begin, endpoint(held=1))
    done = openswarm("cancel", "last")
    assert (done.code, done.err) == (0, "cancel: root orchestrator has it\n")
    code, out, err = ended(process)
    assert (code, out) == (3, "Handed back.\n")
    assert "cancelled by user" in err


@pytest.mark.requirement("cli.control", "agent.stop-soon")
def test_kill_from_another_terminal_ends_the_run_within_two_seconds(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command
) -> None:
    process = run_at(begin, endpoint(held=99))
    done = openswarm("kill", "last")
    assert (done.code, done.err) == (0, "kill: root orchestrator has it\n")
    process.wait(2)
    assert ended(process)[0] == 130


@pytest.mark.requirement("cli.control", "agent.steer")
def test_steer_is_read_at_the_next_turn(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command, home: Path
) -> None:
    process = run_at(begin, endpoint(until="Be brief."), "--orchestrator-steps", "10000")
    done = openswarm("steer", "last", "Be brief.")
    assert (done.code, done.err) == (0, "steer: root orchestrator has it\n")
    code, out, _ = ended(process)
    assert (code, out) == (0, "Handed back.\n")
    seen: list[AnyEvent] = []
    await_event(the_run(home), lambda event: seen.append(event) or event.type == "answered")
    assert [event.text for event in seen if isinstance(event, Steered)] == ["Be brief."]


def test_steer_that_waits_for_the_next_turn_says_so(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE_S", 0.1)
    held = endpoint(held=1)
    process = run_at(begin, held)
    done = openswarm("steer", "last", "Be brief.")
    held.release.set()
    ended(process)
    line = "steer: left for root orchestrator, which reads it at its next turn\n"
    assert (done.code, done.err) == (0, line)


@pytest.mark.requirement("cli.control")
def test_watch_follows_to_the_end_and_shows_the_result(
    begin: Begin, endpoint: NewEndpoint, home: Path
) -> None:
    held = endpoint(held=1)
    process = run_at(begin, held)
    watcher = begin("watch", "last")
    assert watcher.stderr is not None
    assert "run " in watcher.stderr.readline()
    held.release.set()
    assert ended(process)[0] == 0
    code, out, err = ended(watcher)
    assert (code, out) == (0, "Handed back.\n")
    assert "completed" in err


@pytest.mark.requirement("journal.lock")
def test_a_second_process_cannot_go_on_with_a_live_run(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command
) -> None:
    held = endpoint(held=1)
    process = run_at(begin, held)
    done = openswarm("resume", "last")
    held.release.set()
    ended(process)
    assert done.code == 1
    assert "openswarm watch" in done.err


@pytest.mark.parametrize("verb", [("steer", "x"), ("cancel",), ("kill",)])
def test_a_run_that_is_not_alive_says_how_to_go_on(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command, verb: tuple[str, ...]
) -> None:
    ended(run_at(begin, endpoint(held=0)))
    done = openswarm(verb[0], "last", *verb[1:])
    assert done.code == 1
    assert "openswarm resume" in done.err


def test_an_agent_that_is_not_there_is_named(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command, home: Path
) -> None:
    held = endpoint(held=1)
    process = run_at(begin, held)
    await_event(the_run(home), lambda event: isinstance(event, TaskAssigned))
    done = openswarm("cancel", "last", "root/9")
    held.release.set()
    ended(process)
    assert done.code == 2
    assert "there is no agent 'root/9'; there are root" in done.err


@pytest.mark.requirement("swarm.resume")
def test_a_killed_process_can_be_resumed(
    begin: Begin, endpoint: NewEndpoint, openswarm: Command
) -> None:
    process = run_at(begin, endpoint(held=1))
    process.kill()
    process.wait(LIMIT_S)
    assert json.loads(openswarm("runs", "--json").out)[0]["outcome"] == "interrupted"
    done = begin("resume", "last", "--json")
    code, out, _ = ended(done)
    assert code == 0
    assert json.loads(out)["answer"] == "Handed back."


def test_output_that_nobody_reads_any_more_is_no_traceback(
    begin: Begin, endpoint: NewEndpoint
) -> None:
    held = endpoint(held=1)
    process = run_at(begin, held)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    held.release.set()
    err = process.stderr.read()
    assert process.wait(LIMIT_S) == 1
    assert "Traceback" not in err and "BrokenPipe" not in err


@pytest.mark.requirement("cli.live", "cli.plain")
def test_on_a_terminal_the_live_view_is_drawn_and_lines_with_plain(
    begin: Begin, endpoint: NewEndpoint
) -> None:
    for arguments, drawn in ((["--model"], True), (["--plain", "--model"], False)):
        master, slave = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color"}
        process = begin(
            "run", "Say hello", *arguments, endpoint(held=0).spec, stderr=slave, env=environ
        )
        os.close(slave)
        seen = b""
        while chunk := _read(master):
            seen += chunk
        os.close(master)
        out, _ = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, out) == (0, "Handed back.\n")
        assert (b"\x1b[?25l" in seen) is drawn
        assert b"openswarm show" in seen


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end is closed
        return b""
