"""A small world for tests of the web view: countries in documents, and a model that looks them up.

The model is scripted, but everything else is real: documents, tools, journal, server, browser.
Sub-agents of the items in `held` go on searching until they are steered, cancelled or released.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from openswarm.llm.model import OnDelta, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import batch, brief, calls, turn

COLUMNS = "country; capital: seat of government; population (number): people, latest estimate"
FACTS = {
    "Chile": ("Santiago", "19658839"), "Peru": ("Lima", "34352719"),
    "Bolivia": ("Sucre", "12388571"), "Ecuador": ("Quito", "18190484"),
    "Uruguay": ("Montevideo", "3423108"), "Paraguay": ("Asunción", "6861524"),
    "Colombia": ("Bogotá", "52085168"), "Suriname": ("Paramaribo", "623236"),
    "Guyana": ("Georgetown", "813834"), "Panama": ("Panama City", "4468087"),
    "Belize": ("Belmopan", "410825"), "Honduras": ("Tegucigalpa", "10593798"),
}  # fmt: skip
TASK = "Find the capital and the population of each of these countries, with their sources."
ANSWER = (
    "The table has {count} countries. Colombia is the largest with 52,085,168 people [c7], Belize"
    " the smallest.\n\n- Every value is quoted from its document.\n- Bolivia has two seats of"
    " government; the constitutional one is given."
)


def write_documents(folder: Path) -> Path:
    """A folder with a document a country."""
    folder.mkdir(parents=True, exist_ok=True)
    for country, (capital, population) in FACTS.items():
        text = (
            f"# {country}\n\n{country} is a country of the Americas.\n\nCapital: {capital}\n\n"
            f"Population: {population} people (latest estimate)\n"
        )
        (folder / f"{country.lower()}.md").write_text(text, encoding="utf-8")
    return folder


@dataclass
class World(ScriptedModel):
    """The model. `release` lets those who were held go on."""

    held: frozenset[str] = frozenset()
    pause_s: float = 0.0
    """Between a request and its reply."""
    release: anyio.Event = field(default_factory=anyio.Event)
    told: dict[str, list[str]] = field(default_factory=dict)
    """What was said to each sub-agent after its brief, by item."""

    @classmethod
    def of(
        cls, items: Iterable[str] = FACTS, held: Iterable[str] = (), pause_s: float = 0.0
    ) -> "World":
        """A world of these countries."""
        items = tuple(items)
        world = cls({}, held=frozenset(held), pause_s=pause_s)
        lead = [
            calls(batch(items, template="Find the facts on {{item}}."),
                  text="Twelve countries, a sub-agent each."),
            Say(ANSWER.format(count=len(items))),
        ]  # fmt: skip
        world.scripts = {
            "orchestrator": lambda request: lead[min(turn(request), len(lead) - 1)],
            "instant": lambda _: Say("At once."),
            "thinking": lambda _: Say("After some thought."),
            "agent": lambda _: Say("As asked."),
            "writer": lambda _: Say("Written anew from the table."),
            "*": world.look_up,
        }
        return world

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`; waits first."""
        if self.pause_s:
            await anyio.sleep(self.pause_s)
        item = item_of(request)
        if item in self.held and turn(request) and not self.release.is_set():
            with anyio.move_on_after(0.1):
                await self.release.wait()
        return await super().reply(request, on_delta)

    def look_up(self, request: Request) -> Say:
        """A sub-agent: searches, reads, reports; the held ones search until they are told."""
        item = item_of(request)
        said = [m.text for m in request.history if m.role == "user"][1:]
        self.told[item] = said
        is_told = any("Stop" in text or "steer" in text for text in said)
        if item in self.held and not self.release.is_set() and not is_told:
            return calls(("search", {"query": f"{item} {turn(request)}"}))
        if turn(request) == 0:
            return calls(("search", {"query": f"capital of {item}"}), text=f"I look for {item}.")
        if turn(request) == 1 and item not in self.held:
            return calls(("open", {"source": f"{item.lower()}.md"}))
        return report_on(item)


def item_of(request: Request) -> str:
    """The country that a sub-agent's brief names; '' for the orchestrator."""
    if request.agent in ("orchestrator", "instant", "thinking", "agent", "writer"):
        return ""
    text = brief(request)
    return next((country for country in FACTS if country in text), "")


def report_on(item: str) -> Say:
    """The facts of a country, quoted."""
    capital, population = FACTS[item]
    source = f"{item.lower()}.md"
    cells: dict[str, Any] = {
        "capital": {"value": capital, "source": source, "quote": f"Capital: {capital}"},
        "population": {
            "value": population, "source": source,
            "quote": f"Population: {population} people (latest estimate)",
        },
    }  # fmt: skip
    return calls(("report", cells))
