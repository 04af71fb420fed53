"""How fast a corpus is built, opened again and searched.

    python bench/corpus.py [--files 10000]

Makes that many files of about 2 kB in a temporary folder and prints files and queries a second,
and the ratios between the phases, which compare across machines.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import anyio

from openswarm.tools.corpus.corpus import Corpus

FILE_BYTES = 2000
QUERIES = 200
SOME = 100


def make_files(folder: Path, count: int) -> list[str]:
    """Markdown files of invented words; returns the vocabulary, common words first."""
    chance = random.Random(7)
    syllables = ["ka", "lo", "mi", "ner", "po", "ru", "sel", "ta", "vin", "zor"]
    vocabulary = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(5000)]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    for number in range(count):
        place = folder / f"{number // 500:03d}"
        place.mkdir(exist_ok=True)
        words = chance.choices(vocabulary, weights, k=FILE_BYTES // 8)
        body = "\n\n".join(" ".join(words[at : at + 60]) + "." for at in range(0, len(words), 60))
        (place / f"{number:05d}.md").write_text(f"# Item {number}\n\n{body}\n")
    return vocabulary


def change(folder: Path) -> None:
    """Writes a few files anew."""
    for path in sorted(folder.rglob("*.md"))[:SOME]:
        path.write_text(path.read_text() + "\nchanged\n")


class Cost(NamedTuple):
    """What an action took, in seconds: the second compares on a machine that is not idle."""

    wall: float
    processor: float


def cost(action: Callable[[], Awaitable[object]]) -> Cost:
    """Runs an action once."""
    wall, processor = time.perf_counter(), time.process_time()
    anyio.run(action)
    return Cost(time.perf_counter() - wall, time.process_time() - processor)


def show(what: str, took: Cost, count: int, unit: str, build: Cost) -> None:
    """One line: time, rate, and the ratio to the build."""
    rate, steady = count / took.wall, count / max(took.processor, 1e-9)
    ratio = took.processor / build.processor
    print(
        f"{what:20} {took.wall:7.2f} s wall {took.processor:7.2f} s processor"
        f" {rate:8.0f} {unit}/s wall {steady:8.0f} {unit}/s processor   {ratio:.3f} of the build"
    )


def measure(folder: Path, home: Path, files: int) -> None:
    """All phases, one after the other."""
    vocabulary = make_files(folder, files)
    chance = random.Random(11)
    queries = [" ".join(chance.sample(vocabulary[20:], 3)) for _ in range(QUERIES)]

    async def open_corpus() -> Corpus:
        return await Corpus.open([str(folder)], home)

    build = cost(open_corpus)
    again = cost(open_corpus)
    change(folder)
    changed = cost(open_corpus)
    corpus = anyio.run(open_corpus)

    async def search_all() -> None:
        for query in queries:
            await corpus.search(query)

    async def find_all() -> None:
        for number in range(QUERIES):
            assert await corpus.find(f"Item {number}")

    async def grep_all() -> None:
        await corpus.grep("no such line")

    search, find, grep = cost(search_all), cost(find_all), cost(grep_all)
    size = sum(path.stat().st_size for path in home.glob("*.db*"))
    print(f"{files} files of {FILE_BYTES} bytes; index {size / 2**20:.0f} MB")
    show("build", build, files, "files", build)
    show("open, no change", again, files, "files", build)
    show(f"open, {SOME} changed", changed, files, "files", build)
    show("search", search, QUERIES, "queries", build)
    show("find", find, QUERIES, "items", build)
    print(f"grep of everything   {grep.wall:7.2f} s wall, in a process of its own")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "files").mkdir()
        measure(Path(temporary) / "files", Path(temporary) / "home", parser.parse_args().files)
