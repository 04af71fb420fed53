"""What the scripted model says: a pure function of a scenario and of the request's conversation.

Owns the scenario and the content of replies. Knows no HTTP: `server` sends, delays and spoils.

A conversation is told by its brief: each sub-agent's names its unit (`unit-0042`), and what names
none is the orchestrator's. The turn is told by how many replies stand in the history, so the
server needs no memory of its own and a resumed run continues where it was.
"""

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

ORCHESTRATOR = "orchestrator"
TASK = "Look up every unit of the inventory and say what all of them have in common."
CONFIGURATION = "surveyor"
_UNIT = re.compile(r"\bunit-\d{4}\b")
_WORDS = ("The ", "unit ", "was ", "looked ", "up ", "and ", "its ", "value ", "is ", "steady. ")
REPORT = (
    "Every entry of this unit was looked up once and each of them answered with the same value,"
    " 42. No entry was missing, none contradicted another, and nothing had to be estimated. The"
    " finding therefore rests on direct look-ups alone and can be taken over as it stands."
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scripted endpoint. Times are in seconds."""

    units: int = 100
    """Sub-agents that the orchestrator asks for in its first turn."""
    calls: int = 15
    """Tool calls of each sub-agent, one a reply; its report is one reply more."""
    latency_s: float = 0.2
    """From a request to the first byte of its reply."""
    chunks: int = 4
    """Deltas of one reply."""
    spread_s: float = 0.0
    """Time over which the deltas are sent, each on its own; 0 sends them back to back."""
    fan_out: str = "batch"
    """`batch`: one `assign_batch`; `tasks`: one `assign_task` a unit."""
    tool: str = "lookup"
    arguments: str = '{"key":"UNIT/TURN"}'
    """The arguments of each call; UNIT and TURN are filled in."""
    cap: int = 0
    """Requests that are admitted at once, 429 for the rest; 0 admits all."""
    retry_after_s: float = 0.0
    """The `Retry-After` of a 429; 0 sends none."""
    fault: str = ""
    """What is wrong with the one faulty unit: a key of `FAULTS`, or ''."""
    faulty: str = "unit-0003"
    billing: str = "plain"
    """`plain`: four bytes a token; `worst`: every byte a token and `max_tokens` of output;
    `varied`: anything between."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Scenario":
        """From JSON; a field that does not exist is an error."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"no such scenario field: {', '.join(sorted(unknown))}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @property
    def replies(self) -> int:
        """Replies of a flawless run."""
        return self.units * (self.calls + 1) + 2

    @property
    def critical_path_s(self) -> float:
        """The least wall time of any client: the orchestrator's two turns and one sub-agent."""
        return (self.calls + 3) * (self.latency_s + self.spread_s)


FAULTS = {
    "http_400": "every request is refused with 400",
    "http_500": "the first ten requests fail with 500",
    "drop": "the connection is closed before any byte, twice",
    "cut": "the stream is cut in the middle, twice",
    "cut_always": "every stream is cut in the middle",
    "garbage": "a chunk of the stream is no JSON, twice",
    "hang": "nothing ever comes",
    "empty": "every reply is empty",
    "unknown_tool": "the second call names a tool that does not exist",
    "broken_json": "the arguments of the second call are broken JSON",
    "loop_same": "the same call for ever",
    "loop_different": "calls with new arguments for ever",
}
TIMES = {"http_500": 10, "drop": 2, "cut": 2, "garbage": 2}
"""How many requests a passing fault spoils; the others spoil all."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a request stands in its conversation."""

    conversation: str
    messages: int
    replies: int
    """Replies already in the history."""

    @classmethod
    def of(cls, messages: list[dict[str, Any]]) -> "Turn":
        """Read from the `messages` of a request."""
        replies = sum(message["role"] == "assistant" for message in messages)
        return cls(_conversation(messages), len(messages), replies)


@dataclass(frozen=True, slots=True)
class Said:
    """One reply: text, then tool calls as (name, arguments)."""

    text: str
    calls: tuple[tuple[str, str], ...] = ()


def say(scenario: Scenario, turn: Turn) -> Said:
    """The reply of the scripted model at this turn."""
    if turn.conversation == ORCHESTRATOR:
        if turn.replies == 0:
            return Said("", _fan_out(scenario))
        return Said(f"All units were looked up. {REPORT}")
    fault = scenario.fault if turn.conversation == scenario.faulty else ""
    if fault == "empty":
        return Said("")
    if turn.replies >= scenario.calls and not fault.startswith("loop"):
        return Said(f"{turn.conversation}: {REPORT}")
    return Said(_chatter(scenario.chunks - 2), (_call(scenario, turn, fault),))


def _call(scenario: Scenario, turn: Turn, fault: str) -> tuple[str, str]:
    position = 0 if fault == "loop_same" else turn.replies
    arguments = scenario.arguments.replace("UNIT", turn.conversation)
    arguments = arguments.replace("TURN", str(position))
    if fault == "unknown_tool" and turn.replies == 1:
        return "no_such_tool", arguments
    if fault == "broken_json" and turn.replies == 1:
        return scenario.tool, arguments[:-3]
    return scenario.tool, arguments


def _fan_out(scenario: Scenario) -> tuple[tuple[str, str], ...]:
    units = [f"unit-{number:04d}" for number in range(scenario.units)]
    created = {"name": CONFIGURATION, "system_prompt": "You look up what you are asked for."}
    if scenario.fan_out == "batch":
        batch = {"agent": CONFIGURATION, "prompt_template": "Look up {{item}}.", "items": units}
        assignments = [("assign_batch", batch)]
    else:
        assignments = [
            ("assign_task", {"agent": CONFIGURATION, "prompt": f"Look up {unit}."})
            for unit in units
        ]
    calls = [("create_subagent", created), *assignments]
    return tuple((name, orjson.dumps(arguments).decode()) for name, arguments in calls)


def _chatter(words: int) -> str:
    return "".join(_WORDS[number % len(_WORDS)] for number in range(max(words, 0)))


def _conversation(messages: list[dict[str, Any]]) -> str:
    for message in messages:
        if message["role"] == "user":
            found = _UNIT.search(_text(message["content"]))
            if found:
                return found[0]
    return ORCHESTRATOR


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or ())
