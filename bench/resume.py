"""kill −9 of a real `openswarm run` at a random event, then `openswarm resume`.

What a repeat is, is read from the server's log: the same turn of the same conversation, answered
twice with a whole reply. Whether a paid reply was lost is read from the journal as the kill left
it: a turn that stands there must never be asked for again.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measure import Figure, Setting
from bench.script import ORCHESTRATOR, TASK, Scenario

SEED = 20
OPENSWARM = [sys.executable, "-m", "openswarm"]
JOURNALS = "home/runs/*/events.jsonl"
POLL_S = 0.001
TIMEOUT_S = 120.0
SCENARIO = Scenario(
    units=20, calls=5, latency_s=0.02, tool="search", arguments='{"query":"UNIT TURN"}'
)


@dataclass(slots=True)
class Tally:
    """What all kills together showed."""

    kills: int = 0
    repeats: int = 0
    worst: int = 0
    """The most repeated calls of one conversation in one kill."""
    not_last: int = 0
    lost: int = 0
    incomplete: list[str] = field(default_factory=list)


def run(setting: Setting) -> list[Figure]:
    """As many kills as the setting says, each at another event."""
    choose = random.Random(SEED)
    total = count_events(setting)
    setting.say(f"a run that nobody kills writes {total} events")
    tally = Tally()
    for number in range(setting.kills):
        at = choose.randrange(1, total)
        with tempfile.TemporaryDirectory(dir=setting.scratch) as scratch:
            one_kill(setting, Path(scratch), at, choose.random() * 0.02, tally)
        if (number + 1) % 10 == 0:
            setting.say(f"{number + 1} kills: {tally.repeats} calls repeated in all")
    calls = SCENARIO.replies * tally.kills
    return [
        Figure("killed runs that do not complete", len(tally.incomplete), 0,
               note=f"of {tally.kills}" + "; ".join(["", *tally.incomplete[:2]])),
        Figure("repeated calls of one sub-agent, at most", tally.worst, 1,
               note=f"{tally.repeats} of {calls} calls in all"),
        Figure("repeated calls that were not the last", tally.not_last, 0),
        Figure("paid replies lost", tally.lost, 0),
    ]  # fmt: skip


def count_events(setting: Setting) -> int:
    """How many events a whole run writes."""
    with tempfile.TemporaryDirectory(dir=setting.scratch) as scratch:
        setting.post("/scenario", SCENARIO.as_dict())
        process = start(setting, Path(scratch))
        output, errors = process.communicate(timeout=TIMEOUT_S)
        outcome = json.loads(output)["outcome"] if process.returncode == 0 else errors
        if outcome != "completed":
            raise RuntimeError(f"the run that nobody kills ended with: {outcome}")
        return len(read_events(Path(scratch)))


def one_kill(setting: Setting, scratch: Path, at: int, later_s: float, tally: Tally) -> None:
    """A run, killed a moment after its event number `at`, and resumed."""
    setting.post("/scenario", SCENARIO.as_dict())
    process = start(setting, scratch)
    while process.poll() is None and lines_of(scratch) < at:
        time.sleep(POLL_S)
    time.sleep(later_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    events = read_events(scratch)
    if process.returncode == 0 or not events:
        return
    tally.kills += 1
    setting.post("/mark")
    resumed = subprocess.run(
        [*OPENSWARM, "resume", events[0]["run"], "--json"],
        env=setting.environment(scratch),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    answered = resumed.returncode == 0 and json.loads(resumed.stdout)["outcome"] == "completed"
    if not answered:
        tally.incomplete.append(resumed.stderr.strip()[-300:] or f"exit {resumed.returncode}")
    judge(setting.get("/log"), paid_turns(events), tally)


def judge(log: list[list[Any]], paid: dict[str, int], tally: Tally) -> None:
    """Adds what one kill showed."""
    whole: dict[str, Counter[int]] = defaultdict(Counter)
    last_before: dict[str, int] = {}
    for conversation, _, turn, phase, outcome in log:
        if outcome == "whole":
            whole[conversation][turn] += 1
            if phase == 0:
                last_before[conversation] = max(turn, last_before.get(conversation, 0))
        if phase > 0 and turn < paid.get(conversation, 0):
            tally.lost += 1
    for conversation, turns in whole.items():
        repeated = [turn for turn, count in turns.items() if count > 1]
        again = sum(count - 1 for count in turns.values())
        tally.repeats += again
        tally.worst = max(tally.worst, again)
        tally.not_last += sum(turn != last_before.get(conversation) for turn in repeated)


def paid_turns(events: list[dict[str, Any]]) -> dict[str, int]:
    """Replies that stand in the journal, by the conversation's name on the server."""
    units = {
        event["agent"]: event["item"] if event["agent"] != "root" else ORCHESTRATOR
        for event in events
        if event["type"] == "task_assigned"
    }
    replies = (event["agent"] for event in events if event["type"] == "model_replied")
    return dict(Counter(units[agent] for agent in replies))


def start(setting: Setting, scratch: Path) -> subprocess.Popen[str]:
    """`openswarm run` over a corpus of one document."""
    corpus = scratch / "corpus"
    corpus.mkdir()
    (corpus / "stock.md").write_text("# Stock\n\nEvery unit holds 42.\n")
    options = ["--mode", "swarm", "--model", f"{setting.url}/v1#swarm", "--over", str(corpus)]
    return subprocess.Popen(
        [*OPENSWARM, "run", TASK, *options, "--json"],
        env=setting.environment(scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(scratch: Path) -> int:
    """How many events stand in the journal so far."""
    return sum(file.read_bytes().count(b"\n") for file in scratch.glob(JOURNALS))


def read_events(scratch: Path) -> list[dict[str, Any]]:
    """The whole lines of the only journal under a scratch folder; none as long as it has none."""
    for file in scratch.glob(JOURNALS):
        return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    return []
