"""Text to token ids and back: the published tokenizer, from its `tiktoken.model`.

Owns the vocabulary's file and the line between ordinary text and special tokens: only a piece
that says it is special becomes a special id. Knows nothing of chats; `template` writes them.
"""

import base64
import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

import tiktoken

from openswarm.k25.bounded import read_bounded
from openswarm.k25.errors import ModelFileError
from openswarm.k25.pieces import Piece
from openswarm.k25.tokens import MARKERS, PATTERN, SPECIAL_TOKENS, special_ids

FILE = "tiktoken.model"
BUNDLED = Path(__file__).parent / "vocabulary"
"""The folder of the small vocabulary (4096) that comes with openswarm."""
MAX_BYTES = 16_000_000
"""A longer vocabulary file is none; the published one has less than 3 MB."""
_LINE = re.compile(rb"([A-Za-z0-9+/]{2,1400}={0,2}) (\d{1,7})")
_CHUNK = 400_000
"""Characters that are encoded at once; the published tokenizer cuts there, so ids depend on it."""
_RUN = 25_000
"""Letters, or spaces, in a row that are encoded at once; likewise."""
_RUNS = re.compile(rf"\s{{1,{_RUN}}}|\S{{1,{_RUN}}}")


class Tokenizer:
    """The vocabulary of a checkpoint. Ordinary ids come first, the 256 special ones last."""

    def __init__(self, ranks: Mapping[bytes, int]) -> None:
        """From the ordinary tokens: ranks 0, 1, 2, … without a gap, single bytes among them."""
        self.vocab_size = len(ranks) + SPECIAL_TOKENS
        self.special: Mapping[str, int] = MappingProxyType(special_ids(self.vocab_size))
        """The id of each special token by its name."""
        self.tokens: tuple[bytes, ...] = tuple(sorted(ranks, key=ranks.__getitem__))
        """The bytes of the ordinary tokens, by their ids."""
        self.names: Mapping[int, str] = MappingProxyType(
            {number: name for name, number in self.special.items()}
        )
        """The name of each special token by its id."""
        self._encoding = tiktoken.Encoding(
            "k25",
            pat_str=PATTERN,
            mergeable_ranks=dict(ranks),
            special_tokens=dict(self.special),
        )

    @classmethod
    def load(cls, folder: Path = BUNDLED) -> Self:
        """Reads `tiktoken.model` of a checkpoint's folder. Raises `ModelFileError`."""
        return cls(read_ranks(folder / FILE))

    def encode(self, text: str) -> list[int]:
        """The ids of ordinary text: a marker that is written in it stays mere letters.

        Halves of surrogate pairs, which UTF-8 cannot hold, become U+FFFD.
        """
        return [number for part in _parts(text) for number in self._encoding.encode_ordinary(part)]

    def encode_pieces(self, pieces: Iterable[Piece]) -> list[int]:
        """The ids of a rendered chat. Raises `KeyError` for a special piece of unknown name."""
        ids: list[int] = []
        for piece in pieces:
            ids += [self.special[piece.text]] if piece.special else self.encode(piece.text)
        return ids

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of some tokens; a special one gives its name. Raises `ValueError`."""
        return b"".join(self._bytes(number) for number in ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some tokens; bytes that are no UTF-8 become U+FFFD. Raises `ValueError`."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def _bytes(self, number: int) -> bytes:
        if 0 <= number < len(self.tokens):
            return self.tokens[number]
        if number in self.names:
            return self.names[number].encode()
        raise ValueError(f"a vocabulary of {self.vocab_size} has no token {number}")


class StreamDecoder:
    """Text out of tokens as they come: a character is given once all of its bytes are there.

    Markers of chats come by their names, as `ReplyParser` reads them. Special tokens that are no
    part of a chat ([PAD], reserved ones) give nothing.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Starts at the beginning of a character."""
        self._tokenizer = tokenizer
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, ids: Iterable[int]) -> str:
        """The text that these tokens complete, perhaps none. Raises `ValueError`."""
        names = self._tokenizer.names
        kept = (each for each in ids if each not in names or names[each] in MARKERS)
        return self._utf8.decode(self._tokenizer.decode_bytes(kept))

    def finish(self) -> str:
        """What was left of a cut character, as U+FFFD."""
        return self._utf8.decode(b"", final=True)


def read_ranks(path: Path) -> dict[bytes, int]:
    """The ordinary tokens and their ranks. Raises `ModelFileError` naming the file and the line."""
    data = read_bounded(path, MAX_BYTES, "vocabulary")
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        token, rank = _entry(line, f"{path}, line {number}")
        if token in ranks:
            raise ModelFileError(f"{path}, line {number}: the token stands in the file twice")
        ranks[token] = rank
    if sorted(ranks.values()) != list(range(len(ranks))):
        raise ModelFileError(f"{path}: the ranks are not 0 to {len(ranks) - 1}, each once")
    lacking = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if lacking:
        raise ModelFileError(f"{path}: the byte {lacking[0]:#04x} is no token of its own")
    return ranks


def _entry(line: bytes, place: str) -> tuple[bytes, int]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ModelFileError(f"{place} is not a token in base64, a space and its rank")
    try:
        return base64.b64decode(found[1], validate=True), int(found[2])
    except ValueError as error:
        raise ModelFileError(f"{place}: {error}") from None


def _parts(text: str) -> Iterator[str]:
    """The text, cut where runs of letters or of spaces are too long to be matched at once."""
    if len(text) <= _RUN:
        yield text
        return
    for begin in range(0, len(text), _CHUNK):
        chunk, start = text[begin : begin + _CHUNK], 0
        for run in _RUNS.finditer(chunk):
            end = run.end()
            cut = len(run[0]) == _RUN and chunk[end : end + 1].isspace() == run[0].isspace()
            if cut and end < len(chunk):
                yield chunk[start:end]
                start = end
        yield chunk[start:]
