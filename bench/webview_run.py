"""A run of many agents at a fixed rate, for the `webview` bench: real events, written as runs are.

    python -m bench.webview_run FOLDER

Writes the journal of a run into the folder: 300 sub-agents that take turns, reply and call tools,
at 1,000 events a second, until all have reported. Prints the number of the last event.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import anyio

from openswarm.core.events import (
    Admitted,
    Answered,
    AnyEvent,
    Content,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    RunStarted,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
)
from openswarm.core.messages import ToolCall, Usage
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal

AGENTS, RATE, SECONDS = 300, 1_000, 10
SLICE_S = 0.05
USAGE = Usage(input_tokens=900, output_tokens=60, cached_tokens=700)


def started() -> Iterator[AnyEvent]:
    """The beginning: all sub-agents are assigned and admitted."""
    yield RunStarted(
        task=Task(text=f"Look at {AGENTS} things."), model="steady", subagent_model="steady",
        openswarm="bench",
    )  # fmt: skip
    yield ModeChosen(mode="swarm", why=f"{AGENTS} items are named", width=AGENTS)
    yield TaskAssigned(system=Content(text="Lead."), brief=Content(text="Look."))
    call = ToolCall(id="c1", name="assign_batch", arguments="{}")
    yield ModelReplied(model="steady", calls=(call,), usage=USAGE)
    for number in range(1, AGENTS + 1):
        path = f"root/{number}"
        yield TaskAssigned(
            agent=path, name="researcher", item=f"thing {number}", label=f"thing {number}",
            call_id="c1", index=number - 1, stage=1, system=Content(text="You look."),
            brief=Content(text=f"Look at thing {number}."),
        )  # fmt: skip
        yield Admitted(agent=path)


def at_work(events: int) -> Iterator[AnyEvent]:
    """So many events of sub-agents that take turns: a reply, a call, its result."""
    made = turn = 0
    while made < events:
        number = turn % AGENTS + 1
        path, call = f"root/{number}", ToolCall(id=f"t{turn}", name="search", arguments="{}")
        yield ModelReplied(agent=path, model="steady", calls=(call,), usage=USAGE)
        yield ToolCalled(agent=path, call_id=call.id, name="search", brief=f"turn {turn}")
        text = Content(text=f"What was found in turn {turn}. " * 8)
        yield ToolReturned(agent=path, call_id=call.id, name="search", ok=True, text=text)
        made, turn = made + 3, turn + 1


def ended() -> Iterator[AnyEvent]:
    """The reports, and the answer."""
    for number in range(1, AGENTS + 1):
        text = Content(text="It was looked at.")
        yield ReportReceived(agent=f"root/{number}", outcome="completed", text=text, steps=10)
    yield Answered(outcome="completed", text=Content(text="All were looked at."))


async def write(folder: Path) -> int:
    """Writes the run at its rate; the number of its last event."""
    journal = FolderJournal.create(folder)
    for event in started():
        journal.append(event)
    await journal.commit()
    print("started", flush=True)
    await anyio.to_thread.run_sync(sys.stdin.readline)
    begun = anyio.current_time()
    for written, event in enumerate(at_work(RATE * SECONDS), 1):
        last = journal.append(event).seq
        if written % int(RATE * SLICE_S) == 0:
            await journal.commit()
            await anyio.sleep(max(0.0, begun + written / RATE - anyio.current_time()))
    for event in ended():
        last = journal.append(event).seq
    await journal.commit()
    journal.close()
    return last


if __name__ == "__main__":
    print(anyio.run(write, Path(sys.argv[1])), flush=True)
