"""What stands between a checked call and its tool, in this order: the user's policy, a person's
approval, equal calls of others, a place of the resource, and secrets taken out of the result.

One dispatcher serves a whole swarm. The tools know nothing of it.
"""

from collections.abc import Callable
from dataclasses import replace

from pydantic import BaseModel

from openswarm.core.tooling import Policy, Verdict
from openswarm.journal.journal import unchanged
from openswarm.pacing.limiter import Pacing
from openswarm.tools.approvals import Approvals
from openswarm.tools.shared import SharedCalls
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult

DENIED = (
    "{tool} was not run: {why}. Do not try the same another way; go on without it and say in your"
    " report what you could not do."
)

NO_RULES = Policy()


async def refusal(
    tool: str, verdict: Verdict, effect: Effect, approvals: Approvals | None, context: ToolContext
) -> str:
    """Why what a tool is about to do may not be done, or ''. Asks where the verdict says so."""
    if verdict == "deny":
        return "the user's policy denies it"
    if verdict == "allow":
        return ""
    if approvals is None:
        return "it needs an approval, and this run has nobody to ask"
    given = await approvals.ask(tool, effect, context)
    return "" if given.answer == "allow" else f"it was denied ({given.by})"


class Dispatcher:
    """Runs the calls of all agents of a run."""

    def __init__(
        self,
        approvals: Approvals | None = None,
        policy: Policy = NO_RULES,
        pacing: Pacing | None = None,
        scrub: Callable[[str], str] = unchanged,
    ) -> None:
        self.approvals = approvals
        self.shared = SharedCalls()
        self._policy = policy
        self._pacing = pacing or Pacing()
        self._scrub = scrub

    async def run(self, tool: Tool, params: BaseModel, context: ToolContext) -> ToolResult:
        """The result of a call. Raises what the tool raises."""
        if refusal := await self._refuse(tool, params, context):
            return ToolResult(DENIED.format(tool=tool.name, why=refusal), ok=False)
        if tool.read_only:
            result = await self.shared.run(tool, params, context, self._in_its_place)
        else:
            result = await self._in_its_place(tool, params, context)
        return self.clean(result)

    async def _refuse(self, tool: Tool, params: BaseModel, context: ToolContext) -> str:
        """Why the call may not run, or ''."""
        effect = tool.effect(params)
        verdict = self._policy.verdict(tool.name, "allow" if effect is None else "ask")
        if verdict == "allow":
            return ""
        effect = effect or Effect(f"{tool.name} {params.model_dump_json(by_alias=True)}")
        shown = replace(effect, command=self._scrub(effect.command))
        return await refusal(tool.name, verdict, shown, self.approvals, context)

    async def _in_its_place(
        self, tool: Tool, params: BaseModel, context: ToolContext
    ) -> ToolResult:
        if not tool.resource:
            return await tool.run(params, context)
        limiter = self._pacing.limiter(tool.resource)
        return await limiter.call(lambda: tool.run(params, context), holder=context.agent)

    def clean(self, result: ToolResult) -> ToolResult:
        """The result without the known secrets."""
        text, display = self._scrub(result.text), self._scrub(result.display)
        if text == result.text and display == result.display:
            return result
        return replace(result, text=text, display=display)
