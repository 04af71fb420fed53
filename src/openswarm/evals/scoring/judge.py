"""Judges: a model that answers a scorer's questions, and the record of all that it said.

Owns the record and its file; knows no score. A judge's failure is an error and not a grade of 0:
`ModelError` reaches the caller, and retries are `llm.paced`'s business.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from openswarm.core.errors import UserError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.llm.model import ChatModel, Request

JUDGE_TOKENS = 8192
"""How long a reply may be; a column of a large table has a grade a row."""
_MAX_FILE_BYTES = 512_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question to a judge and its reply, as a line of JSON holds them."""

    prompt: str
    reply: str
    judge: str
    """The model's specification."""
    input_tokens: int = 0
    output_tokens: int = 0


class Judge(Protocol):
    """Whoever answers a scorer's questions."""

    async def ask(self, prompt: str) -> str:
        """The reply to one question. Raises `ModelError` where the model fails."""
        ...


@dataclass(slots=True)
class ModelJudge:
    """A judge that is a model. `verdicts` keeps every question and reply, in order of reply."""

    model: ChatModel
    verdicts: list[Verdict] = field(default_factory=list)

    async def ask(self, prompt: str) -> str:
        """See `Judge.ask`. Asked at temperature 0, where the endpoint takes it."""
        history = History([Message(role="user", content=prompt)])
        request = Request(
            history, max_tokens=JUDGE_TOKENS, agent="judge", sampling=(("temperature", 0.0),)
        )
        reply = await self.model.reply(request)
        text, usage = reply.message.text, reply.usage
        self.verdicts.append(
            Verdict(prompt, text, self.model.spec, usage.input_tokens, usage.output_tokens)
        )
        return text


class RecordedJudge:
    """A judge that says again what was recorded, without a model.

    The same question that was asked twice gets its replies in the order of the record, and the
    last one from there on.
    """

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        self._replies: dict[str, list[str]] = {}
        for verdict in verdicts:
            self._replies.setdefault(verdict.prompt, []).append(verdict.reply)

    async def ask(self, prompt: str) -> str:
        """See `Judge.ask`. Raises `UserError` for a question that is not in the record."""
        replies = self._replies.get(prompt)
        if replies is None:
            raise UserError(
                f"the record of verdicts has no reply to {prompt[:80]!r}; score with the model"
                " that judged, or with the file of this task"
            )
        return replies.pop(0) if len(replies) > 1 else replies[0]


def write_verdicts(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Adds verdicts to a file, one line of JSON each. Blocks; raises `OSError`."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(v), ensure_ascii=False) + "\n" for v in verdicts)


def read_verdicts(path: Path) -> tuple[Verdict, ...]:
    """The verdicts of a file. Blocks; raises `UserError` that names the line that is none."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise UserError(f"{path} is too large to be a record of verdicts")
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from None
    return tuple(_verdict(path, at, line) for at, line in enumerate(lines, 1) if line.strip())


def _verdict(path: Path, number: int, line: str) -> Verdict:
    try:
        verdict = Verdict(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        raise UserError(f"{path}, line {number}: not a verdict") from None
    if not all(isinstance(v, str) for v in (verdict.prompt, verdict.reply, verdict.judge)):
        raise UserError(f"{path}, line {number}: prompt, reply and judge have to be text")
    return verdict
