"""The prompt-only router: the constrained call of `settle`, for every task, with a real model.

`python -m bench.routing ask MODEL` asks, and keeps the replies in `asked.json`, so that others can
compare without the model.
"""

import hashlib
import json
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import anyio

from bench.routing.by_hand import Written, by_hand
from bench.routing.oracle import Choice
from bench.routing.tasks import NAMES, Labelled, all_tasks
from openswarm.llm.model import ChatModel
from openswarm.modes.routing.choice import Route
from openswarm.modes.routing.settle import question, read_answer

KEPT = Path(__file__).parent / "asked.json"
PER_KIND = 6
NOTHING = Route("agent", "")
"""What a prompt-only router falls back on when the reply is nonsense."""

Known = dict[str, dict[str, Any]]


def sample() -> list[Labelled]:
    """A few generated tasks of each kind."""
    draw = Random(7)
    tasks = all_tasks()
    return [
        task
        for kind in NAMES
        for task in draw.sample([task for task in tasks if task.kind == kind], PER_KIND)
    ]


def key(entry: Labelled | Written) -> str:
    """A task with its surroundings, in short."""
    return hashlib.sha256(entry.task.model_dump_json().encode()).hexdigest()[:16]


def kept() -> Known:
    """The replies that were kept, by task; empty where none were."""
    return json.loads(KEPT.read_text("utf-8"))["replies"] if KEPT.is_file() else {}


def answered(entry: Labelled | Written, known: Known) -> Choice | None:
    """What the model chose for a task; None where it was not asked."""
    found = known.get(key(entry))
    if found is None:
        return None
    chosen = read_answer(found["reply"], NOTHING, entry.task, entry.num_tools)
    return Choice(chosen.mode, chosen.width)


def ask_all(spec: str, home: Path, *, anew: bool = False) -> None:
    """Asks a model about the hand-written tasks and the sample; what is kept is not asked again."""
    from openswarm.core.settings import Settings
    from openswarm.llm.resolve import resolve

    model = resolve(spec, Settings(), {}, home)
    known = {} if anew else kept()
    todo = [entry for entry in (*by_hand(), *sample()) if key(entry) not in known]
    anyio.run(_ask_all, model, todo, known)


async def _ask_all(model: ChatModel, todo: list[Labelled | Written], known: Known) -> None:
    try:
        for number, entry in enumerate(todo, 1):
            began = anyio.current_time()
            reply = await model.reply(question(entry.task, entry.num_tools))
            seconds = round(anyio.current_time() - began, 1)
            known[key(entry)] = {"reply": reply.message.text, "seconds": seconds}
            write = partial(json.dumps, {"model": model.spec, "replies": known}, indent=0)
            await anyio.Path(KEPT).write_text(write(ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"{number}/{len(todo)} {seconds} s {entry.label.mode}: {reply.message.text}")
    finally:
        await model.aclose()
