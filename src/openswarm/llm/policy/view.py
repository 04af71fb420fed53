"""What the small orchestrator sees of a run, and what its decisions mean there.

The policy reads a narrow language: the words of the question that it knows, documents as numbers,
and of every result only how it came out. The run goes on in full: its conversation holds the real
texts. Owns the numbering of documents and both directions of the translation. Knows no model.

Documents that the question names stand before all others, and the last line of what is shown lists
their numbers, or all numbers where it names none: that is the work of most tasks. The line before
says how many columns a table is to have. Numbers begin anywhere, so that a policy cannot learn them
by heart.
"""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openswarm.core.messages import Message, ToolCall
from openswarm.k25.template import render
from openswarm.llm.policy.language import Call, Facts
from openswarm.llm.policy.vocabulary import (
    AGENTS,
    ANSWER,
    ASSIGN,
    CREATE,
    DEFAULT_AGENT,
    NUMBERS,
    OPEN,
    ROLE,
    TOOLS,
    known_words,
    tokenizer,
)

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
_LISTED = re.compile(r"(?:Some of them|Documents): ([^\n]+)")
_NAME = re.compile(r"(?<!\w)\w[\w.,'()+&-]{0,160}\.(?:md|txt|html|json|csv|pdf)\b")
_REPORTS = re.compile(r"(\d+) of (\d+) completed\.")
_PAGE = re.compile(r"Page (\d+) of (\d+)")
BATCH = "assign_batch"
_TABLE = re.compile(r"^The table \(fixed;[^\n]*\n(.*?)^Key: ", re.MULTILINE | re.DOTALL)
"""The definition of a table in the system prompt: a line that begins with a dash is a column."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the run."""

    name: str
    item: str
    """What it is about, as the question writes it, or made of its name."""


@dataclass(slots=True)
class View:
    """One conversation, as the policy sees it."""

    seed: int = 0
    """Chooses the number of the first document."""
    parallel: bool = True
    """Whether a turn may have more than one call."""
    reads: int = 1
    """Calls of a turn that read."""
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
    _completed: set[int] = field(default_factory=set)
    """Documents of which a sub-agent's complete report is there."""
    _read_whole: set[int] = field(default_factory=set)
    """Documents of which the last page was opened."""
    _pending: dict[str, Call] = field(default_factory=dict)
    _question: str = ""
    columns: int = 0
    """Of the table that is asked for; 0 where none is."""

    def read(self, history: Sequence[Message]) -> list[int]:
        """The tokens that came since the last turn, with the beginning of the next one."""
        came = history[self._read :]
        assigned = any(self._is_assignment(message) for message in came)
        for message in came:
            self._take(message)
        self._read = len(history)
        if assigned:
            self._name_missing()
        new, self._shown = self.messages[self._shown :], len(self.messages)
        return tokenizer().encode_pieces(render(new, thinking=False))

    def facts(self, offered: Iterable[str], max_calls: int) -> Facts:
        """What the grammar of the next turn depends on, `offered` being the run's tools."""
        there = set(offered)
        tools = tuple(
            name for name in TOOLS if name in there or (name == ASSIGN and BATCH in there)
        )
        numbers = range(self.first, self.first + len(self.documents))
        calls = sum(len(message.tool_calls) for message in self.messages)
        most = max_calls if self.parallel else min(1, max_calls)
        return Facts(
            tools,
            tuple(self.agents),
            numbers,
            done=frozenset(self._completed),
            read=frozenset(self._read_whole),
            calls_before=calls,
            max_calls=most,
            max_reads=self.reads,
        )

    def said(self, calls: Sequence[Call], offered: Iterable[str]) -> list[ToolCall]:
        """The calls of a turn as the run makes them; the turn's own tokens are known."""
        there, before = set(offered), sum(len(m.tool_calls) for m in self.messages)
        own, real = list[ToolCall](), list[ToolCall]()
        for index, call in enumerate(calls, before):
            name = f"functions.{call.tool}:{index}"
            own.append(ToolCall(id=name, name=call.tool, arguments=_own_arguments(call)))
            made = self._real(call, there)
            real.append(made.model_copy(update={"id": name}))
            self._pending[name] = call
            if call.tool == CREATE:
                self.agents.append(call.agent)
        text = "" if calls else ANSWER
        self.messages.append(Message(role="assistant", content=text, tool_calls=tuple(own)))
        self._shown = len(self.messages)
        return real

    def document(self, number: int) -> Document:
        """The document of a number. Raises `IndexError`."""
        return self.documents[number - self.first]

    def _real(self, call: Call, there: set[str]) -> ToolCall:
        """A call in the words of the run. Its id is not given yet."""
        if call.tool == CREATE:
            return _call(CREATE, name=call.agent, system_prompt=ROLE)
        document = self.document(call.document)
        if call.tool == OPEN:
            page = self.opened.get(call.document, 0) + 1
            self.opened[call.document] = page
            return _call(OPEN, document=document.name, page=page)
        if self.columns and BATCH in there:
            asked = _without_list(self._question).strip()
            template = f"{asked}\n\nYour part of it: the row of {{{{item}}}}, in {document.name}."
            return _call(BATCH, agent=call.agent, prompt_template=template, items=[document.item])
        asked = f"{self._question}\n\nYour part of it is the document {document.name}."
        return _call(ASSIGN, agent=call.agent, prompt=asked)

    def _take(self, message: Message) -> None:
        match message.role:
            case "system":
                self._list(message.text)
                self.columns = _columns(message.text)
            case "user" if not self._question:
                self._question = message.text
                self._begin(message.text)
            case "user":
                self.messages.append(Message(role="user", content="answer now"))
            case "tool":
                self._take_result(message)
            case _:
                pass

    def _begin(self, question: str) -> None:
        self._list(question)
        if not self.documents:
            self._listed(dict.fromkeys(_NAME.findall(question)))
        self.named = self._named_first(question)
        free = USUAL_NUMBERS - len(self.documents)
        numbers = random.Random(self.seed)
        self.first = numbers.randrange(max(1, free))
        shown = known_words(_without_list(question), MAX_WORDS)
        if self.words < 1:
            shown = [word for word in shown if numbers.random() < self.words]
        lines = [" ".join(shown), f"columns {self.columns or 'nothing'}"]
        asked = self.first + (self.named or len(self.documents))
        last = self.first + len(self.documents) - 1
        if asked <= last:
            lines.append(f"others {asked}-{last}")
        numbers_asked = " ".join(map(str, range(self.first, asked)))
        lines.append(f"documents {numbers_asked or 'nothing'}")
        self.messages.append(Message(role="user", content="\n".join(lines)))

    def _list(self, text: str) -> None:
        if found := _LISTED.search(text):
            names = (name.strip() for name in found[1].rstrip(".").split(";"))
            self._listed(dict.fromkeys(name for name in names if name))

    def _listed(self, names: Iterable[str]) -> None:
        known = {document.name for document in self.documents}
        new = [Document(name, _item(name)) for name in names if name not in known]
        self.documents = [*self.documents, *new][:MAX_DOCUMENTS]

    def _named_first(self, question: str) -> int:
        """Puts documents that the question names before the others; how many these are."""
        text = _without_list(question)
        found = {doc.name: _named(text, doc) for doc in self.documents}
        named = sorted((name for name in found if found[name][0] >= 0), key=lambda n: found[n][0])
        first = [Document(name, found[name][1]) for name in named]
        others = [doc for doc in self.documents if found[doc.name][0] < 0]
        self.documents = [*first, *others]
        return len(first)

    def _is_assignment(self, message: Message) -> bool:
        """Whether a message is the result of an assignment."""
        call = self._pending.get(message.tool_call_id) if message.role == "tool" else None
        return call is not None and call.tool == ASSIGN

    def _take_result(self, message: Message) -> None:
        call = self._pending.pop(message.tool_call_id, None)
        if call is None:
            return
        text = _outcome(call, message.text, self.opened)
        if text.endswith(" completed"):
            self._completed.add(call.document)
        if call.tool == OPEN:
            place = _PAGE.search(message.text)
            if place and int(place[1][:6]) >= int(place[2][:6]):
                self._read_whole.add(call.document)
            text += self._next(message.text, call)
        self.messages.append(Message(role="tool", content=text, tool_call_id=message.tool_call_id))

    def _next(self, page: str, call: Call) -> str:
        """The documents that a page names by their file names."""
        numbers = {doc.name: self.first + place for place, doc in enumerate(self.documents)}
        names = (name.strip() for name in _NAME.findall(page))
        found = dict.fromkeys(numbers[name] for name in names if name in numbers)
        found.pop(call.document, None)
        return "".join(f" next {number}" for number in list(found)[:MAX_NEXT])

    def _name_missing(self) -> None:
        """Says after the last result which of the documents in question nobody has done yet."""
        done = self._completed | self._read_whole
        asked = range(self.first, self.first + (self.named or len(self.documents)))
        left = [number for number in asked if number not in done][:MAX_MISSING]
        missing = "".join(f" missing {number}" for number in left)
        last = self.messages[-1]
        self.messages[-1] = last.model_copy(update={"content": last.text + missing})


def _outcome(call: Call, text: str, opened: dict[int, int]) -> str:
    """How a call came out, in the narrow language."""
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
    return f"{call.document} {'completed' if found[1] == found[2] else 'failed'}"


def _columns(system: str) -> int:
    found = _TABLE.search(system)
    return min(found[1].count("\n- ") + 1, NUMBERS - 1) if found else 0


def _small(digits: str) -> int:
    return min(int(digits[:6]), NUMBERS - 1)


def _own_arguments(call: Call) -> str:
    if call.tool == CREATE:
        return json.dumps({"name": call.agent, "system_prompt": ROLE})
    if call.tool == OPEN:
        return json.dumps({"document": str(call.document)})
    return json.dumps({"agent": call.agent, "prompt": str(call.document)})


def _call(tool: str, /, **arguments: object) -> ToolCall:
    return ToolCall(id="", name=tool, arguments=json.dumps(arguments, ensure_ascii=False))


def _without_list(question: str) -> str:
    return _LISTED.sub("", question)


def _item(name: str) -> str:
    """What a document is about, made of its name."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    words = stem.replace("_", " ").replace("-", " ").split()
    return " ".join(word if any(map(str.isupper, word)) else word.capitalize() for word in words)


def _named(text: str, document: Document) -> tuple[int, str]:
    """Where a text names a document, and how it writes what it is about; -1 where it does not."""
    stem = document.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    for form, is_item in ((document.name, False), (stem, True), (document.item, True)):
        found = re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text, re.IGNORECASE)
        if found:
            return found.start(), found[0] if is_item else document.item
    return -1, document.item
