"""A model with its limiter and its budget: the only way in which agents call models.

Reserves an upper bound, waits for the endpoint, books what was really used. The conversation is
not known here.
"""

from dataclasses import dataclass

from openswarm.core.budget import NOTHING, Amount
from openswarm.llm.model import ChatModel, ModelInfo, OnDelta, Reply, Request, ignore
from openswarm.llm.prices import bound_usd, cost_usd
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Limiter, OnGo, OnWait


@dataclass(frozen=True, slots=True)
class PaidReply:
    """A reply with what it cost; None where the model has no price."""

    reply: Reply
    cost_usd: float | None
    excess_tokens: int = 0
    """By how much the bound of its input was too high."""


class PacedModel:
    """One model as the agents of a run share it."""

    def __init__(
        self, model: ChatModel, limiter: Limiter, gate: BudgetGate, retry_s: float
    ) -> None:
        self.model = model
        self._limiter = limiter
        self._gate = gate
        self._retry_s = retry_s

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self.model.info

    async def reply(
        self,
        request: Request,
        *,
        on_delta: OnDelta = ignore,
        on_wait: OnWait = lambda *_: None,
        on_go: OnGo = lambda: None,
        held_back: Amount = NOTHING,
    ) -> PaidReply:
        """One reply, paid for. Raises `BudgetError` before, or `ModelError` after all retries."""
        bound = self._input_bound(request)
        reserved = self._bound(request, bound)
        await self._gate.reserve(reserved, held_back)
        spent, cost = NOTHING, None
        try:
            reply = await self._limiter.call(
                lambda: self.model.reply(request, on_delta),
                retry_s=self._retry_s,
                on_wait=on_wait,
                on_go=on_go,
            )
            cost = cost_usd(self.info.price, reply.usage)
            spent = Amount(1, reply.usage.total_tokens, cost or 0.0)
        finally:
            self._gate.settle(reserved, spent)
        excess = bound - reply.usage.input_tokens if bound is not None else 0
        return PaidReply(reply, cost, excess)

    def _input_bound(self, request: Request) -> int | None:
        """An upper bound of the input tokens; None where no ceiling asks for it."""
        ledger = self._gate.ledger
        if ledger.tokens is None and (ledger.usd is None or self.info.price is None):
            return None
        return self.model.input_bound(request)

    def _bound(self, request: Request, bound: int | None) -> Amount:
        if bound is None:
            return Amount(steps=1)
        tokens = max(0, bound - request.excess_tokens)
        usd = bound_usd(self.info.price, tokens, request.max_tokens)
        return Amount(1, tokens + request.max_tokens, usd or 0.0)
