"""Folders of files for the tests of the corpus."""

from pathlib import Path

from openswarm.tools.corpus.corpus import Corpus


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Makes files by their path inside a folder; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


async def corpus_of(tmp_path: Path, files: dict[str, str | bytes]) -> Corpus:
    """An open corpus of these files."""
    folder = write(tmp_path / "files", files)
    return await Corpus.open([str(folder)], tmp_path / "corpora")


async def whole(corpus: Corpus, document: str) -> str:
    """All pages of a document put together."""
    first = await corpus.page(document, 1)
    rest = [await corpus.page(document, number) for number in range(2, first.pages + 1)]
    return first.text + "".join(page.text for page in rest)
