"""Oracles: what a perfect run would answer, from the gold and from the prose.

The second one reads the documents by code, knows how their paragraphs begin, and never sees the
gold: where both agree, the documents hold the answers. Knows the wide families and sequential.
"""

import re
from collections.abc import Callable

from openswarm.evals.documents import Documents
from openswarm.evals.suites.factbook import YEARS, difference
from openswarm.evals.suites.facts import number_in
from openswarm.evals.task import EvalTask, Prediction

_COUNTRY: dict[str, str] = {
    "area": "Area: total ",
    "coastline": "Coastline: ",
    "population": "Population: (?:total )?",
    "median age": "Median age: total ",
    "birth rate": "Birth rate: ",
    "death rate": "Death rate: ",
    "infant mortality": "Infant mortality rate: total ",
    "life expectancy": "Life expectancy at birth: total population ",
    "fertility rate": "Total fertility rate: ",
    "urban share": "Urbanization: urban population ",
    "internet code": "Internet country code: ",
    "GDP per capita 2024": r"Real GDP per capita: (?:[^\n]*; )?2024 ",
    "inflation 2024": r"Inflation rate \(consumer prices\): (?:[^\n]*; )?2024 ",
    "airports": "Airports: ",
    "railways": "Railways: (?:[^\n]*; )?total ",
    "government": "Government type: ",
    "capital": "Capital: (?:[^\n]*; )?name ",
}
"""How the statement of a fact begins in a country's document."""
_ELEMENT: dict[str, str] = {
    "discovery year": "Year of discovery: ",
    "discoverers": "Discoverers: ",
    "discovery place": "Place of discovery: ",
    "atomic weight": "Standard atomic weight: ",
    "melting point": "Melting point: ",
    "boiling point": "Boiling point: ",
    "density": "Density: ",
    "electronegativity": r"Electronegativity \(Pauling\): ",
    "CAS number": "CAS registry number: ",
    "lattice": "Lattice structure: ",
    "crust abundance": "Abundance in the earth's crust: ",
}
READ: dict[str, dict[str, str]] = {
    "factbook": _COUNTRY,
    "factbook-change": _COUNTRY,
    "elements": _ELEMENT,
}
"""The facts that `read` knows, by corpus."""
_WORDS = frozenset({"government", "capital", "internet code", "discoverers", "discovery place",
                    "CAS number", "lattice"})  # fmt: skip


def from_gold(task: EvalTask) -> Prediction:
    """The right answer as a prediction."""
    columns = task.contract.names if task.contract else ()
    text = task.answer or "; ".join(task.answers)
    return Prediction(text=text, columns=columns, rows=task.gold)


def from_prose(task: EvalTask, documents: Documents) -> Prediction | None:
    """The answer read out of the documents of the task's parts; None where the task asks what
    this oracle cannot read."""
    if task.kind == "sequential":
        return _sequential(task, documents)
    if task.contract is None or task.corpus not in READ:
        return None
    if not all(_known(task.corpus, column.name) for column in task.contract.asked):
        return None
    wanted = {row[task.contract.key[0]] for row in task.gold}
    rows = [
        {task.contract.key[0]: part.name}
        | {
            column.name: _cell(task.corpus, column.name, part.documents, documents)
            for column in task.contract.asked
        }
        for part in task.parts
        if part.name in wanted
    ]
    return Prediction(columns=task.contract.names, rows=tuple(rows))


def read(corpus: str, fact: str, text: str) -> str:
    """The value that a document states of a fact; '' where it states none."""
    match = re.search(rf"(?m)^{READ[corpus][fact]}(?P<value>[^\n]*)", text)
    if match is None:
        return ""
    if fact in _WORDS:
        ends = r"\n" if corpus == "elements" else ";"
        return re.split(ends, match["value"], maxsplit=1)[0].strip()
    return number_in(match["value"]) or ""


def _known(corpus: str, column: str) -> bool:
    return _plain(column) in READ[corpus]


def _plain(column: str) -> str:
    """The fact that a column of two editions is about."""
    for ending in (*(f" {year}" for year in YEARS), " change"):
        column = column.removesuffix(ending)
    return column


def _cell(corpus: str, column: str, names: tuple[str, ...], documents: Documents) -> str:
    """The value of a column from a part's documents."""
    texts = [documents.texts[name] for name in names]
    fact = _plain(column) if len(names) == len(YEARS) else column
    values = [read(corpus, fact, text) for text in texts]
    by_name = dict(zip((f"{fact} {year}" for year in YEARS), values, strict=False))
    if column.endswith(" change") and len(values) == len(YEARS) and all(values):
        return difference(*values)
    return by_name.get(column, values[0]) if len(values) > 1 else values[0]


def _sequential(task: EvalTask, documents: Documents) -> Prediction:
    """Walks the ledgers by what each one says, or passes a number through the registers."""
    names = task.parts[0].documents
    walk: Callable[..., str] = _ledgers if names[0].startswith("ledger-") else _registers
    return Prediction(text=walk(names, documents, task.question))


def _ledgers(names: tuple[str, ...], documents: Documents, _: str) -> str:
    text = documents.texts[names[0]]
    for _step in names[1:]:
        following = re.search(r"carried to (\S+\.md)\.", text)
        text = documents.texts[following[1]] if following else ""
    balance = re.search(r"Closing balance: (\d+)\.", text)
    return balance[1] if balance else ""


def _registers(names: tuple[str, ...], documents: Documents, question: str) -> str:
    value = next(iter(re.findall(r"\b\d{3}\b(?!-)", re.sub(r"\S+\.md", "", question))), "")
    for name in names:
        found = re.search(rf"enters with {value} leaves with (\d+)\.", documents.texts[name])
        value = found[1] if found else ""
    return value


def edge_in(kind: str, text: str) -> str:
    """The name of the country that an edge leads to, as a country's document states it; '' where
    it states none, or several that are equal."""
    if kind.endswith("border"):
        stated = re.search(r"(?m)^Land boundaries: [^\n]*?border countries([^\n]*)", text)
        found = re.findall(r"([^\d;]+?) (\d[\d,.]*) km", stated[1] if stated else "")
        sizes = [
            (float(size.replace(",", "")), name.strip(" ,;"))
            for name, size in found
            if " - " not in name
        ]
    else:
        field = "Exports" if "export" in kind else "Imports"
        stated = re.search(rf"(?m)^{field} - partners: ([^\n(]*)", text)
        found = re.findall(r"([^\d%,]+) (\d+(?:\.\d+)?)%", stated[1] if stated else "")
        sizes = [(float(size), name.strip()) for name, size in found]
    best = (min if kind.startswith("shortest") else max)(sizes, default=(0.0, ""))
    return best[1] if [size for size, _ in sizes].count(best[0]) == 1 else ""
