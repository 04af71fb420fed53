"""Reading files: every format becomes text that can be quoted, what cannot be read is reported."""

import io
import sys
from pathlib import Path

import pytest
from corpus_files import corpus_of, whole

from openswarm.core.errors import UserError

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("corpus.formats")
async def test_text_keeps_its_words_in_every_usual_encoding(tmp_path: Path) -> None:
    """UTF-8 with and without mark, UTF-16, and Latin-1 as the last resort."""
    text = "Málaga – Curaçao\n"
    encodings = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
    corpus = await corpus_of(tmp_path, {f"{e}.txt": text.encode(e) for e in encodings})
    assert {await whole(corpus, f"{e}.txt") for e in encodings} == {text}


@pytest.mark.requirement("corpus.skip", "bad.unreadable")
async def test_binary_files_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    """By their bytes, not by their names."""
    files = {"a.txt": "readable", "b.txt": b"\x00\x01\x02", "c.dat": bytes(range(128, 160)) * 9}
    corpus = await corpus_of(tmp_path, files)
    assert corpus.documents == 1
    assert sorted((Path(s.source).name, s.reason) for s in corpus.skipped) == [
        ("b.txt", "it is binary"),
        ("c.dat", "it is binary"),
    ]


@pytest.mark.requirement("corpus.formats")
async def test_markdown_is_titled_by_its_first_heading(tmp_path: Path) -> None:
    """And not by a comment in a code block before it."""
    text = "```sh\n# install\n```\n\n# Cats *and* dogs\n\n## More\n"
    corpus = await corpus_of(tmp_path, {"readme.md": text})
    assert (await corpus.page("readme.md", 1)).title == "Cats *and* dogs"


@pytest.mark.requirement("corpus.formats")
async def test_an_underlined_first_line_is_a_title_and_code_has_its_stem(tmp_path: Path) -> None:
    """A `#` in source code begins a comment."""
    files = {"guide.rst": "The guide\n=========\n\nText.\n", "main.py": "# a comment\nprint()\n"}
    corpus = await corpus_of(tmp_path, files)
    assert (await corpus.page("guide.rst", 1)).title == "The guide"
    assert (await corpus.page("main.py", 1)).title == "main"


@pytest.mark.requirement("corpus.formats")
async def test_csv_rows_are_lines_with_their_columns(tmp_path: Path) -> None:
    """Whatever the delimiter; empty cells are left out."""
    files = {"a.csv": "country;area\nChile;756102\nPeru;\n", "b.tsv": 'x\ty\n1\t"two\nlines"\n'}
    corpus = await corpus_of(tmp_path, files)
    assert (
        await whole(corpus, "a.csv")
        == "country; area\ncountry: Chile; area: 756102\ncountry: Peru\n"
    )
    assert await whole(corpus, "b.tsv") == "x; y\nx: 1; y: two lines\n"


async def test_json_that_is_not_json_is_read_as_text(tmp_path: Path) -> None:
    """Comments, damage, and nesting that no reader survives."""
    files = {"a.json": '{"a": 1, // why\n}', "b.json": "[" * 100_000}
    corpus = await corpus_of(tmp_path, files)
    assert "// why" in await whole(corpus, "a.json")
    assert corpus.documents == 2


@pytest.mark.requirement("corpus.formats", "corpus.skip")
async def test_pdf_text_is_read_and_a_broken_pdf_reported(tmp_path: Path) -> None:
    """With pypdf, which breaks in many ways."""
    files = {"a.pdf": pdf("Copper output rose."), "b.pdf": b"%PDF-1.7\nnothing of the kind"}
    corpus = await corpus_of(tmp_path, files)
    assert await whole(corpus, "a.pdf") == "Copper output rose.\n\n"
    assert [Path(entry.source).name for entry in corpus.skipped] == ["b.pdf"]


async def test_a_pdf_without_pypdf_says_what_to_install_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is not remembered as a property of the file."""
    files = {"a.pdf": pdf("Copper."), "b.txt": "Text."}
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pypdf", None)
        corpus = await corpus_of(tmp_path, files)
    assert "pip install 'openswarm[office]'" in corpus.skipped[0].reason
    assert (await corpus_of(tmp_path, files)).documents == 2


async def test_control_characters_and_half_characters_do_not_reach_anybody(tmp_path: Path) -> None:
    """Nor do they break the index."""
    files = {"a.txt": "red \x1b[31malert\x07\r\nnext", "b.json": '{"x": "lone \\ud800 half"}'}
    corpus = await corpus_of(tmp_path, files)
    assert await whole(corpus, "a.txt") == "red [31malert\nnext"
    assert await whole(corpus, "b.json") == "x: lone ? half\n"


@pytest.mark.requirement("bad.empty-corpus")
async def test_a_corpus_in_which_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    """And what could be given instead."""
    with pytest.raises(UserError, match=r"a\.bin: it is binary.*Name files or folders"):
        await corpus_of(tmp_path, {"a.bin": b"\0"})


def pdf(line: str) -> bytes:
    """A PDF with one line of text."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(width=300, height=100)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    content = DecodedStreamObject()
    content.set_data(f"BT /F1 12 Tf 10 50 Td ({line}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(content)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()
