"""Sub-agents that are a model: they read through the real tools, and what they hand in counts."""

import re
from dataclasses import dataclass, field

import pytest
from parl_cases import Script, assign, documents, profile, request, wide_task

from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import OnDelta, Reply, Request, ignore
from openswarm.parl.environment import Environment, Seat
from openswarm.parl.simulated import _calls, _Frozen

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("parl.frozen-workers")]


@dataclass(slots=True, eq=False)
class Reader(_Frozen):
    """Opens the document that its brief names and hands in the capital that stands there."""

    forgets: str = ""
    """The land whose row it leaves empty."""
    closed: list[bool] = field(default_factory=list)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        brief = request.history[1].text
        last = tuple(request.history)[-1]
        name = re.findall(r"\w+\.md", brief)[-1]
        found = re.search(r"The capital is (City \w)", last.text) if last.role == "tool" else None
        if found is None and last.role != "tool":
            return Reply(_calls("open", document=name, page=1), Usage(), "tool_calls")
        value = found[1] if found and name != self.forgets else ""
        call = ToolCall(id="r", name="report", arguments=f'{{"capital": {{"value": "{value}"}}}}')
        return Reply(Message(role="assistant", tool_calls=(call,)), Usage(), "tool_calls")

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        self.closed.append(True)


async def test_what_a_model_reads_and_hands_in_is_what_a_rollout_is_worth() -> None:
    """Two steps each; a row that it leaves empty is missing; the model stays open for others."""
    task = wide_task(3)
    for worker, right, outcomes in (
        (Reader(), 1.0, ("completed",) * 3),
        (Reader(forgets="belu.md"), 0.0, ("completed", "empty", "completed")),
    ):
        env = Environment({"lands": documents()}, profile(), real=worker)
        made = await env.rollout(request(task), Script([assign(0, 1, 2)]), Seat())
        assert made.stages[0].steps == (2, 2, 2)
        assert made.stages[0].outcomes == outcomes
        assert made.success == right
        assert not worker.closed
