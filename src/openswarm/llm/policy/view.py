"""What the small orchestrator sees of a run, and what its decisions mean there.

The policy reads a narrow language: the words of the question that it knows, documents as numbers,
and of every result only how it came out. The run goes on in full: its conversation holds the real
texts. Owns the numbering of documents and what is shown. Knows no model.

Documents that the question names stand before all others, and the last line of what is shown lists
their numbers, or all numbers where it names none: that is the work of most tasks. The line before
says how many columns a table is to have. Numbers begin anywhere, so that a policy cannot learn them
by heart.

A view that begins in the middle of a run reads the turns that are there as if it had said them.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openswarm.core.messages import Message, ToolCall
from openswarm.k25.template import render
from openswarm.llm.policy.language import Call, Facts
from openswarm.llm.policy.naming import (
    FILE_NAME,
    Document,
    Names,
    folded,
    item_of,
    listed,
    without_list,
)
from openswarm.llm.policy.vocabulary import (
    AGENTS,
    ANSWER,
    ASSIGN,
    CREATE,
    DEFAULT_AGENT,
    NUMBERS,
    OPEN,
    TOOLS,
    known_words,
    tokenizer,
)
from openswarm.llm.policy.wording import BATCH, REPORT, Wording, own_arguments

MAX_WORDS = 56
"""Words of the question that are shown."""
MAX_DOCUMENTS = 240
"""Documents that get a number; further ones are not seen."""
USUAL_NUMBERS = 200
"""Numbers that documents usually have: a policy has seen each of them in training."""
MAX_NEXT = 4
"""Documents named by a page that are shown."""
MAX_MISSING = 48
"""Documents that are not done yet that are named after a turn of assignments."""
_REPORTS = re.compile(r"(\d+) of (\d+) completed\.")
_LACKING = re.compile(r"^Missing: (.*)$", re.MULTILINE)
_PAGE = re.compile(r"Page (\d+) of (\d+)")
_TABLE = re.compile(r"^The table \(fixed;[^\n]*\n(.*?)^Key: ", re.MULTILINE | re.DOTALL)
"""The definition of a table in the system prompt: a line that begins with a dash is a column."""
_MOST = re.compile(r"At most (\d+) sub-agents in this run\.")
_LEFT = re.compile(
    r"Nothing was started: (?:\d+ sub-agents are asked for, but only (\d+) of|.* switched off in)"
)
_IS_DONE = re.compile(r"Nothing was started: \S+ has done exactly this")
_SHORTENED = ("Your earlier work was discarded", "Your notes on the work so far:")
"""How what takes the place of an earlier conversation begins. It does not ask for the answer."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A call whose result is to come."""

    id: str
    """In the narrow language."""
    call: Call
    item: str = ""
    """As the run names it, where a call of the run stands for several."""


@dataclass(slots=True)
class View:
    """One conversation, as the policy sees it."""

    seed: int = 0
    """Chooses the number of the first document."""
    parallel: bool = True
    """Whether a turn may have more than one call."""
    reads: int = 1
    """Calls of a turn that read."""
    creates: bool = True
    """Whether it may register configurations of its own."""
    words: float = 1.0
    """The share of the question's words that are shown; fewer in training, so that no wording is
    learned by heart."""
    documents: list[Document] = field(default_factory=list)
    first: int = 0
    """The number of the first document."""
    named: int = 0
    """How many of them, from the first on, the question names."""
    agents: list[str] = field(default_factory=lambda: [DEFAULT_AGENT])
    opened: dict[int, int] = field(default_factory=dict)
    """Pages of a document that were opened."""
    messages: list[Message] = field(default_factory=list)
    """The conversation in the narrow language."""
    _shown: int = 0
    """How many of them are tokens already."""
    _read: int = 0
    """How many messages of the run have been looked at."""
    _has_said: bool = False
    """Whether its own turn is the next one of the run."""
    _completed: set[int] = field(default_factory=set)
    """Documents of which a sub-agent's complete report is there."""
    _read_whole: set[int] = field(default_factory=set)
    """Documents of which the last page was opened."""
    _reached: set[int] = field(default_factory=set)
    """Documents that pages have named."""
    _pending: dict[str, list[_Due]] = field(default_factory=dict)
    """By the id of the call in the run."""
    _has_assigned: bool = False
    """Whether results of assignments came since the last turn."""
    _most: int | None = None
    """Sub-agents that the run may start; None where nothing is said of it."""
    _started: int = 0
    """Sub-agents that are known to have been started."""
    _question: str = ""
    columns: int = 0
    """Of the table that is asked for; 0 where none is."""

    def goes_on(self, history: Sequence[Message]) -> bool:
        """Whether a conversation is the one that was read, with the turn that was said."""
        after = history[self._read :][:1]
        said = not self._has_said or [message.role for message in after] == ["assistant"]
        return len(history) >= self._read and said

    def read(self, history: Sequence[Message]) -> list[int]:
        """The tokens that came since the last turn, with the beginning of the next one."""
        for message in history[self._read :]:
            if message.role == "assistant":
                self._name_missing()
            self._take(message)
        self._name_missing()
        self._read = len(history)
        new, self._shown = self.messages[self._shown :], len(self.messages)
        return tokenizer().encode_pieces(render(new, thinking=False))

    def facts(self, offered: Iterable[str], max_calls: int) -> Facts:
        """What the grammar of the next turn depends on, `offered` being the run's tools."""
        there = {*offered} - ({CREATE} if not self.creates else set())
        tools = tuple(
            name for name in TOOLS if name in there or (name == ASSIGN and BATCH in there)
        )
        calls = sum(len(message.tool_calls) for message in self.messages)
        most = max_calls if self.parallel else min(1, max_calls)
        return Facts(
            tools,
            tuple(self.agents),
            self.in_reach(),
            done=frozenset(self._completed),
            read=frozenset(self._read_whole),
            calls_before=calls,
            max_calls=most,
            max_reads=self.reads,
            max_assigns=None if self._most is None else max(0, self._most - self._started),
        )

    def in_reach(self) -> Sequence[int]:
        """The documents in question, and those that pages have named.

        Of the others the policy knows nothing that would speak for one of them.
        """
        asked = self._asked()
        return [*asked, *sorted(self._reached.difference(asked))]

    def said(self, calls: Sequence[Call], offered: Iterable[str]) -> list[ToolCall]:
        """The calls of a turn as the run makes them; the turn's own tokens are known."""
        there, wording, real = set(offered), self._wording(), list[ToolCall]()
        for name, call in zip(self._add_turn(calls), calls, strict=True):
            page = self.opened.get(call.document, 0) + 1
            if call.tool == OPEN:
                self.opened[call.document] = page
            made = wording.written(call, page, there)
            real.append(made.model_copy(update={"id": name}))
            self._pending[name] = [_Due(name, call)]
        self._shown = len(self.messages)
        self._has_said = True
        return real

    def document(self, number: int) -> Document:
        """The document of a number. Raises `IndexError`."""
        return self.documents[number - self.first]

    def _asked(self) -> range:
        """The documents in question: those that the question names, or all."""
        return range(self.first, self.first + (self.named or len(self.documents)))

    def _wording(self) -> Wording:
        return Wording(self._question, self.documents, self.first, self.columns)

    def _add_turn(self, calls: Sequence[Call]) -> list[str]:
        """Puts a turn into the narrow conversation; the ids of its calls there."""
        before = sum(len(message.tool_calls) for message in self.messages)
        own = tuple(
            ToolCall(
                id=f"functions.{call.tool}:{index}", name=call.tool, arguments=own_arguments(call)
            )
            for index, call in enumerate(calls, before)
        )
        made = dict.fromkeys(call.agent for call in calls if call.tool == CREATE)
        self.agents += [name for name in made if name not in self.agents]
        text = "" if calls else ANSWER
        self.messages.append(Message(role="assistant", content=text, tool_calls=own))
        return [call.id for call in own]

    def _adopt(self, message: Message) -> None:
        """Takes a turn that it has not said itself: before a resume, or of another model."""
        told = self._wording().told(message.tool_calls)
        if not told and any(call.name != REPORT for call in message.tool_calls):
            return
        self._pending = {}
        names = self._add_turn([one.call for one in told])
        for name, one in zip(names, told, strict=True):
            self._pending.setdefault(one.id, []).append(_Due(name, one.call, one.item))
            if one.page:
                self.opened[one.call.document] = one.page

    def _take(self, message: Message) -> None:
        match message.role:
            case "system":
                self._list(listed(message.text))
                self.columns = _columns(message.text)
                self._most = _most(message.text)
            case "user" if not self._question:
                self._question = message.text
                self._begin(message.text)
            case "user" if not message.text.startswith(_SHORTENED):
                self.messages.append(Message(role="user", content="answer now"))
            case "assistant" if self._has_said:
                self._has_said = False
            case "assistant":
                self._adopt(message)
            case "tool":
                self._take_result(message)
            case _:
                pass

    def _begin(self, question: str) -> None:
        self._list(listed(question))
        if not self.documents:
            self._list(FILE_NAME.findall(question))
        self.named = self._named_first(question)
        free = USUAL_NUMBERS - len(self.documents)
        numbers = random.Random(self.seed)
        self.first = numbers.randrange(max(1, free))
        shown = known_words(without_list(question), MAX_WORDS)
        if self.words < 1:
            shown = [word for word in shown if numbers.random() < self.words]
        lines = [" ".join(shown), f"columns {self.columns or 'nothing'}"]
        asked, last = self._asked(), self.first + len(self.documents) - 1
        if asked.stop <= last:
            lines.append(f"others {asked.stop}-{last}")
        lines.append(f"documents {' '.join(map(str, asked)) or 'nothing'}")
        self.messages.append(Message(role="user", content="\n".join(lines)))

    def _list(self, names: Iterable[str]) -> None:
        """Takes documents in. Of names that make the same brief only the first is seen."""
        seen = {folded(document.name): document for document in self.documents}
        for name in names:
            seen.setdefault(folded(name), Document(name, item_of(name)))
        self.documents = list(seen.values())[:MAX_DOCUMENTS]

    def _named_first(self, question: str) -> int:
        """Puts documents that the question names before the others; how many these are."""
        found = Names(self.documents).find(without_list(question))
        named = sorted(found, key=lambda place: found[place].start)
        first = [
            Document(doc.name, found[place].words if found[place].form else doc.item, named=True)
            for place, doc in ((place, self.documents[place]) for place in named)
        ]
        others = [doc for place, doc in enumerate(self.documents) if place not in found]
        self.documents = [*first, *others]
        return len(first)

    def _take_result(self, message: Message) -> None:
        dues = self._pending.pop(message.tool_call_id, [])
        if dues and dues[0].call.tool == ASSIGN:
            self._has_assigned = True
            self._count(message.text)
        for due in dues:
            text = _outcome(due, message.text, self.opened)
            if text.endswith(" completed") or _IS_DONE.match(message.text):
                self._completed.add(due.call.document)
            if due.call.tool == OPEN:
                place = _PAGE.search(message.text)
                if place and int(place[1][:6]) >= int(place[2][:6]):
                    self._read_whole.add(due.call.document)
                text += self._next(message.text, due.call)
            self.messages.append(Message(role="tool", content=text, tool_call_id=due.id))

    def _count(self, result: str) -> None:
        """Keeps count of the sub-agents that were started, and of how many there may be."""
        if found := _REPORTS.match(result):
            self._started += int(found[2][:6])
        elif found := _LEFT.match(result):
            self._most = self._started + int((found[1] or "0")[:6])

    def _next(self, page: str, call: Call) -> str:
        """The documents that a page names by their file names."""
        numbers = {doc.name: self.first + place for place, doc in enumerate(self.documents)}
        names = (name.strip() for name in FILE_NAME.findall(page))
        found = dict.fromkeys(numbers[name] for name in names if name in numbers)
        found.pop(call.document, None)
        shown = list(found)[:MAX_NEXT]
        self._reached.update(shown)
        return "".join(f" next {number}" for number in shown)

    def _name_missing(self) -> None:
        """Says after results of assignments which documents in question nobody has done yet."""
        if not self._has_assigned:
            return
        self._has_assigned = False
        done = self._completed | self._read_whole
        left = [number for number in self._asked() if number not in done][:MAX_MISSING]
        missing = "".join(f" missing {number}" for number in left)
        last = self.messages[-1]
        self.messages[-1] = last.model_copy(update={"content": last.text + missing})


def _outcome(due: _Due, text: str, opened: dict[int, int]) -> str:
    """How a call came out, in the narrow language."""
    call = due.call
    if call.tool == CREATE:
        return "ok" if call.agent in AGENTS and "is registered" in text else "refused"
    if call.tool == OPEN:
        found = _PAGE.search(text)
        if not found:
            opened[call.document] = max(0, opened[call.document] - 1)
            return f"{call.document} refused"
        return f"{call.document} page {_small(found[1])} of {_small(found[2])}"
    found = _REPORTS.match(text)
    if not found:
        return f"{call.document} refused"
    is_whole = found[1] == found[2] or (found[1] != "0" and _has_come(due.item, text))
    return f"{call.document} {'completed' if is_whole else 'failed'}"


def _has_come(item: str, text: str) -> bool:
    """Whether an item of a batch is not among those that the result names as missing."""
    lacking = _LACKING.findall(text)
    return bool(item and lacking) and f"; {item} (" not in f"; {lacking[-1]}"


def _columns(system: str) -> int:
    found = _TABLE.search(system)
    return min(found[1].count("\n- ") + 1, NUMBERS - 1) if found else 0


def _most(system: str) -> int | None:
    found = _MOST.search(system)
    return int(found[1][:6]) if found else None


def _small(digits: str) -> int:
    return min(int(digits[:6]), NUMBERS - 1)
