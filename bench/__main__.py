"""`python -m bench [NAME …]`: runs the benches, prints a table, exits non-zero on a missed bar."""

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Figure, Setting, setting

BENCHES = (
    "imports", "fanout", "streaming", "capped", "broken", "budget", "resume",
    "consistency", "edits", "large", "fetching", "chaos", "sandboxes", "injection", "routing",
    "streams", "webview",
    "model", "model_generation", "model_cache", "model_growth", "int4",
)  # fmt: skip
PACKAGES = (
    "openswarm", "aiohttp", "anyio", "pydantic", "orjson", "uvloop", "torch", "transformers",
    "xllamacpp",
)  # fmt: skip
OUT = Path(__file__).parent / "out" / "results.json"
WIDTH = 130
_VERDICTS = {True: "[green]pass[/]", False: "[bold red]MISSED[/]", None: ""}


def main() -> int:
    """Runs what is named, or all."""
    options = parse(sys.argv[1:])
    console = Console()
    console.width = max(console.width, WIDTH)
    results: dict[str, list[Figure]] = {}
    broken: dict[str, str] = {}
    say = Console(stderr=True, style="dim").print
    with setting(options.rounds, options.kills, not options.stock_loop, say) as bench:
        for name in options.benches or BENCHES:
            run_one(name, bench, results, broken)
    console.print(table(results))
    for name, reason in broken.items():
        console.print(f"[bold red]{name} did not run:[/]\n{reason}", highlight=False)
    write(results, broken, options)
    missed = sum(figure.passed is False for figures in results.values() for figure in figures)
    console.print(f"{missed} bars missed, {len(broken)} benches broken; figures in {OUT}")
    return 1 if missed or broken else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median counts")
    parser.add_argument("--kills", type=int, default=50, help="kills of the resume bench")
    parser.add_argument("--stock-loop", action="store_true", help="asyncio's loop on both sides")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.benches) - set(BENCHES))
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return options


def run_one(
    name: str, bench: Setting, results: dict[str, list[Figure]], broken: dict[str, str]
) -> None:
    """One bench; one that breaks does not keep the others from running."""
    bench.say(f"== {name}")
    run: Callable[[Setting], list[Figure]] = importlib.import_module(f"bench.{name}").run
    try:
        results[name] = run(bench)
    except Exception:  # noqa: BLE001 - whatever it is, it is shown, and the exit code tells
        broken[name] = traceback.format_exc(limit=-2)


def table(results: dict[str, list[Figure]]) -> Table:
    """All figures beside their bars."""
    shown = Table(title="openswarm benches", title_justify="left")
    shown.add_column("figure")
    for heading in ("openswarm", "floor", "ratio", "bar"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    shown.add_column("note", style="dim")
    for figures in results.values():
        for figure in figures:
            ratio = f"{figure.ratio:.2f} ×" if figure.ratio is not None else ""
            floor = number(figure.floor, figure.unit)
            shown.add_row(
                figure.name, number(figure.value, figure.unit), floor, ratio, bar(figure),
                _VERDICTS[figure.passed], figure.note,
            )  # fmt: skip
        shown.add_section()
    return shown


def number(value: float | None, unit: str) -> str:
    """A figure as it is read: whole numbers whole, others with two places."""
    if value is None:
        return ""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
    return f"{text} {unit}".rstrip()


def bar(figure: Figure) -> str:
    """The bar with its direction."""
    sign = "≥" if figure.at_least else "≤"
    return "" if figure.bar is None else f"{sign} {number(figure.bar, figure.unit)}"


def write(
    results: dict[str, list[Figure]], broken: dict[str, str], options: argparse.Namespace
) -> None:
    """All figures as JSON, with what is needed to read them later."""
    OUT.parent.mkdir(exist_ok=True)
    document: dict[str, Any] = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg(), "system": platform.system()},
        "versions": {"python": platform.python_version(), **versions()},
        "rounds": options.rounds,
        "kills": options.kills,
        "figures": {
            name: [asdict(figure) | {"passed": figure.passed} for figure in figures]
            for name, figures in results.items()
        },
        "broken": broken,
    }
    OUT.write_text(json.dumps(document, indent=1) + "\n")


def versions() -> dict[str, str]:
    """Of the packages that decide the figures; some may be missing."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


if __name__ == "__main__":
    raise SystemExit(main())
