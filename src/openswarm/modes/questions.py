"""Questions about a finished run, answered from what it found, without new work of sub-agents."""

from contextlib import AsyncExitStack
from pathlib import Path

from openswarm.agent.conversation import Conversation
from openswarm.core.errors import UserError
from openswarm.core.events import TaskAssigned
from openswarm.core.frozen import Frozen
from openswarm.core.messages import Usage
from openswarm.core.result import Citation, Outcome
from openswarm.core.settings import Settings
from openswarm.journal.fold import fold
from openswarm.modes.beside import agent_beside, next_path
from openswarm.modes.edits import FinishedRun, open_finished
from openswarm.modes.parts import ModelChoice
from openswarm.modes.result import coverage_of_run, known_words, what_is_missing
from openswarm.swarm.citations import cited_answer
from openswarm.swarm.look_up import look_up_tool
from openswarm.swarm.prompts import render

ASKED = "asked"
"""The name by which scripted models know who answers."""
SHOWN_ROWS = 400
STEPS = 6


class Answer(Frozen):
    """What a question about a run came to."""

    text: str
    """Statements name their cells (`[c1]`); those that no cell supports are marked."""
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()
    outcome: Outcome = "completed"
    tokens: Usage = Usage()
    cost_usd: float | None = None
    steps: int = 0
    """Replies of the model."""


async def ask(
    run_id: str,
    question: str,
    *,
    model: ModelChoice = "",
    home: Path | None = None,
    settings: Settings | None = None,
) -> Answer:
    """Answers a question from a finished run: its answer, table, reports, and what was read.

    No sub-agent works and the run's result stays what it is; the exchange is in its journal.
    """
    if not question.strip():
        raise UserError("the question is empty; say what you want to know of the run")
    async with AsyncExitStack() as stack:
        run = await open_finished(stack, run_id, home, settings)
        talk = _conversation(run, question)
        agent = agent_beside(
            ASKED, talk, run.journal, run.view, await run.models(stack, model, ""),
            [look_up_tool(run.journal, run.past)], steps=STEPS,
        )  # fmt: skip
        ending = await agent.run()
        await run.journal.commit()
        own = fold(run.journal.events()).agents[talk.path]
        cited = cited_answer(ending.text, run.view.table, f"{known_words(run.view)}\n{question}")
        return Answer(
            text=cited.text,
            citations=cited.citations,
            unsupported=cited.unsupported,
            outcome=ending.outcome,
            tokens=own.usage,
            cost_usd=own.cost_usd,
            steps=own.steps,
        )


def _conversation(run: FinishedRun, question: str) -> Conversation:
    view, keep = run.view, run.journal.keep
    brief = render(
        "asked",
        question=question,
        task=view.task.text if view.task else "",
        answer=run.journal.read(view.answer),
        table=view.table,
        shown=SHOWN_ROWS,
        missing=what_is_missing(coverage_of_run(view)),
    )
    talk = Conversation(next_path(view, "ask"), run.journal)
    system = keep(render("asked", question=""))
    talk.begin(
        TaskAssigned(
            agent=talk.path, name=ASKED, label=question[:80], system=system, brief=keep(brief)
        )
    )
    return talk
