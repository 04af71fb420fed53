"""Which files a corpus is made of, and what they are called."""

import os
from pathlib import Path

import pytest
from corpus_files import corpus_of, whole, write

from openswarm.core.errors import UserError
from openswarm.tools.corpus.corpus import Corpus

pytestmark = pytest.mark.anyio


async def opened(tmp_path: Path, *sources: str | Path) -> Corpus:
    """A corpus of these sources."""
    return await Corpus.open([str(source) for source in sources], tmp_path / "corpora")


async def test_documents_are_named_by_their_path_inside_the_folder(tmp_path: Path) -> None:
    """With forward slashes; a file given by itself has its own name."""
    folder = write(tmp_path, {"in/a.txt": "a", "in/deep/er/b.txt": "b", "c.txt": "c"})
    corpus = await opened(tmp_path, folder / "in", folder / "c.txt")
    assert await corpus.names(9) == ["a.txt", "c.txt", "deep/er/b.txt"]


async def test_names_that_collide_are_led_by_the_name_of_their_folder(tmp_path: Path) -> None:
    """Also if the folders are called the same."""
    write(tmp_path, {"one/x/a.txt": "1", "two/x/a.txt": "2", "two/x/b.txt": "b", "y/a.txt": "3"})
    corpus = await opened(tmp_path, tmp_path / "one/x", tmp_path / "two/x", tmp_path / "y")
    assert await corpus.names(9) == ["b.txt", "x-2/a.txt", "x/a.txt", "y/a.txt"]
    assert await whole(corpus, "y/a.txt") == "3"


async def test_a_file_that_is_reached_twice_is_one_document(tmp_path: Path) -> None:
    """By a folder inside a folder, or by the folder and by itself."""
    folder = write(tmp_path / "in", {"a.txt": "a", "deep/b.txt": "b"})
    corpus = await opened(tmp_path, folder, folder / "deep", folder / "a.txt")
    assert corpus.documents == 2


async def test_hidden_and_generated_folders_are_passed_over_quietly(tmp_path: Path) -> None:
    """Nobody means them."""
    names = (".git/config", ".env", "node_modules/x/index.js", "pkg/__pycache__/a.txt", "ok.txt")
    corpus = await corpus_of(tmp_path, dict.fromkeys(names, "text"))
    assert await corpus.names(9) == ["ok.txt"]
    assert corpus.skipped == ()


@pytest.mark.requirement("corpus.skip")
async def test_a_link_that_leads_out_of_the_folder_is_reported(tmp_path: Path) -> None:
    """As is one that leads nowhere; one that stays inside is followed."""
    write(tmp_path, {"secret.txt": "s", "in/.store/a.txt": "kept", "outside/b.txt": "b"})
    root = tmp_path / "in"
    (root / "file.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "broken.txt").symlink_to(tmp_path / "none")
    (root / "loop").symlink_to(root)
    (root / "shown.txt").symlink_to(root / ".store/a.txt")
    corpus = await opened(tmp_path, root)
    assert await corpus.names(9) == ["shown.txt"]
    assert sorted((Path(entry.source).name, entry.reason) for entry in corpus.skipped) == [
        ("broken.txt", "it is a link that leads nowhere"),
        ("file.txt", "it is a link that leads out of the folder"),
        ("folder", "it is a link that leads out of the folder"),
    ]


@pytest.mark.requirement("corpus.skip")
async def test_large_files_and_pipes_are_reported_and_not_read(tmp_path: Path) -> None:
    """Reading a pipe would never end."""
    folder = write(tmp_path / "in", {"a.txt": "a"})
    os.mkfifo(folder / "pipe")
    with (folder / "large.txt").open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    corpus = await opened(tmp_path, folder)
    assert {(Path(entry.source).name, entry.reason) for entry in corpus.skipped} == {
        ("pipe", "it is not a regular file"),
        ("large.txt", "it is larger than 20 MB"),
    }


async def test_names_of_any_bytes_are_shown_as_text(tmp_path: Path) -> None:
    """A file name is a stranger's word as well."""
    try:
        folder = write(tmp_path / "in", {os.fsdecode(b"bad\xff\n.txt"): "x"})
    except OSError:
        pytest.skip("this file system takes no such name")
    corpus = await opened(tmp_path, folder)
    assert await corpus.names(9) == ["bad\\xff?.txt"]
    assert await whole(corpus, "bad\\xff?.txt") == "x"


@pytest.mark.requirement("bad.path")
@pytest.mark.parametrize(
    "source", ["no/such/folder", "ftp://host.invalid/file", "http://[", "a\0b"]
)
async def test_a_source_that_is_not_there_is_an_error_that_names_it(
    tmp_path: Path, source: str
) -> None:
    """Before anything is read."""
    with pytest.raises(UserError, match="--over"):
        await opened(tmp_path, source)


async def test_no_source_at_all_is_an_error(tmp_path: Path) -> None:
    """That names the option."""
    with pytest.raises(UserError, match="--over"):
        await opened(tmp_path)


@pytest.mark.requirement("bad.empty-corpus")
async def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """That says so."""
    with pytest.raises(UserError, match="it is empty"):
        await corpus_of(tmp_path, {".hidden": "x"})
