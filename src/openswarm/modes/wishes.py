"""A wish in words becomes operations on a table: one reply of a model, checked before it counts."""

from collections.abc import Mapping

from openswarm.agent.conversation import Conversation, replay
from openswarm.core.errors import UserError
from openswarm.core.events import TaskAssigned
from openswarm.core.operations import Operation
from openswarm.journal.fold import RunView
from openswarm.journal.journal import Journal
from openswarm.llm.model import ChatModel
from openswarm.modes.beside import agent_beside, next_path
from openswarm.swarm.edit_table import EDIT_TABLE, Check, edit_table_tool
from openswarm.swarm.prompts import render
from openswarm.tools.tool import Tool
from openswarm.tools.toolset import Toolset

EDITOR = "editor"
"""The name by which scripted models know it."""
SHOWN_ROWS = 300


async def operations_for(
    wish: str, journal: Journal, view: RunView, models: Mapping[str, ChatModel], check: Check
) -> tuple[Operation, ...]:
    """The operations that a wish asks for; what cannot be done goes back to the model.

    Raises `UserError` with the model's words where it sees no operation for it.
    """
    if view.table is None:
        raise UserError("the run has no table; edits work on the cells of one")
    if not wish.strip():
        raise UserError("the wish is empty; say what is to be changed")
    tool = edit_table_tool(check)
    brief = render("editor", wish=wish, table=view.table, shown=SHOWN_ROWS)
    if known := await _proposed_before(brief, journal, view, tool):
        return known
    talk = Conversation(next_path(view, "edit"), journal)
    keep = journal.keep
    system = keep(render("editor", wish=""))
    talk.begin(TaskAssigned(agent=talk.path, name=EDITOR, system=system, brief=keep(brief)))
    agent = agent_beside(EDITOR, talk, journal, view, models, [tool], closing=(EDIT_TABLE,))
    ending = await agent.run()
    await journal.commit()
    if ending.closing is None:
        said = " ".join(ending.text.split())[:500]
        raise UserError(f"no edit was made of the wish: {said or ending.why}")
    return ending.closing.data


async def _proposed_before(
    brief: str, journal: Journal, view: RunView, tool: Tool
) -> tuple[Operation, ...]:
    """What was made of the same wish on the same table already: it was paid for."""
    events = journal.events()
    for path in reversed([path for path in view.agents if path.startswith("edit/")]):
        talk = replay(path, journal, events)
        if len(talk.history) > 2 and talk.history[1].text == brief:
            calls = [call for m in talk.history for call in m.tool_calls if call.name == EDIT_TABLE]
            results = await Toolset([tool]).run(calls[-1:], path, lambda _: None, lambda *_: None)
            if results and results[0].closing:
                return results[0].data
    return ()
