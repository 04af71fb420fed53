"""Controls: tasks in which sub-agents cannot help.

fact asks one thing of one document. sequential walks documents that code makes: of ledgers the
next one is named only in the one before; registers are all named at once, but each turns a number
into another, so none can be used before the number that comes out of the one before. Owns those
made documents, which are the same on every machine.
"""

import hashlib
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openswarm.evals.documents import Documents
from openswarm.evals.suites.factbook import WIDE, build, entities
from openswarm.evals.suites.facts import alone
from openswarm.evals.suites.family import (
    Dials,
    Family,
    Material,
    drawn,
    sample_file,
    scope_of,
    sealed,
    split_of,
    unsaid,
)
from openswarm.evals.suites.wording import worded
from openswarm.evals.task import EvalTask, Part, Split

LINES, LEDGERS = 60, 30
"""How many lines of ledgers there are, and how many ledgers are in each."""
REGISTERS, NUMBERS = 80, 60
"""How many registers there are, and how many numbers each of them turns into another."""
_GOODS = ("barley", "copper", "flax", "glass", "hides", "iron", "linen", "oats", "paper", "resin",
          "salt", "slate", "tar", "timber", "tin", "wax", "wine", "wool")  # fmt: skip
_PORTS = ("Arden", "Brack", "Corve", "Dunmere", "Eskholm", "Farrow", "Gannet Quay", "Holt",
          "Inver", "Kelder", "Lorne Bay", "Marram", "Ness", "Orrin", "Penhale")  # fmt: skip
_ASKED = tuple(fact for fact in WIDE.facts if fact.unit != "%")
"""The facts that are asked alone: a share may be written in two ways."""


def generate_fact(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """One fact of one country."""
    own = [entity for entity in entities(material) if split_of(entity.name) == split]
    documents = [entity.document for entity in own]

    def draw() -> EvalTask | None:
        fact = rng.choice(_ASKED)
        having = [entity for entity in own if fact.name in entity.facts]
        if not having:
            return None
        entity = rng.choice(having)
        template, question = worded("fact", split, rng, fact=fact.phrase, item=entity.name)
        task = sealed(
            family="fact",
            kind="fact",
            split=split,
            template=template,
            question=alone(question, fact),
            material=material,
            scope=scope_of(rng, [entity.document], documents, dials.distractors),
            answer=entity.facts[fact.name],
            parts=[Part(name=entity.name, documents=(entity.document,))],
        )
        return unsaid(task)

    return drawn(draw)


def build_made(_: Path | None = None) -> Material:
    """The ledgers and registers; needs no package and no network."""
    rng = random.Random("openswarm ledgers and registers")
    texts: dict[str, str] = {}
    lines = [_line(number, rng, texts) for number in range(LINES)]
    registers = [_register(number, rng, texts) for number in range(REGISTERS)]
    return Material(Documents("ledgers", texts), {"lines": lines, "registers": dict(registers)})


def _line(number: int, rng: random.Random, texts: dict[str, str]) -> list[dict[str, str]]:
    """The ledgers of a line in order: names and closing balances."""
    names = [f"ledger-{_mark(f'{number}/{place}')}.md" for place in range(LEDGERS)]
    line = []
    for name, following in zip(names, [*names[1:], ""], strict=True):
        balance = str(rng.randint(1_000, 99_999))
        texts[name] = _ledger(name, following, balance, rng)
        line.append({"document": name, "balance": balance})
    return line


def _ledger(name: str, following: str, balance: str, rng: random.Random) -> str:
    """A ledger: entries that say nothing of what is asked, then the balance and the next one."""
    entries = [
        f"{rng.choice(('Received from', 'Sent to'))} {rng.choice(_PORTS)}: {rng.randint(2, 90)}"
        f" loads of {rng.choice(_GOODS)} at {rng.randint(3, 60)} a load."
        for _ in range(rng.randint(8, 24))
    ]
    carried = (
        f"This account is carried to {following}." if following else "No account follows this one."
    )
    title = f"# {name.removesuffix('.md').capitalize()}\nAccounts of the harbour."
    blocks = [title, *entries, f"Closing balance: {balance}.", carried]
    return "\n\n".join(blocks) + "\n"


def _register(number: int, rng: random.Random, texts: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A register: which number becomes which."""
    name = f"register-{_mark(f'r{number}')}.md"
    numbers = [str(100 + place) for place in range(NUMBERS)]
    pairs = dict(zip(numbers, rng.sample(numbers, NUMBERS), strict=True))
    shown = rng.sample(sorted(pairs), NUMBERS)
    lines = [f"Whoever enters with {entry} leaves with {pairs[entry]}." for entry in shown]
    texts[name] = f"# {name.removesuffix('.md').capitalize()}\n" + "\n\n".join(lines) + "\n"
    return name, pairs


def _mark(text: str) -> str:
    return hashlib.sha256(f"openswarm {text}".encode()).hexdigest()[:6]


def generate_sequential(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Walks along a line of ledgers, or through registers that replace a number."""
    draws = (
        partial(_walk, material, split, rng, dials),
        partial(_pass, material, split, rng, dials),
    )
    return drawn(lambda: rng.choice(draws)())


def _walk(material: Material, split: Split, rng: random.Random, dials: Dials) -> EvalTask | None:
    lines = material.records["lines"]
    own = [line for line in lines if split_of(line[0]["document"]) == split]
    count = rng.randint(max(2, dials.min_hops), max(2, dials.max_hops))
    line = rng.choice(own) if own else []
    if len(line) < count:
        return None
    start = rng.randint(0, len(line) - count)
    path = line[start : start + count]
    documents = tuple(entry["document"] for entry in path)
    template, question = worded(
        "ledger", split, rng, first=documents[0], count=count, steps=count - 1
    )
    others = [entry["document"] for line in lines for entry in line]
    return _sequential(
        material, split, rng, dials, (template, question), documents, others, path[-1]["balance"]
    )


def _pass(material: Material, split: Split, rng: random.Random, dials: Dials) -> EvalTask | None:
    registers = material.records["registers"]
    own = sorted(name for name in registers if split_of(name) == split)
    count = rng.randint(max(2, dials.min_hops), max(2, dials.max_hops))
    if len(own) < count:
        return None
    documents = tuple(rng.sample(own, count))
    value = rng.choice(sorted(registers[documents[0]]))
    answer = value
    for document in documents:
        answer = registers[document][answer]
    template, question = worded(
        "register", split, rng, items=", ".join(documents), first=documents[0], value=value
    )
    return _sequential(
        material, split, rng, dials, (template, question), documents, sorted(registers), answer
    )


def _sequential(
    material: Material,
    split: Split,
    rng: random.Random,
    dials: Dials,
    wording: tuple[str, str],
    documents: tuple[str, ...],
    others: list[str],
    answer: str,
) -> EvalTask | None:
    template, question = wording
    task = sealed(
        family="sequential",
        kind="sequential",
        split=split,
        template=template,
        question=question,
        material=material,
        scope=scope_of(rng, documents, others, dials.distractors),
        answer=answer,
        parts=[Part(name=documents[0], documents=documents)],
    )
    return unsaid(task)


FACT = Family(
    "fact",
    "one fact of one country, among other countries",
    ("fact",),
    build,
    partial(sample_file, "factbook"),
    generate_fact,
)
SEQUENTIAL = Family(
    "sequential",
    "documents that can be used only in order: ledgers that name the next, registers in a row",
    ("sequential",),
    build_made,
    build_made,
    generate_sequential,
)
