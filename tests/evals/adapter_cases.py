"""Twenty tasks and a model that knows half of what is right, for every harness the same.

Imported by the tests, and by the programs that other interpreters run: needs openswarm alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from openswarm.evals.adapters.attempt import Drawn, draw
from openswarm.evals.task import EvalTask
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel

FAMILIES = ("elements", "factbook-wide", "chain", "fact")
COUNT = 5
ARMS = ("single", "swarm")
Figures = dict[str, dict[str, dict[str, float]]]
"""By arm, by task: the figures that a harness gives."""


def drawn() -> Mapping[str, Drawn]:
    """The tasks, by family, over the samples that are shipped."""
    return {family: draw(family, "test", COUNT, 0, None) for family in FAMILIES}


@dataclass
class HalfKnowing:
    """Agents that know some rows and answers, always the same ones; tells roles by their tools."""

    tasks: list[EvalTask]

    def model(self) -> ScriptedModel:
        """As a `ChatModel`."""
        return ScriptedModel({"*": self.request})

    def request(self, request: Request) -> Say:
        """The reply to a request."""
        texts = [message.text for message in request.history if message.role == "user"]
        replies = sum(message.role == "assistant" for message in request.history)
        return self.say(texts[0], replies, {tool.name for tool in request.tools})

    def say(self, brief: str, replies: int, tools: set[str]) -> Say:
        """The reply to a brief after so many replies."""
        if found := re.search(r"\[([\w-]+)\] about <(.*?)>", brief):
            return self.work(next(t for t in self.tasks if t.id == found[1]), found[2])
        task = next(task for task in self.tasks if task.question in brief)
        if task.contract is None:
            return Say(f"Exact Answer: {task.answer if known(task.id) else 'no idea'}")
        if "assign_batch" in tools:
            return self.lead(task, replies)
        rows = [row(task, gold) for gold in task.gold if known(*gold.values())]
        if "report" not in tools:
            return Say(table(task, rows))
        return Say(calls=(("report", {"rows": rows}),))

    def lead(self, task: EvalTask, replies: int) -> Say:
        """Gives each row to a sub-agent."""
        if replies:
            return Say("Done.")
        items = [name_of(task, gold) for gold in task.gold]
        template = f"[{task.id}] about <{{{{item}}}}>"
        batch = {"agent": "researcher", "prompt_template": template, "items": items}
        return Say(calls=(("assign_batch", batch),))

    def work(self, task: EvalTask, name: str) -> Say:
        """Hands one row in, wrong where it is not known."""
        assert task.contract is not None
        gold = next(gold for gold in task.gold if name_of(task, gold) == name)
        cells = {n: v for n, v in row(task, gold).items() if n not in task.contract.key}
        if not known(*gold.values()):
            cells = {n: v | {"value": task.gold[0][n]} for n, v in cells.items()}
        return Say(calls=(("report", cells),))


def known(*values: str) -> bool:
    """Two of three things are known."""
    return sha256("|".join(values).encode()).digest()[0] % 3 > 0


def name_of(task: EvalTask, gold: dict[str, str]) -> str:
    """A row's key in one text."""
    assert task.contract is not None
    return " / ".join(gold[name] for name in task.contract.key)


def row(task: EvalTask, gold: dict[str, str]) -> dict[str, Any]:
    """A right row as a model hands it in."""
    assert task.contract is not None
    place = {"source": task.scope[0], "quote": ""}
    key = task.contract.key
    return {name: v if name in key else {"value": v, **place} for name, v in gold.items()}


def table(task: EvalTask, rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown, as an agent without our report tool writes them."""
    assert task.contract is not None
    names = task.contract.names
    cells = [[str(r[n]["value"] if isinstance(r[n], dict) else r[n]) for n in names] for r in rows]
    lines = [names, ["---"] * len(names), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_openai(say: Say, model: str) -> dict[str, Any]:
    """A reply as an endpoint gives it whole."""
    calls = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for at, (name, arguments) in enumerate(say.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None}
    if calls:
        message["tool_calls"] = calls
    finish = "tool_calls" if calls else "stop"
    return {
        "id": "x", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }  # fmt: skip
