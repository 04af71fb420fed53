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


def seconds(action: Callable[[], Awaitable[object]]) -> float:
    """How long an action takes."""
    start = time.perf_counter()
    anyio.run(action)
    return time.perf_counter() - start


def measure(folder: Path, home: Path, files: int) -> None:
    """All phases, one after the other."""
    vocabulary = make_files(folder, files)
    chance = random.Random(11)
    queries = [" ".join(chance.sample(vocabulary[20:], 3)) for _ in range(QUERIES)]

    async def open_corpus() -> Corpus:
        return await Corpus.open([str(folder)], home)

    build = seconds(open_corpus)
    again = seconds(open_corpus)
    change(folder)
    changed = seconds(open_corpus)
    corpus = anyio.run(open_corpus)

    async def search_all() -> None:
        for query in queries:
            await corpus.search(query)

    async def find_all() -> None:
        for number in range(QUERIES):
            assert await corpus.find(f"Item {number}")

    async def grep_all() -> None:
        await corpus.grep("no such line")

    search, find, grep = seconds(search_all), seconds(find_all), seconds(grep_all)
    size = sum(path.stat().st_size for path in home.glob("*.db*"))
    print(f"{files} files of {FILE_BYTES} bytes; index {size / 2**20:.0f} MB")
    print(f"build                {build:8.2f} s   {files / build:8.0f} files/s")
    print(f"open, no change      {again:8.2f} s   {again / build:8.3f} of the build")
    print(f"open, {SOME} changed    {changed:8.2f} s   {changed / build:8.3f} of the build")
    print(f"search               {QUERIES / search:8.0f} queries/s")
    print(f"find                 {QUERIES / find:8.0f} items/s")
    print(f"grep of everything   {grep:8.2f} s   {grep / build:8.3f} of the build")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "files").mkdir()
        measure(Path(temporary) / "files", Path(temporary) / "home", parser.parse_args().files)
