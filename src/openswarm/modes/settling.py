"""The one question to the run's model where the router is unsure: paced, paid for, journalled.

It is asked as an agent of its own, `router/1`. A resumed run takes the reply that was paid for.
"""

import time
from collections.abc import Sequence

from openswarm.agent.conversation import Conversation
from openswarm.core.budget import Ledger
from openswarm.core.events import AnyEvent, ModeChosen, ModelReplied, TaskAssigned
from openswarm.core.messages import Message
from openswarm.journal.journal import Journal
from openswarm.llm.model import Reply, Request
from openswarm.llm.paced import PacedModel
from openswarm.modes.build import Plan
from openswarm.modes.crew import ORCHESTRATOR
from openswarm.modes.routing import Route, settle
from openswarm.modes.routing.settle import ROUTER
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Pacing

PATH = f"{ROUTER}/1"
LABEL = "which mode"
RETRY_S = 5.0
"""How long a failing question is tried again: the classifier's choice is there without it."""


async def settled(plan: Plan, past: Sequence[AnyEvent]) -> Route:
    """The route of a run that has none yet; `past` is what its journal holds.

    A compact model is asked nothing: it is right less often than the classifier.
    """
    if plan.models[ORCHESTRATOR].info.compact:
        return plan.route

    async def ask(request: Request) -> Reply:
        paid_for = _reply_before(plan.journal, past)
        return paid_for or await _ask(plan, request)

    return await settle(plan.route, plan.task, len(plan.tools) + len(plan.task.tools), ask)


def mode_chosen(route: Route) -> ModeChosen:
    """The event that says what was chosen, and why."""
    return ModeChosen(
        mode=route.mode, why=route.why, width=route.width, by=route.by, confidence=route.confidence
    )


async def _ask(plan: Plan, request: Request) -> Reply:
    """Asks, and journals what was paid for; a question without a reply leaves no trace."""
    journal, model, limits = plan.journal, plan.models[ORCHESTRATOR], plan.task.limits
    limiter, gate = Pacing().limiter(model.resource), BudgetGate(Ledger.of(limits))
    started = time.monotonic()
    paid = await PacedModel(model, limiter, gate, min(RETRY_S, limits.retry_s)).reply(request)
    system, question = (journal.keep(message.text) for message in request.history)
    talk = Conversation(PATH, journal)
    talk.begin(TaskAssigned(agent=PATH, name=ROUTER, label=LABEL, system=system, brief=question))
    talk.replied(paid, model.spec, time.monotonic() - started, final=True)
    await journal.commit()
    return paid.reply


def _reply_before(journal: Journal, past: Sequence[AnyEvent]) -> Reply | None:
    """What an earlier process was told, and paid for."""
    for event in past:
        if isinstance(event, ModelReplied) and event.agent == PATH:
            message = Message(role="assistant", content=journal.read(event.text))
            return Reply(message, event.usage)
    return None
