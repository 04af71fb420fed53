"""The tool `look_up`: searches what a finished run has read and reported, by its journal."""

from collections.abc import Sequence

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field

from openswarm.agent.conversation import replay
from openswarm.core.events import AnyEvent, ReportReceived, is_subagent
from openswarm.journal.journal import Journal
from openswarm.swarm.quotes import documents_read
from openswarm.tools.corpus.chunks import Chunk
from openswarm.tools.corpus.passages import best_passages
from openswarm.tools.corpus.words import telling_words
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

BEST = 6
"""Of so many documents passages are shown."""
SHOWN_BYTES = 1_200


class LookUp(BaseModel):
    """The parameters of `look_up`."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field(min_length=1, max_length=400)


def look_up_tool(journal: Journal, events: Sequence[AnyEvent]) -> Tool:
    """The tool over the journal of one run."""

    async def run(params: LookUp, _: ToolContext) -> ToolResult:
        text = await anyio.to_thread.run_sync(
            lambda: _search(params.words, material(journal, events))
        )
        return ToolResult(text or "Nothing that the run has read has these words.")

    return Tool("look_up", prompt_text(__file__), LookUp, run, read_only=True)


def material(journal: Journal, events: Sequence[AnyEvent]) -> list[Document]:
    """All that the sub-agents of a run have read and reported, each document once."""
    by_agent: dict[str, list[AnyEvent]] = {}
    found: dict[Document, None] = {}
    for event in events:
        by_agent.setdefault(event.agent, []).append(event)
        if isinstance(event, ReportReceived) and not event.rows:
            text = journal.read(event.text)
            found.update({Document(f"report of {event.agent}", text): None} if text else {})
    for agent, own in by_agent.items():
        if agent == "root" or is_subagent(agent):
            readings = replay(agent, journal, own).readings
            found.update(dict.fromkeys(documents_read(readings)))
    return list(found)


def _search(words: str, documents: Sequence[Document]) -> str:
    wanted = set(telling_words(words))
    scored = [(len(wanted & set(telling_words(d.text))), d) for d in documents]
    best = sorted((entry for entry in scored if entry[0]), key=lambda entry: -entry[0])[:BEST]
    shown = []
    for _, document in best:
        passages = best_passages([Chunk(0, "", document.text)], "prose", [words], SHOWN_BYTES)
        text = "\n…\n".join(passage.text for passage in passages)
        shown.append(fence(Document(document.source, text or document.text[:SHOWN_BYTES])))
    return "\n\n".join(shown)
