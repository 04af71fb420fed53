"""Batches of text and pictures for training: a function of the seed and the step alone.

Early fusion gives a constant share of pictures from the first step, late fusion more of them at the
end. Examples are packed into rows; `[BOS]` stands between two of a row and not before the first,
as a prompt has none.

Legend of shapes: B rows, L positions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from openswarm.k25.pixels import Patches
from openswarm.k25.recipe.chats import chat, seen
from openswarm.k25.recipe.corpus import Corpus, corpus
from openswarm.k25.recipe.draws import Draw, Split
from openswarm.k25.recipe.examples import Encoder, Example
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import BOS, PAD
from openswarm.k25.training import Batch

Fusion = Callable[[int], float]
"""The share of tokens, 0 to 1, that belong to examples with pictures, at a step."""
STEP_EXAMPLES = 1 << 20
"""Numbers set apart for the examples of one step, more than any batch holds."""
SMALLEST_FILL = 16
"""Tokens: less room than this at the end of a row is padded."""


def early(ratio: float) -> Fusion:
    """A constant share of pictures."""
    return lambda _: ratio


DEFAULT_FUSION = early(0.2)


def late(ratio: float, steps: int, start: float) -> Fusion:
    """No pictures before the share `start` of the steps; after it so many that a run of `steps`
    has seen the share `ratio` of them. `ratio` is at most `1 - start`.
    """
    return lambda step: 0.0 if step < start * steps else min(1.0, ratio / (1 - start))


@dataclass(slots=True)
class _Row:
    """A row that is being filled."""

    length: int
    bos: int
    tokens: list[int] = field(default_factory=list)
    trained: list[bool] = field(default_factory=list)
    media: list[Patches] = field(default_factory=list)

    @property
    def room(self) -> int:
        """Tokens that an example may have."""
        return self.length - len(self.tokens) - bool(self.tokens)

    def add(self, example: Example) -> None:
        if self.tokens:
            self.tokens.append(self.bos)
            self.trained.append(False)
        self.tokens += example.tokens
        self.trained += example.trained
        self.media += example.media


class Mixture:
    """Examples and batches of one split. `whole` also learns prompts, not replies alone."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        seed: int = 0,
        split: Split = "train",
        fusion: Fusion = DEFAULT_FUSION,
        documents: float = 0.05,
        whole: bool = False,
        texts: Corpus | None = None,
    ) -> None:
        """`documents` is the share of plain text among the examples without pictures, beside what
        fills the ends of rows; with 0 there is none and rows end with padding. `texts` stands in
        for the corpus that comes with Python.
        """
        self.encoder = Encoder(tokenizer, whole=whole)
        self.texts = texts or corpus(split)
        self._special = tokenizer.special
        self._seed, self._split, self._fusion, self._documents = seed, split, fusion, documents

    def example(self, number: int, *, pictures: bool = False) -> Example:
        """Example of this number, of the stream with pictures or of that without."""
        draw = self._draw("pages" if pictures else "chats", number)
        if not pictures and draw.chance(self._documents):
            return self.encoder.document(draw.pick(self.texts.documents), 1 << 20)
        make = seen if pictures else chat
        return self.encoder.example(make(draw, self.texts))

    def batch(self, step: int, rows: int, length: int) -> Batch:
        """The rows of a step, (rows, length) each, and their pictures in order."""
        share = self._fusion(step)
        number = step * STEP_EXAMPLES
        packed: list[_Row] = []
        waiting: Example | None = None
        shown = written = 0
        for _ in range(rows):
            row = _Row(length, self._special[BOS])
            while True:
                pictures = shown < share * (written + 1)
                example = waiting or self.example(number, pictures=pictures)
                waiting, number = None, number + 1
                if len(example.tokens) > row.room:
                    waiting = example if len(example.tokens) <= length else None
                    break
                row.add(example)
                written += len(example.tokens)
                shown += len(example.tokens) if example.media else 0
            written += self._fill(row, number)
            packed.append(row)
        return self._stacked(packed, length)

    def _fill(self, row: _Row, number: int) -> int:
        """Plain text takes the rest of a row: so many tokens."""
        draw = self._draw("fill", number)
        before = len(row.tokens)
        while self._documents and row.room >= SMALLEST_FILL:
            row.add(self.encoder.document(draw.pick(self.texts.documents), row.room))
        return len(row.tokens) - before

    def _stacked(self, rows: list[_Row], length: int) -> Batch:
        tokens_BL = torch.full((len(rows), length), self._special[PAD], dtype=torch.long)
        trained_BL = torch.zeros((len(rows), length), dtype=torch.bool)
        for place, row in enumerate(rows):
            tokens_BL[place, : len(row.tokens)] = torch.tensor(row.tokens)
            trained_BL[place, : len(row.trained)] = torch.tensor(row.trained)
        return Batch(tokens_BL, trained_BL, tuple(entry for row in rows for entry in row.media))

    def _draw(self, stream: str, number: int) -> Draw:
        return Draw(self._seed, self._split, stream, number)
