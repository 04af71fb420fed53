"""The vocabulary of the small orchestrator: K2.5's markers, and one token for each thing it says.

Owns the tokens and how a rendered chat becomes ids: the longest token that fits, from the left.
Call ids, argument names and numbers are one token each, so that an assignment is ten tokens and
at most four decisions. The chat is K2.5's published template; only the cut into tokens is its own.
Knows no model and no conversation.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType

from openswarm.k25.pieces import Piece
from openswarm.k25.tokens import SPECIAL_TOKENS, special_ids

NUMBERS = 512
"""Numbers that are one token: documents, call ids and counts."""
AGENTS = tuple(f"a{number}" for number in range(1, 9))
"""Names that the policy may give to configurations."""
DEFAULT_AGENT = "researcher"
"""The configuration that every run has from the start."""
ROLE = "You read one document and report what is asked."
"""The system prompt of the configurations that it makes."""
ANSWER = "done"
"""What it writes when it answers: the words are another model's."""

CREATE, ASSIGN, OPEN = "create_subagent", "assign_task", "open"
TOOLS = (CREATE, ASSIGN, OPEN)
"""What it can call, in the order of their tokens."""
BEGINNINGS = {
    CREATE: '{"name": "',
    ASSIGN: '{"agent": "',
    OPEN: '{"document": "',
}
"""How the arguments of each tool begin."""
PROMPT = '", "prompt": "'
ROLE_END = f'", "system_prompt": "{ROLE}"}}'
END = '"}'

STRUCTURE = (
    *(f"functions.{name}:" for name in TOOLS),
    *BEGINNINGS.values(),
    PROMPT,
    ROLE_END,
    END,
    "## Return of ",
    *AGENTS,
    DEFAULT_AGENT,
    "user",
    "assistant",
    "tool",
    ANSWER,
    " completed",
    " failed",
    " refused",
    " page ",
    " of ",
    " next ",
    " missing ",
    "documents ",
    "others ",
    "columns ",
    "answer now",
    "ok",
    "refused",
    "nothing",
)
_WORD = re.compile(r"[a-z]+")


@cache
def words() -> tuple[str, ...]:
    """The words that it knows, sorted."""
    text = (resources.files("openswarm.llm.policy") / "words.txt").read_text(encoding="utf-8")
    return tuple(sorted(set(text.split()) - set(STRUCTURE)))


class PolicyTokenizer:
    """Text to ids and back. Bytes come first, then the tokens above, K2.5's 256 markers last."""

    def __init__(self) -> None:
        own = [*STRUCTURE, *map(str, range(NUMBERS)), *words()]
        single = [bytes([value]) for value in range(256)]
        more = [entry.encode() for entry in own if len(entry) > 1]
        self.tokens: tuple[bytes, ...] = (*single, *dict.fromkeys(more))
        """The bytes of the ordinary tokens, by their ids."""
        self.vocab_size = len(self.tokens) + SPECIAL_TOKENS
        self.special = MappingProxyType(special_ids(self.vocab_size))
        """The id of each special token by its name."""
        self._ids = {token.decode("latin-1"): number for number, token in enumerate(self.tokens)}
        self._names = {number: name for name, number in self.special.items()}
        self._longest = max(map(len, self.tokens))
        self.numbers = tuple(self.id(str(number)) for number in range(NUMBERS))
        """The token of each number."""

    def id(self, token: str) -> int:
        """The id of an ordinary token. Raises `KeyError` when it is none."""
        return self._ids[token]

    def encode(self, text: str) -> list[int]:
        """The ids of ordinary text, the longest token first at every place."""
        data = text.encode("utf-8", "replace").decode("latin-1")
        ids, place = list[int](), 0
        while place < len(data):
            room = min(self._longest, len(data) - place)
            sizes = range(room, 0, -1)
            size = next(size for size in sizes if data[place : place + size] in self._ids)
            ids.append(self._ids[data[place : place + size]])
            place += size
        return ids

    def encode_pieces(self, pieces: Iterable[Piece]) -> list[int]:
        """The ids of a rendered chat. Raises `KeyError` for a special piece of unknown name."""
        ids = list[int]()
        for piece in pieces:
            ids += [self.special[piece.text]] if piece.special else self.encode(piece.text)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some tokens, markers by their names. Raises `IndexError`, `KeyError`."""
        ordinary = len(self.tokens)
        parts = (
            self.tokens[number] if number < ordinary else self._names[number].encode()
            for number in ids
        )
        return b"".join(parts).decode("utf-8", "replace")


@cache
def tokenizer() -> PolicyTokenizer:
    """The one vocabulary that all these policies share."""
    return PolicyTokenizer()


def known_words(text: str, limit: int) -> list[str]:
    """The words of a text that the policy knows, in order, at most `limit`."""
    known = _known()
    found = (word for word in _WORD.findall(text.lower()) if word in known)
    return [word for word, _ in zip(found, range(limit), strict=False)]


@cache
def _known() -> frozenset[str]:
    return frozenset(words())
