"""The trainings of the small models, each a function of a few numbers: what the command runs.

A run has three stages in one schedule. At the original length the model first learns whole
conversations, prompts too, then replies alone; at the end rows are as many times as long as YaRN
stretches, and YaRN is on. Experts are trained as INT4 towards the end.
"""

from dataclasses import dataclass

from openswarm.core.errors import UserError
from openswarm.k25.config import K25Config
from openswarm.k25.recipe.mixture import Fusion, Mixture, early, late
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.training import Batch, Batches, Recipe

ROUNDING = 1e-9
"""1 - 0.8 is a little less than 0.2."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to train on, beside the recipe."""

    rows: int = 8
    length: int = 1024
    """Tokens a row, at the original length."""
    vision: float = 0.3
    """The share of tokens that belong to examples with pictures."""
    vision_from: float = 0.0
    """The share of steps before the first picture: 0 is early fusion."""
    whole_until: float = 0.5
    """The share of steps in which prompts are learned too."""
    documents: float = 0.05
    """The share of examples that are plain text."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks that the steps that may have pictures have room for them. Raises `UserError`."""
        if not 0 <= self.vision <= 1 - self.vision_from + ROUNDING:
            raise UserError(
                f"--vision is {self.vision:g}, and after --vision-from {self.vision_from:g} there"
                f" is room for 0 to {1 - self.vision_from:g} of the tokens"
            )

    def shapes(self, config: K25Config) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and length of a batch at the original length, and at the stretched one."""
        scaling = config.text_config.rope_scaling
        longer = int(scaling.factor) if scaling else 1
        return (self.rows, self.length), (max(self.rows // longer, 1), self.length * longer)

    def fusion(self, steps: int) -> Fusion:
        """The share of pictures at each step."""
        if self.vision_from == 0:
            return early(self.vision)
        return late(self.vision, steps, self.vision_from)


def batches(run: Run, recipe: Recipe, config: K25Config, tokenizer: Tokenizer) -> Batches:
    """The batches of a run, by step."""
    fusion = run.fusion(recipe.steps)
    whole, replies = (
        Mixture(tokenizer, seed=run.seed, fusion=fusion, documents=run.documents, whole=learned)
        for learned in (True, False)
    )
    short, long = run.shapes(config)

    def batch(step: int) -> Batch:
        mixture = whole if step < run.whole_until * recipe.steps else replies
        extended = step >= recipe.extend_from * recipe.steps
        return mixture.batch(step, *(long if extended else short))

    return batch
