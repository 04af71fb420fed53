"""The orchestrator: an ordinary agent whose tools assign work. Builds it, or the one that was."""

from collections.abc import Callable
from dataclasses import dataclass

from openswarm.agent.context import Context
from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation
from openswarm.agent.loop import Agent
from openswarm.agent.turn import Turn
from openswarm.core.budget import Amount
from openswarm.core.limits import Limits
from openswarm.core.messages import Message
from openswarm.core.settings import Strategy
from openswarm.journal.journal import Journal
from openswarm.llm.paced import PacedModel
from openswarm.swarm.assignment import AgentSpec
from openswarm.swarm.spawn import Spawner
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.tool import Tool
from openswarm.tools.toolset import Toolset

NAME = "orchestrator"
DEFAULT_AGENT = AgentSpec(
    name="researcher",
    system_prompt="You are a careful researcher who finds facts in sources and reports them.",
)
"""The configuration that is there from the start, so that one call can be enough to lead."""


def held_back(limits: Limits) -> Amount:
    """What of the budget sub-agents leave over, so that the orchestrator can still answer."""
    return Amount(
        steps=min(2, (limits.steps or 0) // 10),
        tokens=(limits.tokens or 0) // 10,
        usd=(limits.usd or 0.0) / 10,
    )


@dataclass(frozen=True, slots=True)
class Lead:
    """What the agent at the root of a run works with, whatever its mode."""

    name: str
    model: PacedModel
    journal: Journal
    conversation: Conversation
    control: Control
    limits: Limits
    strategy: Strategy
    tools: tuple[Tool, ...] = ()
    dispatch: Dispatcher | None = None
    spawner: Spawner | None = None
    thinking: bool | None = None
    effort: str = ""
    stop_when: Callable[[], str] = lambda: ""
    must_call: Callable[[], bool] = lambda: False
    closing_tools: tuple[str, ...] = ()
    review: Callable[[Message], str] = lambda _: ""

    def agent(self) -> Agent:
        """The agent, ready to run."""
        turn = Turn(
            name=self.name,
            model=self.model,
            journal=self.journal,
            conversation=self.conversation,
            control=self.control,
            context=Context(self.model.info.context_tokens, self.strategy),
            reply_tokens=self.limits.reply_tokens,
            stall_s=self.limits.stall_s,
            thinking=self.thinking,
            effort=self.effort,
            must_call=self.must_call,
        )
        return Agent(
            conversation=self.conversation,
            turn=turn,
            tools=Toolset(self.tools, group=self.spawner, dispatch=self.dispatch),
            control=self.control,
            max_steps=self.limits.orchestrator_steps,
            repeats=self.limits.repeats,
            closing_tools=self.closing_tools,
            review=self.review,
            stop_when=self.stop_when,
        )
