"""Records of things that do not exist, as prose, lines or JSON, and questions about them.

(a) one value out of a record, (b) some of its values as JSON, and what a record does not say.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, reply, user
from openswarm.k25.recipe.draws import Draw
from openswarm.k25.recipe.things import Value

NOT_SAID = "The text does not say."


@dataclass(frozen=True, slots=True)
class Field:
    """What can be said of a kind of thing: how prose says it and how a question asks for it."""

    name: str
    says: str
    """A sentence with {name} and {value}."""
    asks: tuple[str, ...]
    """Questions with {name}."""
    value: Callable[[Draw], Value]


@cache
def kinds() -> dict[str, tuple[Field, ...]]:
    """All of `records.toml`: the fields of each kind of thing."""
    data = tomllib.loads((files("openswarm.k25.recipe") / "records.toml").read_text("utf-8"))
    return {
        kind: tuple(
            Field(name, entry["says"], tuple(entry["asks"]), things.values(entry["values"]))
            for name, entry in fields.items()
        )
        for kind, fields in data.items()
    }


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that does not exist and what is said of it."""

    kind: str
    name: str
    values: dict[Field, Value]

    def text(self, draw: Draw) -> str:
        """The record in one of several forms."""
        return draw.pick((self.as_prose, self.as_prose, self.as_lines, self.as_json, self.as_row))()

    def as_prose(self) -> str:
        """Sentences."""
        facts = " ".join(f.says.format(name=self.name, value=v) for f, v in self.values.items())
        return f"{self.name} is a {self.kind}. {facts}"

    def as_lines(self) -> str:
        """A line for each field."""
        facts = "\n".join(f"{f.name}: {v}" for f, v in self.values.items())
        return f"{self.kind}: {self.name}\n{facts}"

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps({"name": self.name, **{f.name: v for f, v in self.values.items()}})

    def as_row(self) -> str:
        """A line of heads and a line of values."""
        head = " | ".join((self.kind, *(f.name for f in self.values)))
        return f"{head}\n{' | '.join((self.name, *map(str, self.values.values())))}"


def record(draw: Draw, kind: str = "") -> Record:
    """A record with two to all of its kind's fields, of a name of the draw's split."""
    kind = kind or draw.pick(list(kinds()))
    fields = kinds()[kind]
    chosen = draw.some(fields, draw.between(2, len(fields)))
    name = draw.subject(lambda: things.name(draw))
    return Record(kind, name, {field: field.value(draw) for field in chosen})


def _fenced(draw: Draw, source: str, text: str) -> str:
    return f'<document source="{source.lower()}.txt">\n{text}\n</document>'


def _asked(draw: Draw, text: str, source: str, question: str) -> str:
    """A text and a question about it, as users put them together."""
    forms = (
        f"{text}\n\n{question}",
        f"{question}\n\n{text}",
        f"Text:\n{text}\n\nQuestion: {question}",
        f"{question}\n\n{_fenced(draw, source, text)}",
        f"Read this and answer: {question}\n\n{text}",
        f"{text}\n{question} Answer shortly.",
    )
    return draw.pick(forms)


def one_value(draw: Draw) -> Case:
    """(a) A record, or two of one kind, and a question: the value, or that it is not said."""
    wanted = record(draw)
    records = [wanted]
    if draw.chance(0.35):
        records.append(record(draw, wanted.kind))
    records = draw.some(records, len(records))
    text = draw.pick(("\n", "\n\n")).join(entry.text(draw) for entry in records)
    missing = [field for field in kinds()[wanted.kind] if field not in wanted.values]
    if missing and draw.chance(0.15):
        field, answer, why = draw.pick(missing), NOT_SAID, "it is not there"
    else:
        field = draw.pick(list(wanted.values))
        answer = str(wanted.values[field])
        why = f"it is {answer}"
    question = draw.pick(field.asks).format(name=wanted.name)
    thinking = draw.chance(0.25)
    reasoning = f"I look for the {field.name} of {wanted.name}: {why}." if thinking else ""
    asked = user(_asked(draw, text, wanted.name, question))
    return Case("extract", (asked, reply(answer, reasoning)), thinking=thinking)


def as_json(draw: Draw) -> Case:
    """(b) A record and names of fields: a JSON object of them, in the order asked for."""
    wanted = record(draw)
    fields = draw.some(list(wanted.values), draw.between(2, min(4, len(wanted.values))))
    with_name = draw.chance(0.4)
    keys = ["name"] * with_name + [field.name for field in fields]
    values = {"name": wanted.name, **{field.name: wanted.values[field] for field in fields}}
    asks = draw.pick((
        "Give {keys} as JSON.",
        "Answer with a JSON object that has {keys}.",
        "Extract {keys} as JSON.",
        "JSON with the keys {keys}, please.",
        "Return only JSON: {keys}.",
    ))  # fmt: skip
    question = asks.format(keys=things.listed(keys))
    answer = json.dumps({key: values[key] for key in keys})
    thinking = draw.chance(0.15)
    reasoning = f"The keys are {', '.join(keys)}." if thinking else ""
    text = draw.pick((wanted.as_prose, wanted.as_lines, wanted.as_row))()
    asked = user(_asked(draw, text, wanted.name, question))
    return Case("json", (asked, reply(answer, reasoning)), thinking=thinking)
