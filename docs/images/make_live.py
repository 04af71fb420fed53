"""Draws docs/images/live.svg: the live view of a real run with scripted replies, half way through.

    python docs/images/make_live.py

The documents, the searches, the table and every figure are those of the run; only the words of the
models are written down here.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from rich.console import Console
from rich.terminal_theme import TerminalTheme

import openswarm
from openswarm.cli.followed import Followed
from openswarm.cli.screen import screen
from openswarm.core.events import AnyEvent, Tick
from openswarm.core.messages import Usage
from openswarm.llm.model import ModelInfo, Price

PICTURE = Path(__file__).with_name("live.svg")
FACTS = {
    "Austria": ("Vienna", 83_871), "Bolivia": ("Sucre", 1_098_581), "Chile": ("Santiago", 756_102),
    "Cuba": ("Havana", 110_860), "Egypt": ("Cairo", 1_001_450), "Finland": ("Helsinki", 338_145),
    "Ghana": ("Accra", 238_533), "Greece": ("Athens", 131_957), "Iceland": ("Reykjavik", 103_000),
    "Ireland": ("Dublin", 70_273), "Japan": ("Tokyo", 377_915), "Kenya": ("Nairobi", 580_367),
    "Laos": ("Vientiane", 236_800), "Nepal": ("Kathmandu", 147_181), "Norway": ("Oslo", 323_802),
    "Peru": ("Lima", 1_285_216), "Portugal": ("Lisbon", 92_090), "Sweden": ("Stockholm", 450_295),
    "Tunisia": ("Tunis", 163_610), "Turkey": ("Ankara", 783_562),
    "Uruguay": ("Montevideo", 176_215), "Vietnam": ("Hanoi", 331_210),
    "Yemen": ("Sanaa", 527_968), "Zambia": ("Lusaka", 752_618),
}  # fmt: skip
"""Capital and area in km²."""
SILENT = "Chile"
"""The country whose sub-agent reports no row."""
COLUMNS = "country; capital: seat of government; area (number, km²): total, land and water"
DONE_WHEN_DRAWN = 11
WIDTH, HEIGHT = 118, 33
PRICE = Price(input=0.6, output=3.0, cached=0.1)

THEME = TerminalTheme(
    (22, 24, 29),
    (214, 217, 222),
    [(22, 24, 29), (224, 92, 92), (126, 188, 110), (222, 180, 92), (96, 150, 220), (190, 130, 210),
     (92, 186, 200), (214, 217, 222)],
    [(72, 77, 86), (240, 120, 120), (150, 210, 130), (240, 200, 110), (120, 170, 240),
     (210, 150, 230), (110, 206, 220), (255, 255, 255)],
)  # fmt: skip


def main() -> None:
    """Runs the swarm and draws it."""
    picture: list[str] = []
    followed = Followed()

    def look(event: AnyEvent | Tick) -> None:
        followed.take(event)
        if not picture and followed.counts()["done"] == DONE_WHEN_DRAWN:
            picture.append(draw(followed))

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(run, Path(folder), look)
    PICTURE.write_text(picture[0], encoding="utf-8")
    sys.stderr.write(f"wrote {PICTURE.name}\n")


async def run(folder: Path, look: Any) -> None:
    """One swarm over documents in a folder."""
    documents = folder / "countries"
    await anyio.Path(documents).mkdir()
    for country, (capital, area) in FACTS.items():
        page = anyio.Path(documents / f"{country.lower()}.md")
        await page.write_text(f"# {country}\n\nCapital: {capital}\n\nArea: {area:,} sq km\n")
    await openswarm.run(
        "Capital and area of each of these countries",
        model=model(),
        over=[documents],
        columns=COLUMNS,
        limits=openswarm.Limits(max_parallel=8),
        home=folder / "home",
        observer=look,
    )


def model() -> openswarm.ScriptedModel:
    """Replies that take as long as those of a model that is served well."""
    chance = random.Random(7)
    items = {"agent": "researcher", "prompt_template": "Capital and area of {{item}}."}
    lead = [
        openswarm.Say(
            calls=(("assign_batch", {**items, "items": [*FACTS]}),),
            usage=Usage(input_tokens=2_130, output_tokens=240),
            delay_s=0.4,
        ),
        openswarm.Say("The table has 23 of 24 countries.", usage=Usage(input_tokens=4_200)),
    ]
    cases = {country: steps(country, chance) for country in FACTS}

    def subagent(request: Any) -> openswarm.Say:
        brief = next(m.text for m in request.history if m.role == "user")
        country = next(name for name in FACTS if name in brief)
        step = sum(m.role == "assistant" for m in request.history)
        return cases[country][min(step, 2)]

    return openswarm.ScriptedModel(
        {"orchestrator": lead, "*": subagent}, info=ModelInfo(price=PRICE)
    )


def steps(country: str, chance: random.Random) -> Sequence[openswarm.Say]:
    """A sub-agent's replies: it searches, opens a page, reports."""
    capital, area = FACTS[country]
    source = f"{country.lower()}.md#1"
    row = {
        "capital": {"value": capital, "source": source, "quote": f"Capital: {capital}"},
        "area": {"value": f"{area:,}", "source": source, "quote": f"Area: {area:,} sq km"},
    }
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search", {"queries": [f"{country} capital", f"{country} area"]}),
        ("open", {"document": f"{country.lower()}.md"}),
        ("report", row),
    ]
    return [
        openswarm.Say(
            text="" if says_calls else "The page does not give it.",
            calls=(call,) if says_calls else (),
            usage=Usage(
                input_tokens=chance.randint(1_500, 1_900) + 700 * number,
                output_tokens=chance.randint(40, 140),
                cached_tokens=1_024,
            ),
            delay_s=chance.uniform(0.3, 1.2),
        )
        for number, call in enumerate(calls)
        for says_calls in (country != SILENT or number < 2,)
    ]


_PADDED = re.compile(r'<text([^>]*) x="([\d.]+)"([^>]*) textLength="([\d.]+)"([^>]*)>((?:&#160;)+)')


def draw(followed: Followed) -> str:
    """The screen as SVG that asks for no file of another server."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(
            record=True, file=nowhere, width=WIDTH, height=HEIGHT, force_terminal=True,
            color_system="truecolor",
        )  # fmt: skip
        console.print(screen(followed, console, time.time()))
    svg = console.export_svg(title="openswarm run", theme=THEME, unique_id="live")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return _PADDED.sub(_moved, svg)


def _moved(match: re.Match[str]) -> str:
    """Text without the spaces before it, moved by as much: not every viewer keeps them."""
    before, x, between, length, after, spaces = match.groups()
    step = 12.2 * len(spaces) / len("&#160;")
    return (
        f'<text{before} x="{float(x) + step:g}"{between}'
        f' textLength="{max(0.0, float(length) - step):g}"{after}>'
    )


if __name__ == "__main__":
    main()
