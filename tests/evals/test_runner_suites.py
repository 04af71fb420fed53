"""What is right comes through a real run unharmed: an agent that knows the answers scores 1."""

from pathlib import Path
from typing import Any

import pytest

from openswarm.evals.arms import Arm
from openswarm.evals.runner import Eval, carry_out
from openswarm.evals.scoring.score import score
from openswarm.evals.suites.catalogue import FAMILIES
from openswarm.evals.task import EvalTask
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import brief, calls, turn

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("evals.runner")]


class Knowing:
    """Agents that know what is right: one alone, and an orchestrator with sub-agents."""

    def __init__(self, tasks: list[EvalTask]) -> None:
        self.tasks = tasks

    def model(self) -> ScriptedModel:
        """Both of them."""
        scripts = {"agent": self.alone, "orchestrator": self.lead, "researcher": self.work}
        return ScriptedModel(scripts)

    def alone(self, request: Request) -> Say:
        """Hands all of it in at once."""
        task = next(task for task in self.tasks if task.question in brief(request))
        if task.contract is None:
            return Say(f"Exact Answer: {task.answer}")
        return calls(("report", {"rows": [self.row(task, gold) for gold in task.gold]}))

    def lead(self, request: Request) -> Say:
        """Gives each row to a sub-agent; who asks for no table is answered at once."""
        task = next(task for task in self.tasks if task.question in brief(request))
        if task.contract is None:
            return Say(f"Exact Answer: {task.answer}")
        if turn(request):
            return Say("Done.")
        items = [" / ".join(gold[name] for name in task.contract.key) for gold in task.gold]
        template = f"[{task.id}] about <{{{{item}}}}>"
        batch = {"agent": "researcher", "prompt_template": template, "items": items}
        return calls(("assign_batch", batch))

    def work(self, request: Request) -> Say:
        """Hands one row in."""
        text = brief(request)
        task = next(task for task in self.tasks if f"[{task.id}]" in text)
        assert task.contract is not None
        key = task.contract.key
        for gold in task.gold:
            if f"about <{' / '.join(gold[name] for name in key)}>" in text:
                row = self.row(task, gold)
                return calls(("report", {n: v for n, v in row.items() if n not in key}))
        raise AssertionError(text)

    def row(self, task: EvalTask, gold: dict[str, str]) -> dict[str, Any]:
        """A right row as a model hands it in."""
        assert task.contract is not None
        place = {"source": task.scope[0], "quote": ""}
        key = task.contract.key
        return {n: v if n in key else {"value": v, **place} for n, v in gold.items()}


@pytest.mark.parametrize("name", FAMILIES)
async def test_what_is_right_scores_1_under_both_arms(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    material = family.sample()
    tasks = list(family.tasks(material, "test", 3, seed=1))
    model = Knowing(tasks).model()
    found = await carry_out(
        Eval(
            tasks=tasks,
            arms=[Arm("single", "agent", model), Arm("swarm", "swarm", model)],
            corpora={material.documents.name: material.documents},
            out=tmp_path,
            scorer=score,
            home=tmp_path / "home",
            keep_runs=False,
        )
    )
    wrong = [
        (episode.task, episode.arm, episode.score.item_f1, episode.outcome, episode.error)
        for episode in found
        if episode.error or episode.score.item_f1 < 1 or episode.score.success < 1
    ]
    assert not wrong
    spawned = {episode.metrics.spawned for episode in found if episode.arm == "single"}
    assert spawned == {0}
