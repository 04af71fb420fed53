"""The frozen side of a rollout, scripted: workers that act as measured, and a writer of answers.

Workers go through the same loop as real ones: they open pages, hand in rows, fail, and take as many
steps as the profile of real workers says. No waiting: what a step would take is counted, not slept.
Owns their behaviour; what is true is the scene's.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from openswarm.core.history import History
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.evals.task import Part
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.parl.scene import WRONG, Scene
from openswarm.parl.workers.profile import Attempt

_DOCUMENT = re.compile(r"(?<!\w)\w[\w.,'()+&-]{0,160}\.md\b")
_ROW = re.compile(r"Your row: [^\n]* = ([^\n]+)")
NOTHING = "The document does not say it."
SOURCE = "found"
UNASKED = "what stands there"
"""A value that is right for its document, of which no task asks."""


@dataclass(slots=True)
class _Plan:
    """What one assignment will come to, drawn when it begins."""

    document: str
    part: Part | None
    attempt: Attempt
    pages: list[tuple[str, int]]
    done: int = 0


class _Frozen:
    """What scripted models have in common."""

    spec = "scripted"
    resource = "scripted"
    info = ModelInfo()

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        return 0 if not request.tools else 1

    async def aclose(self) -> None:
        """See `ChatModel.aclose`; there is nothing to close."""


@dataclass(slots=True, eq=False)
class ScriptedWorker(_Frozen):
    """The sub-agents of one rollout."""

    scene: Scene
    _plans: WeakKeyDictionary[History, _Plan] = field(default_factory=WeakKeyDictionary)
    _begun: dict[str, int] = field(default_factory=dict)
    """Assignments so far, by document: a second try is another draw."""

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        plan = self._plans.get(request.history)
        if plan is None:
            plan = self._plans[request.history] = self._plan(request.history)
        steps = plan.attempt.steps
        step = steps[min(plan.done, len(steps) - 1)]
        is_last = plan.done >= len(steps) - 1
        plan.done += 1
        message = self._last(plan, request) if is_last else self._look(plan)
        usage = Usage(input_tokens=step.input_tokens, output_tokens=step.output_tokens)
        return Reply(message, usage, "tool_calls" if message.tool_calls else "stop", self.spec)

    def _plan(self, history: History) -> _Plan:
        brief = next((m.text for m in history if m.role == "user"), "")
        named = _DOCUMENT.findall(brief)
        document = named[-1].strip() if named else ""
        tries = self._begun[document] = self._begun.get(document, 0) + 1
        part = self.scene.part_of(document)
        pages = self.scene.pages_of(part) if part else [(document, 1)]
        cells = max(1, len(self.scene.row_of(part)) - 1) if part else 1
        numbers = self.scene.draws("worker", document, tries)
        attempt = self.scene.profile.draw(numbers, pages=len(pages) + 1, cells=cells)
        return _Plan(document, part, attempt, pages)

    def _look(self, plan: _Plan) -> Message:
        """A step before the last: the next page, or a search when all are read."""
        place = plan.done - 1
        if place < len(plan.pages):
            document, page = plan.pages[place]
            return _calls("open", document=document, page=page)
        return _calls("search", queries=[f"{plan.document} {place}"])

    def _last(self, plan: _Plan, request: Request) -> Message:
        if not any(tool.name == "report" for tool in request.tools):
            return self._words(plan)
        form = next(tool.parameters for tool in request.tools if tool.name == "report")
        row = self._row(plan, _ROW.search(request.history[1].text))
        if '"rows"' in form:
            return _calls("report", rows=[row] if row else [])
        return _calls("report", **(row or {name: {"value": ""} for name in _asked(form)}))

    def _row(self, plan: _Plan, own: re.Match[str] | None) -> dict[str, dict[str, str]]:
        """The row of a completed assignment; {} of one that came to nothing."""
        contract = self.scene.task.contract
        assert contract is not None
        right = self.scene.row_of(plan.part) if plan.part else self._unasked(plan)
        if not plan.attempt.completed or not right:
            return {}
        row = {name: {"value": right[name]} for name in contract.key} if own is None else {}
        verdicts = iter(plan.attempt.cells)
        for name, value in right.items():
            if name not in contract.key:
                row[name] = {"value": _as_handed_in(value, next(verdicts, "right"))}
        return row

    def _unasked(self, plan: _Plan) -> dict[str, str]:
        """The row of a document that nobody asked about: its sub-agent cannot know that."""
        contract = self.scene.task.contract
        if contract is None or plan.document not in self.scene.task.scope:
            return {}
        title = self.scene.documents.title(plan.document)
        return {name: title if name in contract.key else UNASKED for name in contract.names}

    def _words(self, plan: _Plan) -> Message:
        """A report without a table."""
        if plan.part is None:
            return Message(role="assistant", content=NOTHING)
        if not plan.attempt.completed:
            return Message(role="assistant", content="")
        is_right = "wrong" not in plan.attempt.cells and "empty" not in plan.attempt.cells
        name = plan.part.name
        self.scene.findings[name] = is_right
        text = f"{SOURCE}: {name} in {plan.document}, {'as asked' if is_right else 'unsure'}."
        return Message(role="assistant", content=text)


@dataclass(slots=True, eq=False)
class ScriptedWriter(_Frozen):
    """Writes the answer from what the orchestrator has read and was told."""

    scene: Scene

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        numbers = self.scene.draws("writer")
        text = self._table(numbers) if self.scene.task.contract else self._answer(numbers)
        words = len(text) // 4 + 1
        return Reply(Message(role="assistant", content=text), Usage(output_tokens=words), "stop")

    def _table(self, numbers: random.Random) -> str:
        task, scene = self.scene.task, self.scene
        assert task.contract is not None
        names = [column.name for column in task.contract.columns]
        lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
        for part in task.parts:
            row = scene.row_of(part)
            if row and scene.known_by_root(part):
                values = [
                    row[name]
                    if name in task.contract.key
                    else _as_handed_in(row[name], scene.profile.draw_cell(numbers))
                    for name in names
                ]
                lines.append(f"| {' | '.join(values)} |")
        return "\n".join(lines)

    def _answer(self, numbers: random.Random) -> str:
        """The right answer when every part is known rightly."""
        scene = self.scene
        right = True
        for part in scene.task.parts:
            if scene.known_by_root(part):
                right &= scene.profile.draw_cell(numbers) == "right"
            else:
                right &= scene.findings.get(part.name, False)
        return f"Exact Answer: {scene.task.answer if right else WRONG}"


@dataclass(slots=True, eq=False)
class ScriptedReader(_Frozen):
    """Writes the report of a sub-agent whose steps a policy decides, from what it has opened."""

    scene: Scene
    _reports: list[int] = field(default_factory=lambda: [0])

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        scene = self.scene
        self._reports[0] += 1
        numbers = scene.draws("reader", self._reports[0])
        opened = set(_opened(request.history))
        parts = [part for part in scene.task.parts if opened.issuperset(scene.pages_of(part))]
        contract = scene.task.contract
        if contract is None:
            right = [p.name for p in parts if scene.profile.draw_cell(numbers) == "right"]
            scene.findings.update({part.name: part.name in right for part in parts})
            text = "; ".join(f"{SOURCE}: {part.name}" for part in parts) or NOTHING
            return Reply(Message(role="assistant", content=text), Usage(), "stop")
        names = [column.name for column in contract.columns]
        lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
        for row in filter(None, map(scene.row_of, parts)):
            values = (
                value
                if name in contract.key
                else _as_handed_in(value, scene.profile.draw_cell(numbers))
                for name, value in row.items()
            )
            lines.append(f"| {' | '.join(values)} |")
        text = "\n".join(lines)
        usage = Usage(output_tokens=len(text) // 4)
        return Reply(Message(role="assistant", content=text), usage, "stop")


def _opened(history: History) -> Iterator[tuple[str, int]]:
    """The pages that an agent has opened."""
    for message in history:
        for call in message.tool_calls:
            if call.name == "open":
                given = json.loads(call.arguments)
                yield given["document"], given["page"]


def _as_handed_in(value: str, verdict: str) -> str:
    return {"right": value, "wrong": WRONG}.get(verdict, "")


def _asked(form: str) -> list[str]:
    return list(json.loads(form).get("properties", {}))


def _calls(tool: str, /, **arguments: object) -> Message:
    call = ToolCall(id=tool, name=tool, arguments=json.dumps(arguments, ensure_ascii=False))
    return Message(role="assistant", tool_calls=(call,))
