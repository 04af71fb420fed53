"""Agents that work beside a finished run: who turns a wish into operations, who answers a question.

They are journalled in the run under paths of their own (`edit/1`, `ask/1`), and are no sub-agents.
"""

from collections.abc import Mapping, Sequence

from openswarm.agent.context import Context
from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation
from openswarm.agent.loop import Agent
from openswarm.agent.turn import Turn
from openswarm.core.budget import Ledger
from openswarm.journal.fold import RunView
from openswarm.journal.journal import Journal
from openswarm.llm.model import ChatModel
from openswarm.llm.paced import PacedModel
from openswarm.modes.crew import ORCHESTRATOR
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Pacing
from openswarm.tools.tool import Tool
from openswarm.tools.toolset import Toolset

STEPS = 3


def next_path(view: RunView, kind: str) -> str:
    """The path of the next agent of that kind, such as `edit/2`."""
    return f"{kind}/{1 + sum(path.startswith(f'{kind}/') for path in view.agents)}"


def agent_beside(
    name: str,
    talk: Conversation,
    journal: Journal,
    view: RunView,
    models: Mapping[str, ChatModel],
    tools: Sequence[Tool],
    *,
    closing: tuple[str, ...] = (),
    steps: int = STEPS,
) -> Agent:
    """An agent with the root's model and the run's limits, which hold for it anew.

    With `closing` tools it has to call one, where the model can be made to.
    """
    assert view.task is not None
    limits, model = view.task.limits, models[ORCHESTRATOR]
    control = Control(talk.path)
    limiter = Pacing(lambda *_: None).limiter(model.resource)
    turn = Turn(
        name=name,
        model=PacedModel(model, limiter, BudgetGate(Ledger.of(limits)), limits.retry_s),
        journal=journal,
        conversation=talk,
        control=control,
        context=Context(model.info.context_tokens),
        reply_tokens=limits.reply_tokens,
        stall_s=limits.stall_s,
        must_call=lambda: model.info.compact and bool(closing),
    )
    return Agent(
        conversation=talk,
        turn=turn,
        tools=Toolset(tools),
        control=control,
        max_steps=steps,
        closing_tools=closing,
    )
