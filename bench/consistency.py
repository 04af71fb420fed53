"""Sub-agents that drift as real ones do: with a contract their table has one form, without it not.

Each sub-agent has a style, chosen by a seed: what it calls its columns and in which order it writes
them, columns that nobody asked for, units, how figures and dates are written, how options and rows
are spelled. Without the contract their reports bring Markdown tables, which the orchestrator
pastes. With it the same sub-agents try their own names first, are refused, use the right ones, and
still write values in their style; of what is sent back to them most is mended.

*Drift* is measured alike in both tables. A cell drifts if its column has another name than most
cells of that column, or cannot be read as written in the form in which most of them are: figures
with the same separators and the same words behind them, dates of one pattern, options in one case,
rows called as they were assigned. Cells of columns that nobody asked for drift.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

import anyio

import openswarm
from bench.measure import Figure, Setting
from openswarm import Column, Contract, RunResult, Say, ScriptedModel
from openswarm.core.contract import Alias
from openswarm.core.events import ModelReplied, ReportReceived, is_subagent
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import Request

SEEDS = range(5)
DRIFTING = 2.0
"""Percent of the cells, in the worst seed."""
USUAL, STUBBORN = 0.6, 0.1
"""How probable the usual way is, else any is as likely as another; and how many sub-agents hand in
the same again when it is sent back."""
TASK = "Collect area, population, admission and government of these members."
HEADINGS = {
    "country": ("country", "Country", "Nation", "Country name", "Countries"),
    "area": ("area", "Area", "Total area", "land area", "Areas", "Size"),
    "population": ("population", "Population", "Inhabitants", "Pop.", "Populations"),
    "admitted": ("admitted", "Admitted", "Date of admission", "admission date", "Joined"),
    "government": ("government", "Government", "Form of government", "system", "Gov. type"),
    "landlocked": ("landlocked", "Landlocked", "Is landlocked", "Land-locked", "landlocked?"),
}
"""The columns, and what they are called, the usual name first."""
KEY, AREA, PEOPLE, ADMITTED, SYSTEM, INLAND = HEADINGS
NAMES: dict[str, tuple[str, ...]] = {
    "United States": ("USA", "U.S.A."), "United Kingdom": ("UK", "Great Britain"),
    "South Korea": ("Republic of Korea", "ROK"), "Côte d'Ivoire": ("Ivory Coast",),
    "Czechia": ("Czech Republic",), "Netherlands": ("The Netherlands", "Holland"),
    "Myanmar": ("Burma",), "Türkiye": ("Turkey",), "Eswatini": ("Swaziland",),
    "Cabo Verde": ("Cape Verde",), "Timor-Leste": ("East Timor",), "DR Congo": ("DRC",),
    "United Arab Emirates": ("UAE", "U.A.E."), "North Macedonia": ("Macedonia",),
    **dict.fromkeys((
        "Guinea-Bissau", "Austria", "Belgium", "Chile", "Denmark", "Ecuador", "Finland", "Ghana",
        "Hungary", "Iceland", "Japan", "Kenya", "Latvia", "Mongolia", "Norway", "Oman", "Peru",
        "Qatar", "Rwanda", "Spain", "Togo", "Uganda", "Vietnam", "Yemen", "Zambia", "Malta",
    ), ()),
}  # fmt: skip
ROWS = tuple(NAMES)
AGAIN = ROWS[:20]
"""Rows that are looked at again, two by one sub-agent, which spells their names itself."""
OPTIONS = ("federal republic", "republic", "constitutional monarchy", "absolute monarchy")
CONTRACT = Contract(
    columns=(
        Column(name=KEY, definition="its usual English name"),
        Column(name=AREA, definition="land and water", type="number", unit="km2"),
        Column(name=PEOPLE, definition="at the last count", type="number", unit="million people"),
        Column(name=ADMITTED, definition="the day it was admitted", type="date"),
        Column(name=SYSTEM, definition="its form", type="enum", options=OPTIONS),
        Column(name=INLAND, definition="whether it has no coast", type="boolean"),
    ),
    key=(KEY,),
    aliases=tuple(Alias(name=name, others=others) for name, others in NAMES.items() if others),
)

# How all this is written, the usual way first.
CONCEPTS = {heading: name for name, headings in HEADINGS.items() for heading in headings}
EXTRAS = ("Notes", "Source", "Capital", "Remarks")
SEPARATORS = ((",", "."), ("", "."), (".", ","), (" ", ","), ("", ","))
AREAS = (("km²", "1"), ("km2", "1"), ("sq km", "1"), ("sq mi", "2.589988110336"), ("ha", "0.01"))
COUNTS = (("million", 6), ("M", 6), ("thousand", 3), ("people", 0), ("inhabitants", 0))
ANSWERS = (("yes", "no"), ("Yes", "No"), ("true", "false"), ("Y", "N"), ("✓", "✗"))
DATES: tuple[Callable[[date], str], ...] = (
    date.isoformat,
    lambda day: f"{day.day} {day:%B %Y}",
    lambda day: f"{day:%d.%m.%Y}",
    lambda day: f"{day:%B} {_ordinal(day.day)}, {day.year}",
    lambda day: f"{day:%d/%m/%Y}",
    lambda day: f"{day:%Y/%m/%d}",
)
CASES: tuple[Callable[[str], str], ...] = (
    *(str, str.title, str.capitalize),
    lambda option: option.replace(" ", "-"),
    lambda option: option.upper().replace(" ", "_"),
    lambda option: {"republic": "Rep.", "absolute monarchy": "kingdom"}.get(option, option),
)
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda name: (*NAMES[name], name)[0],
    lambda name: (name, *NAMES[name])[-1],
    str.upper,
    lambda name: name.replace("'", "’").replace("-", "‑"),
    lambda name: f"“{name}”",
)
CALLED = {spell(name): name for name in NAMES for spell in SPELLINGS}
"""Every way in which a row is named, and the row."""


def _ordinal(day: int) -> str:
    few = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{few}"


class Fact(NamedTuple):
    """What is true of a row: invented, but for its name."""

    name: str
    area: int
    people: Decimal
    admitted: date
    system: str
    inland: bool

    @classmethod
    def of(cls, name: str) -> "Fact":
        """The same for every seed."""
        chance = random.Random(name)
        area, people = chance.randrange(5_000, 2_000_000), Decimal(chance.randrange(3, 2_000)) / 10
        day = date(1945, 10, 24) + timedelta(days=chance.randrange(20_000))
        return cls(name, area, people, day, chance.choice(OPTIONS), chance.random() < 0.3)

    def canonical(self) -> dict[str, str]:
        """As the contract wants it written."""
        values = (*map(str, self[:-1]), "yes" if self.inland else "no")
        return dict(zip(CONTRACT.names, values, strict=True))


class Style:
    """How one sub-agent writes; it keeps to what it began with."""

    def __init__(self, seed: int, number: int) -> None:
        chance = random.Random(f"{seed} {number}")

        def pick(ways: Sequence[Any]) -> Any:
            return ways[0] if chance.random() < USUAL else chance.choice(ways)

        self.names = {name: pick(ways) for name, ways in HEADINGS.items()}
        shuffled = chance.sample(CONTRACT.names, len(CONTRACT.names))
        self.order = pick((CONTRACT.names, shuffled))
        self.extras = chance.sample(EXTRAS, pick((0, 1, 2)))
        self.unit_in_heading = pick((False, True))
        self.separators, self.area, self.count = pick(SEPARATORS), pick(AREAS), pick(COUNTS)
        self.day, self.case, self.spell = pick(DATES), pick(CASES), pick(SPELLINGS)
        self.answers, self.mends = pick(ANSWERS), chance.random() >= STUBBORN

    def row(self, fact: Fact, *, bare: bool = False) -> dict[str, str]:
        """A row by column; `bare` leaves out the units that stand in the headings."""
        (unit, size), (scale, power) = self.area, self.count
        area = self._figure(Decimal(round(fact.area / Decimal(size))))
        people = self._figure(fact.people.scaleb(6 - power).normalize())
        written = {
            KEY: self.spell(fact.name),
            AREA: area if bare else f"{area} {unit}",
            PEOPLE: people if bare else f"{people} {scale}",
            ADMITTED: self.day(fact.admitted),
            SYSTEM: self.case(fact.system),
            INLAND: self.answers[not fact.inland],
        }
        return {name: written[name] for name in self.order}

    def _figure(self, value: Decimal) -> str:
        group, point = self.separators
        whole, _, rest = f"{value:,f}".partition(".")
        return whole.replace(",", group) + (point + rest if rest else "")

    def heading(self, name: str) -> str:
        """What the column is called."""
        units = {AREA: self.area[0], PEOPLE: self.count[0]}
        has_unit = self.unit_in_heading and name in units
        return f"{self.names[name]} ({units[name]})" if has_unit else self.names[name]

    def table(self, facts: Iterable[Fact]) -> list[dict[str, str]]:
        """Rows as they are written when nobody has asked for a form."""
        more = dict.fromkeys(self.extras, "see the register")
        rows = (self.row(fact, bare=self.unit_in_heading) for fact in facts)
        return [{self.heading(name): text for name, text in row.items()} | more for row in rows]


def lead(request: Request) -> Say:
    """Assigns every row, then some again; pastes what it was told."""
    turn = sum(message.role == "assistant" for message in request.history)
    if turn == 0:
        batch = {"agent": "researcher", "prompt_template": "Members: {{item}}.", "items": ROWS}
        return Say(calls=(("assign_batch", batch),))
    if turn == 1:
        return in_pairs(AGAIN)
    return Say("\n\n".join(message.text for message in request.history if message.role == "tool"))


def lead_freely(request: Request) -> Say:
    """Assigns all rows two by two, so that sub-agents alone name them."""
    turn = sum(message.role == "assistant" for message in request.history)
    return Say("All were looked up.") if turn else in_pairs(ROWS)


def in_pairs(names: Sequence[str]) -> Say:
    """Assigns two rows to a sub-agent."""
    prompts = [f"Members: {a}; {b}." for a, b in zip(names[::2], names[1::2], strict=True)]
    return Say(calls=tuple(("assign_task", {"agent": "researcher", "prompt": p}) for p in prompts))


def subagent(seed: int, request: Request) -> Say:
    """A table in words, or with the report tool, if there is one."""
    brief = next(message.text for message in request.history if message.role == "user")
    names = brief.partition("Members: ")[2].partition(".")[0].split("; ")
    facts = [Fact.of(name) for name in names]
    style = Style(seed, ROWS.index(names[0]) + len(ROWS) * (len(names) > 1))
    if any(tool.name == "report" for tool in request.tools):
        return Say(calls=(("report", handed_in(style, facts, request.history[-1].text)),))
    table = style.table(facts)
    lines = [[*table[0]], ["---"] * len(table[0]), *([*row.values()] for row in table)]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return Say(f"{'All was found in the register, and it is complete. ' * 4}\n\n{shown}")


def handed_in(style: Style, facts: list[Fact], told: str) -> dict[str, Any]:
    """What a sub-agent calls `report` with, after what it was told last."""
    refused, sent_back = "was not run" in told, "does not fit" in told
    if refused and not all(f'"{column.name}"' in told for column in CONTRACT.asked):
        raise AssertionError("the refusal does not say how the columns are called")
    if refused or sent_back:
        mends = sent_back and style.mends
        wrong = [name for name in CONTRACT.names if mends and f"{name}: " in told]
        canonical = ({name: fact.canonical()[name] for name in wrong} for fact in facts)
        rows = [style.row(fact) | right for fact, right in zip(facts, canonical, strict=True)]
        if len(rows) == 1:
            del rows[0][KEY]  # the assignment says it, and the form has no place for it
    else:
        rows = style.table(facts)
    cells = [{name: {"value": text} for name, text in row.items()} for row in rows]
    return cells[0] if len(cells) == 1 else {"rows": cells}


class Seen(NamedTuple):
    """A cell that is measured."""

    concept: str
    """The column of the contract that it is about; '' where nobody asked for it."""
    heading: str
    text: str
    row: str
    """The row as it was assigned."""


FIGURE_FORMS = (
    ("1234.5", r"\d+(?:\.\d+)?"),
    ("1234,5", r"\d+(?:,\d+)?"),
    ("1,234.5", r"\d{1,3}(?:,\d{3})*(?:\.\d+)?"),
    ("1.234,5", r"\d{1,3}(?:\.\d{3})*(?:,\d+)?"),
    ("1 234,5", r"\d{1,3}(?: \d{3})*(?:,\d+)?"),
)
DATE_FORMS = (
    r"\d{4}-\d\d-\d\d", r"\d{4}/\d\d/\d\d", r"\d\d\.\d\d\.\d{4}", r"\d\d/\d\d/\d{4}",
    r"\d{1,2} [A-Z][a-z]+ \d{4}", r"[A-Z][a-z]+ \d{1,2}[a-z]{2}, \d{4}",
)  # fmt: skip


def forms(cell: Seen) -> list[str]:
    """Every form in which a cell may be written; itself where it has none of those."""
    text, found = cell.text, list[str]()
    if cell.concept in (AREA, PEOPLE):
        tries = ((n, re.fullmatch(rf"{form}( ?[^\d\s.,].*)?", text)) for n, form in FIGURE_FORMS)
        found = [f"{name} {match[1] or ''}" for name, match in tries if match]
    elif cell.concept == ADMITTED:
        found = [form for form in DATE_FORMS if re.fullmatch(form, text)]
    elif cell.concept == SYSTEM:
        found = [str(n) for n, case in enumerate(CASES) if text in map(case, OPTIONS)]
    elif cell.concept == INLAND:
        found = ["/".join(pair) for pair in ANSWERS if text in pair]
    elif cell.concept == KEY:
        found = ["as assigned"] if text == cell.row else []
    return found or [text]


def drift(cells: Sequence[Seen]) -> dict[str, list[bool]]:
    """Which cells of each column drift; '' are those that nobody asked for."""
    columns: dict[str, list[bool]] = {}
    for concept in dict.fromkeys(cell.concept for cell in cells):
        own = [cell for cell in cells if cell.concept == concept]
        [(heading, _)] = Counter(cell.heading for cell in own).most_common(1)
        [(form, _)] = Counter(form for cell in own for form in forms(cell)).most_common(1)
        columns[concept] = [
            not concept or cell.heading != heading or form not in forms(cell) for cell in own
        ]
    return columns


def pasted(result: RunResult) -> list[Seen]:
    """The cells of all Markdown tables in the answer."""
    cells: list[Seen] = []
    for block in result.answer.split("\n\n"):
        if block.startswith("| "):
            lines = [line.strip("| ").split(" | ") for line in block.splitlines()]
            concepts = [CONCEPTS.get(heading.partition(" (")[0], "") for heading in lines[0]]
            for line in lines[2:]:
                row = CALLED[line[concepts.index(KEY)]]
                cells += map(Seen, concepts, lines[0], line, [row] * len(line))
    return cells


def merged(result: RunResult) -> list[Seen]:
    """The cells of the run's table."""
    assert result.table is not None
    rows = [(CALLED[row.cells[KEY].value], row.values()) for row in result.table.rows]
    return [Seen(column, column, text, name) for name, row in rows for column, text in row.items()]


def is_true(cell: Seen) -> bool:
    """Whether a cell of the table says what is true: figures to a thousandth."""
    truth = Fact.of(cell.row).canonical()[cell.concept]
    if cell.concept in (AREA, PEOPLE):
        return abs(Decimal(cell.text) / Decimal(truth) - 1) <= Decimal("0.001")
    return cell.concept == KEY or cell.text == truth


async def collect(
    seed: int, orchestrator: Callable[[Request], Say], **more: Any
) -> tuple[RunResult, MemoryJournal]:
    """A run in memory."""
    journal = MemoryJournal()
    scripts = {"orchestrator": orchestrator, "researcher": lambda asked: subagent(seed, asked)}
    model = ScriptedModel(scripts)
    options: dict[str, Any] = {"model": model, "mode": "swarm", "journal": journal}
    return await openswarm.run(TASK, **options, **more), journal


def run(setting: Setting) -> list[Figure]:
    """Every seed: told nothing of a table, given the contract, and with rows named freely."""
    without = [drift(pasted(anyio.run(collect, seed, lead)[0])) for seed in SEEDS]
    runs = [anyio.run(partial(collect, seed, lead, columns=CONTRACT)) for seed in SEEDS]
    free = [anyio.run(partial(collect, seed, lead_freely, columns=CONTRACT)) for seed in SEEDS]
    tables = [merged(result) for result, _ in runs]
    shares = [percent(drift(table)) for table in tables]
    named = [drift(merged(result)) for result, _ in free]
    untrue = Counter(c.concept for table in tables for c in table if not is_true(c))
    cells = sum(map(len, tables))
    setting.say(f"drifting with the contract: {', '.join(f'{s:.2f} %' for s in shares)}")
    return [
        Figure("drifting cells with the contract, worst seed", max(shares), DRIFTING, "%",
               note=f"{len(tables[0])} cells, {len(SEEDS)} seeds"),
        Figure("drifting cells without it", fmean(map(percent, without)), None, "%",
               note=each(without)),
        Figure("drifting cells, rows named by sub-agents", fmean(map(percent, named)), None, "%",
               note=each(named)),
        Figure("cells that say what is true, with the contract",
               100 - untrue.total() / cells * 100, None, "%",
               note=f"of {cells} not: " + ", ".join(f"{n} {name}" for name, n in untrue.items())),
        *costs(runs),
    ]  # fmt: skip


def costs(runs: list[tuple[RunResult, MemoryJournal]]) -> list[Figure]:
    """The calls that refusals cost, and the rows that were merged."""
    assigned = len(ROWS) + len(AGAIN) // 2
    extra, spelled, twice = [], [], []
    for result, journal in runs:
        replies = [event.agent for event in journal.events() if isinstance(event, ModelReplied)]
        extra.append(sum(map(is_subagent, replies)) - assigned)
        reports = [event for event in journal.events() if isinstance(event, ReportReceived)]
        names = {row.cells[KEY].value for report in reports for row in report.rows}
        spelled.append(len(names) - len(ROWS))
        twice.append(len(merged(result)) // len(CONTRACT.columns) - len(ROWS))
    return [
        Figure("extra calls a sub-agent, for names and values", fmean(extra) / assigned, None,
               note=f"{fmean(extra):.0f} for {assigned} sub-agents, of which {assigned} for names"),
        Figure("other spellings merged into their rows", fmean(spelled), None,
               note=f"of {len(AGAIN)} rows that were handed in again"),
        Figure("rows that are there twice", max(twice), 0),
    ]  # fmt: skip


def percent(columns: dict[str, list[bool]]) -> float:
    """The share of cells that drift."""
    return fmean(drifts for column in columns.values() for drifts in column) * 100


def each(tables: list[dict[str, list[bool]]]) -> str:
    """The share of each column."""
    names = dict.fromkeys(name for table in tables for name in table)
    shares = {n: fmean(d for table in tables for d in table.get(n, ())) for n in names}
    return ", ".join(f"{name or 'others'} {share:.0%}" for name, share in shares.items() if share)
