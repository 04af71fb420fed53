"""A sub-agent: from its assignment to its report, in a context of its own."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import anyio.to_thread

from openswarm.agent.context import Context
from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation, replay
from openswarm.agent.loop import Agent, Ending
from openswarm.agent.release import with_release
from openswarm.agent.turn import Turn
from openswarm.core.budget import Amount
from openswarm.core.contract import Column, Contract
from openswarm.core.events import DocumentsOpened
from openswarm.core.limits import Limits
from openswarm.core.messages import Message
from openswarm.core.result import Outcome, Report
from openswarm.core.settings import Strategy
from openswarm.core.table import Row
from openswarm.journal.journal import Journal
from openswarm.llm.paced import PacedModel
from openswarm.swarm.assignment import Assignment, no_pages
from openswarm.swarm.quotes import documents_read
from openswarm.swarm.report import REPORT, Reporter
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.documents import Document
from openswarm.tools.tool import Tool
from openswarm.tools.toolset import Toolset

if TYPE_CHECKING:
    from openswarm.tools.corpus.corpus import Corpus

SHORT_REPORT_CHARS = 200
FULLER = (
    "Your report is very short. Report fully: what you found, where it stands, and what is missing."
)
USE_REPORT = "Hand in what you found with the report tool; it is the only way to hand in rows."
OPENED_BYTES = 6_000
"""How much of its document a sub-agent is shown before its first turn."""
COMPACT_BYTES = 300
"""The same for a small model, for each thing that is asked: it reads slowly."""
_FILE = re.compile(r"(?<!\w)\w[\w./'()+-]{0,160}\.(?:md|txt|html|json|csv|pdf)\b")


@dataclass(frozen=True, slots=True)
class Subagents:
    """What all sub-agents of a run share; `work` runs one assignment."""

    journal: Journal
    model: Callable[[str], PacedModel]
    """The model of a specification; '' is the run's model for sub-agents."""
    tools: Sequence[Tool]
    dispatch: Dispatcher
    contract: Callable[[], Contract | None]
    corpus: "Corpus | None"
    limits: Limits
    strategy: Strategy
    held_back: Amount
    critical_steps_left: Callable[[], int] = lambda: 1_000_000
    """What the stage may add to the longest path; a sub-agent's own limit is narrowed to it."""

    async def work(self, assignment: Assignment, control: Control) -> Report:
        """The report of one sub-agent. Raises what its model or journal raises."""
        talk = replay(assignment.path, self.journal, assignment.events)
        model = self.model(assignment.spec.model)
        contract = self._contract(assignment)
        await self._open_documents(assignment, talk, contract, model.info.compact)
        tools = self._toolset(assignment, talk, contract, model.info.compact)
        agent = Agent(
            conversation=talk,
            turn=self._turn(assignment, talk, control, model, contract),
            tools=tools,
            control=control,
            max_steps=min(self.limits.subagent_steps, self.critical_steps_left() - 1),
            repeats=self.limits.repeats,
            closing_tools=(REPORT,),
            review=self._review(talk, contract, model.info.compact),
        )
        ending, note = await with_release(agent.run, tools, assignment.path)
        return _report(assignment, ending, talk, contract, note)

    def _contract(self, assignment: Assignment) -> Contract | None:
        """The table's contract, narrowed to what the assignment asks for."""
        contract = self.contract()
        return contract.only(assignment.columns) if contract and assignment.columns else contract

    def _turn(
        self,
        assignment: Assignment,
        talk: Conversation,
        control: Control,
        model: PacedModel,
        contract: Contract | None,
    ) -> Turn:
        return Turn(
            name=assignment.spec.name,
            model=model,
            journal=self.journal,
            conversation=talk,
            control=control,
            context=Context(model.info.context_tokens, self.strategy),
            reply_tokens=self.limits.reply_tokens,
            stall_s=self.limits.stall_s,
            must_call=lambda: model.info.compact and contract is not None,
            held_back=self.held_back,
        )

    def _toolset(
        self, assignment: Assignment, talk: Conversation, contract: Contract | None, compact: bool
    ) -> Toolset:
        names = assignment.spec.tools
        tools = [tool for tool in self.tools if names is None or tool.name in names]
        if compact and contract is not None and len(talk.history) > 2:
            tools = []  # what fits is opened; a small model would only lose its way
        if contract is not None:
            reporter = Reporter(
                contract=contract,
                key=_key(assignment, contract),
                agent=assignment.path,
                documents=lambda: documents_read(talk.readings),
                compact=compact,
                steps=lambda: talk.steps,
            )
            tools.insert(0, reporter.tool())
        return Toolset(tools, dispatch=self.dispatch)

    async def _open_documents(
        self, assignment: Assignment, talk: Conversation, contract: Contract | None, compact: bool
    ) -> None:
        """Shows the passages that fit best, so that one reply may be enough."""
        done = any(isinstance(event, DocumentsOpened) for event in assignment.events)
        subject = assignment.item or (_document_in(assignment.brief) if compact else "")
        if not subject or done or talk.steps:
            return
        queries = [_query(c) for c in contract.asked] if contract else [assignment.brief]
        budget = COMPACT_BYTES * max(3, len(queries)) if compact else OPENED_BYTES
        opened: list[Document] = []
        document = await self.corpus.find(subject) if self.corpus else None
        if self.corpus is not None and document is not None:
            opened += await self.corpus.passages(document, queries, budget)
        elif assignment.pages is not no_pages:
            opened += await anyio.to_thread.run_sync(_passages, assignment.pages, queries, budget)
        talk.open_documents(opened)

    def _review(
        self, talk: Conversation, contract: Contract | None, compact: bool
    ) -> Callable[[Message], str]:
        def review(last: Message) -> str:
            wanted = USE_REPORT if contract else FULLER
            too_little = contract is not None or len(last.text.strip()) < SHORT_REPORT_CHARS
            if not too_little or compact or talk.was_told(wanted):
                return ""
            return wanted

        return review


def _key(assignment: Assignment, contract: Contract) -> tuple[str, ...]:
    """The row that an assignment is about; () where it may hand in any."""
    if assignment.key or len(contract.key) > 1 or not assignment.item:
        return assignment.key
    return (assignment.item,)


def _document_in(brief: str) -> str:
    """The one document that a brief names by its file; '' for none or several.

    A small model is shown it: it would rather answer from memory than look for it.
    """
    named = {PurePosixPath(name).stem for name in _FILE.findall(brief)}
    return named.pop() if len(named) == 1 else ""


def _passages(
    pages: Callable[[], Sequence[Document]], queries: Sequence[str], budget_bytes: int
) -> list[Document]:
    """What of earlier pages answers the queries best; a share of the room for each document."""
    from openswarm.tools.corpus.chunks import Chunk
    from openswarm.tools.corpus.passages import GAPS, best_passages

    documents = list(pages())
    share = budget_bytes // max(1, len(documents))
    found = []
    for document in documents:
        chunk = Chunk(0, "", document.text)
        passages = best_passages([chunk], "prose", queries, max(share, COMPACT_BYTES))
        text = GAPS["prose"].join(passage.text for passage in passages)
        found += [Document(document.source, text)] if text else []
    return found[: max(1, budget_bytes // COMPACT_BYTES)]


def _query(column: Column) -> str:
    return f"{column.name}: {column.definition}" if column.definition else column.name


def _report(
    assignment: Assignment,
    ending: Ending,
    talk: Conversation,
    contract: Contract | None,
    note: str,
) -> Report:
    rows: tuple[Row, ...] = ending.closing.data if ending.closing and ending.closing.data else ()
    outcome, why = _outcome(ending, rows, contract)
    return Report(
        agent=assignment.path,
        name=assignment.spec.name,
        item=assignment.item,
        outcome=outcome,
        why=why,
        text="\n\n".join(filter(None, (ending.text, note))),
        rows=rows,
        steps=talk.steps,
    )


def _outcome(ending: Ending, rows: Sequence[Row], contract: Contract | None) -> tuple[Outcome, str]:
    """`completed` means a valid report: with a contract that is a row with something in it."""
    if ending.outcome == "completed" and contract is not None:
        asked = [column.name for column in contract.asked]
        if not rows:
            return "partial", "it handed in no row"
        if not any(row.cells[name].value for row in rows for name in asked):
            return "empty", "its rows are empty"
    if ending.outcome == "partial" and not ending.text.strip() and not rows:
        return "empty", ending.why
    return ending.outcome, ending.why
