"""How well a model does, by skill, on examples that training has not seen; and its loss on them.

Knows no model: generation and loss are handed in.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from openswarm.core.messages import ToolCall
from openswarm.k25.parsing import ParsedReply, ReplyParser
from openswarm.k25.recipe import about, chats, pages, sums
from openswarm.k25.recipe.case import Case
from openswarm.k25.recipe.corpus import Corpus
from openswarm.k25.recipe.draws import Draw
from openswarm.k25.recipe.examples import Encoder, Prompt
from openswarm.k25.recipe.mixture import Mixture, early
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import MARKERS
from openswarm.k25.training import Batch

Generate = Callable[[Sequence[Prompt]], Sequence[list[int]]]
"""Greedy continuations of prompts, up to the end of the turn."""
KINDS = tuple(
    kind
    for kind, _ in (*chats.KINDS, *sums.KINDS, *pages.KINDS)
    if kind not in (sums.small_task, chats.two_turns)
)
"""What is asked: each kind once; mixtures of other kinds are left out."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A held-out case, what the model replied, and whether that is right."""

    case: Case
    reply: ParsedReply

    @property
    def skill(self) -> str:
        """The skill; turns that have to call tools count apart."""
        return f"{self.case.skill} call" if self.case.reply.tool_calls else self.case.skill

    @property
    def right(self) -> bool:
        """Exact match: the same calls with the same arguments in order, or the same text."""
        wanted = self.case.reply
        if wanted.tool_calls or self.reply.calls:
            return _calls(wanted.tool_calls) == _calls(self.reply.calls)
        said, right = self.reply.text.strip(), wanted.text
        return said == right or (self.case.skill == "json" and _data(said) == _data(right))


def held_out_cases(each: int, *, seed: int = 0) -> Iterator[Case]:
    """So many cases of each kind, of the held-out split; of a tool's conversation any turn.

    Every second one stands under the system prompt that a run sends.
    """
    for kind in KINDS:
        for number in range(each):
            case = kind(Draw(seed, "held-out", kind.__name__, number))
            case = case.until(number) if case.tools else case
            yield case if number % 2 else case.with_system(about.prompts()[about.ANSWER_PROMPT])


def mark(
    generate: Generate, tokenizer: Tokenizer, cases: Sequence[Case], *, together: int = 32
) -> list[Marked]:
    """Has cases answered, `together` at once, and marks them."""
    encoder = Encoder(tokenizer, whole=False)
    marked: list[Marked] = []
    for first in range(0, len(cases), together):
        asked = cases[first : first + together]
        replies = generate([encoder.prompt(case) for case in asked])
        for case, ids in zip(asked, replies, strict=True):
            marked.append(Marked(case, _parsed(tokenizer, ids, case.thinking)))
    return marked


def _parsed(tokenizer: Tokenizer, ids: Iterable[int], thinking: bool) -> ParsedReply:
    """A reply of tokens: letters that spell a marker are none."""
    parser = ReplyParser(thinking)
    for special, run in groupby(ids, tokenizer.names.__contains__):
        if not special:
            parser.literal(tokenizer.decode(run))
            continue
        for name in map(tokenizer.names.__getitem__, run):
            if name in MARKERS:
                parser.marker(name)
    return parser.finish()


def scores(marked: Sequence[Marked]) -> dict[str, float]:
    """The share of right replies, 0 to 1, by skill; `all` is the mean of the skills."""
    by_skill: defaultdict[str, list[bool]] = defaultdict(list)
    for entry in marked:
        by_skill[entry.skill].append(entry.right)
    shares = {skill: sum(rights) / len(rights) for skill, rights in sorted(by_skill.items())}
    return shares | {"all": sum(shares.values()) / len(shares)} if shares else {}


def held_out_loss(
    loss: Callable[[Batch], float],
    tokenizer: Tokenizer,
    *,
    batches: int = 4,
    rows: int = 8,
    length: int = 512,
    texts: Corpus | None = None,
) -> dict[str, float]:
    """Mean loss of replies on the held-out split, without pictures (`text`) and with them
    (`pictures`). `texts` stands in for the corpus that comes with Python.
    """
    found: dict[str, float] = {}
    for name, ratio in (("text", 0.0), ("pictures", 1.0)):
        mixture = Mixture(
            tokenizer, split="held-out", fusion=early(ratio), documents=0.0, texts=texts
        )
        losses = [loss(mixture.batch(step, rows, length)) for step in range(batches)]
        found[name] = sum(losses) / len(losses)
    return found


def _calls(calls: Sequence[ToolCall]) -> list[tuple[str, Any]]:
    return [(call.name, _data(call.arguments)) for call in calls]


def _data(text: str) -> Any:
    """What JSON text says; other text stands for itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
