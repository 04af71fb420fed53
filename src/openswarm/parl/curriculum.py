"""Which tasks a training sees, and with which budget.

Tasks come from the suites, by family and in fixed shares; those are left out of which nobody could
know which documents matter without reading them all. The tasks of an update are a function of the
seed and its number, so that a training can be resumed. Knows no policy.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openswarm.core.errors import SettingsError
from openswarm.core.messages import Message
from openswarm.evals.documents import Documents
from openswarm.evals.suites.catalogue import FAMILIES, Dials
from openswarm.evals.task import CONTROLS, EvalTask, Split
from openswarm.llm.policy.view import View
from openswarm.parl.environment import page_bytes_of, question_of

POOL = 400
"""Tasks of each family that a training draws from."""
SHARES = {
    "factbook-wide": 0.4,
    "elements": 0.2,
    "fact": 0.2,
    "sequential": 0.2,
}
"""Of the tasks of an update, by family."""
DIALS = Dials(min_rows=2, max_rows=12, columns=4, distractors=6)
"""A training's tasks are at most twelve wide; tests go three times wider."""
LEAST = 13
"""Critical steps that every wide task may take: one round of sub-agents and a second try."""
TIGHT = 0.6
"""The budget of a wide task as a share of what one agent alone would take."""
SPARE = 2
"""Critical steps of a control beyond what one agent takes: with fewer an answer is forced."""


@dataclass(frozen=True)
class Curriculum:
    """Tasks to train with."""

    corpora: Mapping[str, Documents]
    pools: Mapping[str, Sequence[EvalTask]]
    """By family."""
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    tight: float = TIGHT

    def draw(self, count: int, seed: int, update: int) -> list[EvalTask]:
        """The tasks of an update."""
        numbers = random.Random(f"curriculum/{seed}/{update}")
        names = [name for name in self.shares if self.pools.get(name)]
        weights = [self.shares[name] for name in names]
        return [
            numbers.choice(self.pools[name]) for name in numbers.choices(names, weights, k=count)
        ]

    def alone(self, task: EvalTask) -> int:
        """The steps of one agent that reads every page it needs and answers."""
        documents = self.corpora[task.corpus]
        pages = (
            len(documents.pages(name, page_bytes_of(task.corpus)))
            for part in task.parts
            for name in part.documents
        )
        return sum(pages) + 1

    def budget(self, task: EvalTask) -> int:
        """The critical-step budget of a task."""
        if task.kind in CONTROLS:
            return self.alone(task) + SPARE
        return max(LEAST, round(self.tight * self.alone(task)))


def is_plain(task: EvalTask) -> bool:
    """Whether a policy can know what to read: what the question names, or all there is.

    Of a sequential task the pages say it.
    """
    if task.kind in ("fact", "sequential"):
        return True
    view = View()
    view.read([Message(role="user", content=question_of(task))])
    needed = {part.documents[0] for part in task.parts if part.documents}
    places = [place for place, doc in enumerate(view.documents) if doc.name in needed]
    named = view.named or len(view.documents)
    return places == list(range(len(needed))) and len(needed) == named


def build_curriculum(
    home: Path | None,
    families: Sequence[str] = tuple(SHARES),
    *,
    split: Split = "train",
    dials: Dials = DIALS,
    pool: int = POOL,
    seed: int = 0,
) -> Curriculum:
    """The tasks of these families; `home` is where corpora are built, None takes the samples.

    Raises `SettingsError` for a family that is not there, or whose packages cannot be had.
    """
    corpora: dict[str, Documents] = {}
    pools: dict[str, list[EvalTask]] = {}
    for name in families:
        family = FAMILIES.get(name)
        if family is None:
            raise SettingsError(f"there is no family {name!r}; there are {', '.join(FAMILIES)}")
        material = family.sample() if home is None else family.build(home)
        corpora[material.documents.name] = material.documents
        drawn = family.tasks(material, split, 3 * pool, seed, dials)
        pools[name] = [task for task in drawn if is_plain(task)][:pool]
    return Curriculum(corpora, pools)
