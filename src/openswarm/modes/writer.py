"""Writing an answer from a table: one reply of the root's model, in a conversation of its own."""

from collections.abc import Sequence

from openswarm.agent.context import Context
from openswarm.agent.conversation import Conversation, replay
from openswarm.agent.turn import Turn
from openswarm.core.errors import BudgetError, ModelError
from openswarm.core.events import Answered, AnyEvent, Failed, GenerationStarted, TaskAssigned
from openswarm.modes.crew import Crew

WRITER = "writer"
"""The name by which scripted models know it."""


async def write_answer(
    crew: Crew, generation: int, *, earlier: str = "", instruction: str = "", missing: str = ""
) -> str:
    """The answer; '' where the model could not be had, which is journalled.

    An earlier process's reply for the same generation is used again.
    """
    table = crew.merge.table()
    assert table is not None
    journal = crew.means.journal
    events = journal.events()
    path = f"answer/{generation}"
    if given := _num_given(events):
        path = f"{path}.{given}"
    talk = replay(path, journal, events)
    if not len(talk.history):
        brief = crew.prompts.to_write(
            table, task=crew.means.task.text, earlier=earlier, instruction=instruction,
            missing=missing,
        )  # fmt: skip
        system = journal.keep(crew.prompts.writer())
        talk.begin(TaskAssigned(agent=path, name=WRITER, system=system, brief=journal.keep(brief)))
    if talk.last.role != "assistant":
        try:
            await _turn(crew, talk).take(())
        except (ModelError, BudgetError) as error:
            journal.append(
                Failed(agent=path, boundary=error.boundary, kind=error.kind, message=str(error))
            )
            return ""
    return talk.last.text.strip()


def _num_given(events: Sequence[AnyEvent]) -> int:
    """How many answers this generation has had: each is written from the table as it stands."""
    count = 0
    for event in events:
        count = 0 if isinstance(event, GenerationStarted) else count + isinstance(event, Answered)
    return count


def _turn(crew: Crew, talk: Conversation) -> Turn:
    model, limits = crew.model, crew.means.task.limits
    return Turn(
        name=WRITER,
        model=model,
        journal=crew.means.journal,
        conversation=talk,
        control=crew.control,
        context=Context(model.info.context_tokens, crew.means.strategy),
        reply_tokens=limits.reply_tokens,
        stall_s=limits.stall_s,
    )
