"""From conversations to token ids: what a model reads, what it learns, and the patches it sees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from openswarm.core.messages import Message, VideoPart
from openswarm.k25.pieces import Piece
from openswarm.k25.pixels import Patches, image_patches, video_chunks
from openswarm.k25.recipe.case import FRAME_SECONDS, Case
from openswarm.k25.template import render
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import EOS, MEDIA_PAD
from openswarm.media.video import Frame

Chunks = list[tuple[float, Patches]]


@dataclass(frozen=True, slots=True)
class Example:
    """Ids, which of them are learned, and the pictures in the order of their places."""

    tokens: list[int]
    trained: list[bool]
    media: list[Patches]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to answer."""

    tokens: list[int]
    media: list[Patches]


class Encoder:
    """Encodes conversations by the chat's template; `whole` learns prompts as well as replies."""

    def __init__(self, tokenizer: Tokenizer, *, whole: bool) -> None:
        self._tokenizer = tokenizer
        self._whole = whole
        self._pad = tokenizer.special[MEDIA_PAD]
        self._end = tokenizer.special[EOS]

    def example(self, case: Case) -> Example:
        """A conversation with its reply."""
        chunks = [_chunks(clip) for clip in case.clips]
        tokens: list[int] = []
        trained: list[bool] = []
        pieces = _render(case.messages, case, chunks, generation=False)
        for piece, ids in self._encoded(pieces, chunks):
            tokens += ids
            learned = (self._whole or piece.trained) and ids[:1] != [self._pad]
            trained += [learned] * len(ids)
        return Example(tokens, trained, _patches(chunks))

    def prompt(self, case: Case) -> Prompt:
        """A conversation before its reply."""
        chunks = [_chunks(clip) for clip in case.clips]
        pieces = _render(case.prompt, case, chunks, generation=True)
        encoded = self._encoded(pieces, chunks)
        return Prompt([number for _, ids in encoded for number in ids], _patches(chunks))

    def document(self, text: str, room: int) -> Example:
        """Plain text, all of it learned; what goes beyond `room` tokens is left out."""
        tokens = [*self._tokenizer.encode(text), self._end][:room]
        return Example(tokens, [True] * len(tokens), [])

    def _encoded(
        self, pieces: Sequence[Piece], chunks: list[Chunks]
    ) -> Iterator[tuple[Piece, list[int]]]:
        """The ids of each piece; the place of a picture has as many as the picture has tokens."""
        counts = iter([patches.tokens for chunk in chunks for _, patches in chunk])
        for piece in pieces:
            if not piece.special:
                yield piece, self._tokenizer.encode(piece.text)
            elif piece.text == MEDIA_PAD:
                yield piece, [self._pad] * next(counts)
            else:
                yield piece, [self._tokenizer.special[piece.text]]


def _render(
    messages: Sequence[Message], case: Case, chunks: list[Chunks], *, generation: bool
) -> list[Piece]:
    films = iter([[second for second, _ in chunk] for chunk in chunks])

    def seconds(_: VideoPart) -> list[float]:
        return next(films)

    return render(
        messages, case.tools, thinking=case.thinking, generation=generation, chunks=seconds
    )


def _chunks(clip: tuple[Image.Image, ...]) -> Chunks:
    """A picture as it is, or the chunks of a video."""
    if len(clip) == 1:
        return [(0.0, image_patches(clip[0]))]
    return video_chunks(Frame(place * FRAME_SECONDS, image) for place, image in enumerate(clip))


def _patches(chunks: list[Chunks]) -> list[Patches]:
    return [patches for chunk in chunks for _, patches in chunk]
