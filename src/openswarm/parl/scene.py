"""What is true in one rollout: where each fact stands, and who has read or reported what.

Scripted workers and the scripted writer look here instead of reading; the orchestrator never does.
Knows no model and no journal.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from openswarm.core.events import ROOT
from openswarm.evals.documents import PAGE_BYTES, Documents, page_tools
from openswarm.evals.task import EvalTask, Part
from openswarm.parl.workers.profile import WorkerProfile
from openswarm.tools.tool import Tool, ToolContext, ToolResult

WRONG = "not known"
"""The value of a cell that a worker got wrong."""


@dataclass(slots=True)
class _Reading:
    """Notes down which pages an agent opens."""

    tool: Tool
    scene: "Scene"

    async def run(self, params: object, context: ToolContext) -> ToolResult:
        result = await self.tool.run(params, context)  # type: ignore[arg-type]
        self.scene.read[context.agent].add((result.data.document, result.data.page))
        return result


@dataclass
class Scene:
    """One task, its documents, and what has become known of it in this rollout."""

    task: EvalTask
    documents: Documents
    profile: WorkerProfile
    seed: int
    page_bytes: int = PAGE_BYTES
    read: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    """Pages by the path of the agent that opened them."""
    findings: dict[str, bool] = field(default_factory=dict)
    """Parts that workers reported in words, and whether rightly."""

    def draws(self, *where: object) -> random.Random:
        """Random numbers of one place of the rollout: equal places give equal numbers."""
        return random.Random("/".join(map(str, (self.seed, self.task.id, *where))))

    def tools(self) -> list[Tool]:
        """`open` and `search` over the task's documents; what is opened is noted down."""
        opening, searching = page_tools(self.documents, self.task.scope, self.page_bytes)
        noting = Tool(
            opening.name,
            opening.description,
            opening.params,
            _Reading(opening, self).run,
            read_only=True,
        )
        return [noting, searching]

    def part_of(self, document: str) -> Part | None:
        """The part whose reading begins with a document."""
        return next((p for p in self.task.parts if p.documents[:1] == (document,)), None)

    def pages_of(self, part: Part) -> list[tuple[str, int]]:
        """The pages that have to be read for a part, in order."""
        return [
            (name, page)
            for name in part.documents
            for page in range(1, self._last[part.name, name] + 1)
        ]

    def row_of(self, part: Part) -> dict[str, str]:
        """The right row of a part; {} where no table is asked for."""
        return self._rows.get(part.name.casefold(), {})

    def known_by_root(self, part: Part) -> bool:
        """Whether the orchestrator itself has read all that a part needs."""
        return self.read[ROOT].issuperset(self.pages_of(part))

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        key = self.task.contract.key[0] if self.task.contract else ""
        return {row[key].casefold(): row for row in self.task.gold} if key else {}

    @cached_property
    def _last(self) -> dict[tuple[str, str], int]:
        """By part and document: the last page that has to be read."""
        return {
            (part.name, name): self._last_page(part, name)
            for part in self.task.parts
            for name in part.documents
        }

    def _last_page(self, part: Part, name: str) -> int:
        pages = self.documents.pages(name, self.page_bytes)
        places = [
            next((n for n, page in enumerate(pages, 1) if value in page), len(pages))
            for value in self._values(part)
        ]
        return max(places, default=len(pages))

    def _values(self, part: Part) -> Iterator[str]:
        """What of a part stands in its documents."""
        row = self.row_of(part)
        key = self.task.contract.key if self.task.contract else ()
        yield from (value for name, value in row.items() if name not in key and value)
