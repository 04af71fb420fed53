"""Everything that an orchestrator wrote is checked here, in full, before anything starts.

Each check returns what to say to the orchestrator, or '' when nothing is wrong.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from openswarm.core.limits import Limits
from openswarm.swarm.assignment import AgentSpec
from openswarm.swarm.spawn_params import PLACEHOLDER, AssignBatch, AssignTask, CreateSubagent

MIN_ITEM_CHARS = 1
MAX_ITEM_CHARS = 400


@dataclass(frozen=True, slots=True)
class Brief:
    """One assignment as it was asked for."""

    agent: str
    item: str
    prompt: str

    @property
    def folded(self) -> str:
        """The prompt for comparison: case and white space do not count."""
        return " ".join(self.prompt.casefold().split())


def expand(params: AssignTask | AssignBatch) -> list[Brief]:
    """The assignments that a call asks for."""
    if isinstance(params, AssignTask):
        return [Brief(params.agent, "", params.prompt)]
    return [
        Brief(params.agent, item.strip(), params.prompt_template.replace(PLACEHOLDER, item.strip()))
        for item in params.items
    ]


def refuse_call(
    params: AssignTask | AssignBatch, specs: Mapping[str, AgentSpec], briefs: Sequence[Brief]
) -> str:
    """What is wrong with a call by itself."""
    if params.agent not in specs:
        return (
            f"there is no agent {params.agent!r}; registered are {', '.join(specs)}; register it"
            " first with create_subagent"
        )
    if isinstance(params, AssignBatch):
        if PLACEHOLDER not in params.prompt_template:
            return f"prompt_template has no {PLACEHOLDER}, so all would do the same"
        bad = [b.item for b in briefs if not MIN_ITEM_CHARS <= len(b.item) <= MAX_ITEM_CHARS]
        if bad:
            return f"an item is empty or longer than {MAX_ITEM_CHARS} characters: {bad[0][:60]!r}"
    return ""


def refuse_repeats(
    briefs: Sequence[Brief], in_turn: Collection[str], finished: Mapping[str, str]
) -> str:
    """A brief that equals another of this turn, or one whose report is there already."""
    seen = set(in_turn)
    for brief in briefs:
        if brief.folded in seen:
            return f"the same work is assigned twice in this turn: {brief.prompt[:100]!r}"
        seen.add(brief.folded)
        if brief.folded in finished:
            return (
                f"{finished[brief.folded]} has done exactly this: {brief.prompt[:100]!r}; use its"
                " report, or ask for something else"
            )
    return ""


def refuse_count(asked: int, started: int, limits: Limits) -> str:
    """More sub-agents than the run may start."""
    left = limits.max_subagents - started
    if limits.depth < 1:
        return "sub-agents are switched off in this run; do the work yourself"
    if asked > left:
        return f"{asked} sub-agents are asked for, but only {max(0, left)} of" + (
            f" {limits.max_subagents} are left; assign fewer, or put several items into one"
        )
    return ""


def refuse_spec(
    params: CreateSubagent,
    specs: Mapping[str, AgentSpec],
    tools: Collection[str],
    models: Collection[str],
) -> str:
    """What is wrong with a configuration."""
    unknown = sorted(set(params.tools or ()) - set(tools))
    if unknown:
        return f"there is no tool {unknown[0]!r} to give; there are {', '.join(tools) or 'none'}"
    if params.model and params.model not in models:
        return f"there is no model {params.model!r} to give; there are {', '.join(models)}"
    known = specs.get(params.name)
    if known is not None and known.system_prompt != params.system_prompt:
        return f"{params.name!r} is registered already with another prompt; choose another name"
    return ""
