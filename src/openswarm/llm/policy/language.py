"""What the orchestrator may say in a turn, one decision after the other.

A turn is calls or an answer. Everything that is not a decision (markers, call ids, argument names)
is forced: it costs no draw and earns no gradient. Owns the grammar of one turn; knows no model, no
documents and no runtime.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from openswarm.k25.tokens import (
    CALL_ARGUMENTS,
    CALL_BEGIN,
    CALL_END,
    IM_END,
    SECTION_BEGIN,
    SECTION_END,
)
from openswarm.llm.policy.vocabulary import (
    AGENTS,
    ANSWER,
    ASSIGN,
    BEGINNINGS,
    CREATE,
    END,
    NUMBERS,
    OPEN,
    PROMPT,
    ROLE_END,
    TOOLS,
    tokenizer,
)

MAX_CALLS = 200
"""Calls of one turn."""
_State = Literal["turn", "tool", "name", "agent", "number", "next", "over"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the grammar of a turn depends on."""

    tools: tuple[str, ...]
    """Among `TOOLS`, those that may be called now; () leaves only the answer."""
    agents: tuple[str, ...]
    """Configurations that are registered."""
    documents: Sequence[int]
    """Numbers of the documents that may be opened and assigned."""
    calls_before: int
    """Calls of the conversation so far: K2.5 counts them through."""
    max_calls: int = MAX_CALLS
    """Calls of the turn."""
    max_reads: int = 1
    """How many of them may read. A turn that reads assigns nothing: a stage is either of them."""
    max_assigns: int | None = None
    """How many of them may assign: the sub-agents that are left. None is no limit."""
    done: frozenset[int] = frozenset()
    """Documents that are not assigned again: a sub-agent's complete report is there."""
    read: frozenset[int] = frozenset()
    """Documents of which every page was opened."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the policy decided it."""

    tool: str
    agent: str = ""
    document: int = -1
    """The number of the document; -1 where the tool takes none."""


@dataclass(slots=True)
class TurnGuide:
    """The grammar of one turn, at some place in it.

    `ids` is the turn so far, `mask` says which of it were decisions, `choices` what could have
    been decided each time; `allowed` is the next decision, () when the turn is over.
    """

    facts: Facts
    ids: list[int] = field(default_factory=list)
    mask: list[bool] = field(default_factory=list)
    choices: list[tuple[int, ...]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    allowed: tuple[int, ...] = ()
    _state: _State = "turn"
    _tool: str = ""
    _agent: str = ""
    _made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Goes to the first decision."""
        self._advance()

    @property
    def over(self) -> bool:
        """Whether the turn is complete."""
        return not self.allowed

    def take(self, token: int) -> None:
        """The next decision. Raises `ValueError` for one that is not allowed."""
        if token not in self.allowed:
            raise ValueError(f"token {token} is not among the {len(self.allowed)} allowed ones")
        self.choices.append(self.allowed)
        self._append(token, chosen=True)
        self._accept(token)
        self._advance()

    def _advance(self) -> None:
        """Takes what there is no choice about, to the next decision or the end."""
        self.allowed = self._options()
        while len(self.allowed) == 1:
            (token,) = self.allowed
            self._append(token, chosen=False)
            self._accept(token)
            self.allowed = self._options()

    def _append(self, token: int, *, chosen: bool) -> None:
        self.ids.append(token)
        self.mask.append(chosen)

    def _force(self, *tokens: int) -> None:
        for token in tokens:
            self._append(token, chosen=False)

    def _options(self) -> tuple[int, ...]:
        words = tokenizer()
        match self._state:
            case "turn":
                calls = (words.special[SECTION_BEGIN],) if self._callable() else ()
                return (*calls, words.id(ANSWER))
            case "tool":
                return tuple(words.id(f"functions.{name}:") for name in self._callable())
            case "name":
                return tuple(map(words.id, self._unused()))
            case "agent":
                return tuple(map(words.id, (*self.facts.agents, *self._made)))
            case "number":
                return tuple(words.numbers[number] for number in self._open_to(self._tool))
            case "next":
                return self._next()
            case "over":
                return ()

    def _next(self) -> tuple[int, ...]:
        words, facts = tokenizer(), self.facts
        room = min(facts.max_calls, NUMBERS - facts.calls_before)
        more = len(self.calls) < room and self._callable()
        call = (words.special[CALL_BEGIN],) if more else ()
        return (*call, words.special[SECTION_END])

    def _unused(self) -> list[str]:
        taken = {*self.facts.agents, *self._made}
        return [name for name in AGENTS if name not in taken]

    def _callable(self) -> list[str]:
        """The tools that can be called at this place."""
        possible = {
            CREATE: bool(self._unused()),
            ASSIGN: bool(self._open_to(ASSIGN)),
            OPEN: bool(self._open_to(OPEN)),
        }
        room = self.facts.calls_before + len(self.calls) < NUMBERS
        has_room = room and self.facts.max_calls > 0
        return [
            name
            for name in TOOLS
            if name in self.facts.tools and possible[name] and has_room and self._fits(name)
        ]

    def _open_to(self, name: str) -> list[int]:
        """The documents that a tool may take here: the run would refuse the others."""
        closed = self.facts.read if name == OPEN else self.facts.done
        now = {call.document for call in self.calls}
        return [n for n in self.facts.documents if n not in closed and n not in now]

    def _fits(self, name: str) -> bool:
        """Whether a tool goes with the calls that the turn has already."""
        kinds = {call.tool == OPEN for call in self.calls}
        most = {OPEN: self.facts.max_reads, ASSIGN: self.facts.max_assigns}.get(name)
        made = sum(call.tool == name for call in self.calls)
        return kinds <= {name == OPEN} and (most is None or made < most)

    def _accept(self, token: int) -> None:
        words = tokenizer()
        match self._state:
            case "turn" if token == words.id(ANSWER):
                self._force(words.special[IM_END])
                self._state = "over"
            case "turn" | "next" if token != words.special[SECTION_END]:
                if self._state == "turn":
                    self._force(words.special[CALL_BEGIN])
                self._state = "tool"
            case "next":
                self._force(words.special[IM_END])
                self._state = "over"
            case "tool":
                self._begin(token)
            case "name":
                name = words.decode([token])
                self._made.append(name)
                self._end_call(Call(CREATE, name), ROLE_END)
            case "agent":
                self._agent = words.decode([token])
                self._force(words.id(PROMPT))
                self._state = "number"
            case _:
                agent = self._agent if self._tool == ASSIGN else ""
                self._end_call(Call(self._tool, agent, words.numbers.index(token)), END)

    def _begin(self, token: int) -> None:
        words = tokenizer()
        self._tool = next(name for name in TOOLS if words.id(f"functions.{name}:") == token)
        index = self.facts.calls_before + len(self.calls)
        arguments = words.id(BEGINNINGS[self._tool])
        self._force(words.numbers[index], words.special[CALL_ARGUMENTS], arguments)
        states: dict[str, _State] = {CREATE: "name", ASSIGN: "agent", OPEN: "number"}
        self._state = states[self._tool]

    def _end_call(self, call: Call, ending: str) -> None:
        words = tokenizer()
        self.calls.append(call)
        self._force(words.id(ending), words.special[CALL_END])
        self._state = "next"


def decide(guide: TurnGuide, calls: Sequence[Call]) -> None:
    """Takes the decisions that make these calls, or the answer when there are none.

    Raises `ValueError` for calls that the grammar does not allow.
    """
    try:
        while not guide.over:
            guide.take(_wanted(guide, calls))
    except (LookupError, ValueError):
        raise ValueError("the grammar does not allow these calls") from None
    if guide.calls != list(calls):
        raise ValueError("the grammar does not allow these calls")


def _wanted(guide: TurnGuide, calls: Sequence[Call]) -> int:
    """The next decision of a turn that makes these calls. Raises `LookupError`."""
    words, made = tokenizer(), len(guide.calls)
    match guide._state:
        case "turn":
            return words.special[SECTION_BEGIN] if calls else words.id(ANSWER)
        case "next":
            return words.special[CALL_BEGIN if made < len(calls) else SECTION_END]
        case "tool":
            return words.id(f"functions.{calls[made].tool}:")
        case "number":
            return words.numbers[calls[made].document]
        case _:
            return words.id(calls[made].agent)
