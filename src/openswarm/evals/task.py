"""What an eval is about: a question over documents, and what is known to be right.

Data alone. The question, the documents in scope and the contract are shown to who is tested; the
rest is for scorers, oracles and scripted sub-agents.
"""

from typing import Literal

from pydantic import Field

from openswarm.core.contract import Contract
from openswarm.core.frozen import Frozen

Kind = Literal["wide", "change", "chain", "join", "fact", "sequential"]
"""wide: rows that do not depend on each other. change: the same over two editions. chain: one
answer behind hops. join: independent chains and a comparison at the end. fact, sequential:
controls, in which sub-agents cannot help."""
CONTROLS: tuple[Kind, ...] = ("fact", "sequential", "chain")
Split = Literal["train", "test"]


class ColumnCheck(Frozen):
    """How the values of a column are compared, in the words of WideSearch's published scorer."""

    preprocess: tuple[str, ...] = ()
    """Among `norm_str`, `extract_number`, `norm_date`; applied in order to both sides."""
    metrics: tuple[str, ...] = ("exact_match",)
    """Among `exact_match`, `url_match`, `in_match`, `number_near`, `date_near`, `llm_judge`."""
    criterion: float | str | None = None
    """Of `number_near` the relative tolerance; of `llm_judge` the words that the judge is given."""


class Part(Frozen):
    """A piece of the work that needs no other piece."""

    name: str
    """The row's key, or what the piece is about."""
    documents: tuple[str, ...]
    """What has to be read, in this order."""


class EvalTask(Frozen):
    """One task."""

    id: str
    family: str
    kind: Kind
    split: Split
    template: str
    """The wording; a test template is in no training task."""
    question: str
    corpus: str
    """The corpus that the documents stand in; '' where the task needs the web."""
    scope: tuple[str, ...]
    """The documents that the run is over, in order: those that are needed, and distractors."""
    contract: Contract | None = None
    """The table that is asked for; None where the answer is a short text."""
    gold: tuple[dict[str, str], ...] = ()
    """The right rows, every column of the contract in each."""
    answer: str = ""
    """The right answer, where there is no table."""
    answers: tuple[str, ...] = ()
    """The components of an answer that is a set (DeepSearchQA)."""
    checks: dict[str, ColumnCheck] = Field(default_factory=dict)
    """By column; a column without one has to be equal up to case and white space."""
    parts: tuple[Part, ...] = ()
    """What an oracle would read."""

    @property
    def width(self) -> int:
        """How many sub-agents could work at once to some use; 0 where none can."""
        return 0 if self.kind in CONTROLS else len(self.parts)


class Prediction(Frozen):
    """What came of a task."""

    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[dict[str, str], ...] = ()


class Score(Frozen):
    """How good a prediction is; all from 0 to 1 in the strict mode.

    For an answer without a table all figures are 1 or 0, but for a set of components, whose
    precision, recall and F1 stand in the item figures.
    """

    item_precision: float
    item_recall: float
    item_f1: float
    row_precision: float
    row_recall: float
    row_f1: float
    success: float
