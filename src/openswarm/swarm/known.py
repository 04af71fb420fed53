"""What earlier sub-agents have found and read about each row of a table: a fold over events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from openswarm.agent.conversation import replay
from openswarm.core.contract import Contract
from openswarm.core.events import AnyEvent, DocumentsOpened, TaskAssigned, ToolReturned
from openswarm.core.table import Key
from openswarm.journal.journal import Journal
from openswarm.journal.tables import TableFold
from openswarm.swarm.assignment import AgentSpec, no_pages
from openswarm.swarm.quotes import documents_read
from openswarm.swarm.roster import Roster
from openswarm.tools.documents import Document

NOTES_CHARS = 1_500
"""So much of what was reported about a row is told again."""
KEPT_BYTES = 400_000
"""So much of what was read about a row is looked through."""


@dataclass(slots=True)
class Known:
    """The earlier work on the rows of a run, by row."""

    journal: Journal
    roster: Roster
    tables: TableFold
    events: Sequence[AnyEvent]
    _agents: dict[Key, list[str]] = field(default_factory=dict)
    _read: dict[str, list[AnyEvent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        contract = self.tables.contract
        for event in self.events:
            if isinstance(event, DocumentsOpened | ToolReturned | TaskAssigned):
                self._read.setdefault(event.agent, []).append(event)
        if contract is not None:
            self._index(contract)

    def _index(self, contract: Contract) -> None:
        """Who worked on a row: who was assigned it, and whose values stand in it."""
        for assignment in self.roster.assigned.values():
            key = assignment.key or ((assignment.item,) if assignment.item else ())
            if len(key) == len(contract.key):
                self._note(contract.fold(key), assignment.path)
        for key, placed in (*self.tables.before.items(), *self.tables.placed.items()):
            for cell in placed.row.cells.values():
                self._note(key, cell.agent)

    def _note(self, key: Key, agent: str) -> None:
        agents = self._agents.setdefault(key, [])
        if agent in self.roster.assigned and agent not in agents:
            agents.append(agent)

    def spec(self, key: Key) -> AgentSpec | None:
        """The configuration that worked on the row last."""
        agents = self._agents.get(key)
        return self.roster.assigned[agents[-1]].spec if agents else None

    def notes(self, key: Key) -> str:
        """What was reported about the row in words, the latest first."""
        reports = (self.roster.reports.get(agent) for agent in reversed(self._agents.get(key, ())))
        texts = [r.text.strip() for r in reports if r is not None and not r.rows and r.text.strip()]
        return "\n\n".join(dict.fromkeys(texts))[:NOTES_CHARS]

    def pages(self, key: Key) -> Callable[[], Sequence[Document]]:
        """What gives the documents that were read about the row; it reads the disk."""
        agents = tuple(self._agents.get(key, ()))
        return (lambda: self._documents(agents)) if agents else no_pages

    def _documents(self, agents: Sequence[str]) -> Sequence[Document]:
        found: dict[Document, None] = {}
        size = 0
        for agent in reversed(agents):
            talk = replay(agent, self.journal, self._read.get(agent, ()))
            for document in documents_read(talk.readings):
                size += len(document.text)
                if size > KEPT_BYTES:
                    return list(found)
                found[document] = None
        return list(found)
