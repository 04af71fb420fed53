"""The tokenizer: the published ids and cuts, ordinary text that stays ordinary, strict files."""

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.k25.bpe import pieces
from openswarm.k25.config import preset
from openswarm.k25.errors import ModelFileError
from openswarm.k25.pieces import Piece, expand, text_of
from openswarm.k25.tokenizer import FILE, MAX_BYTES, StreamDecoder, Tokenizer, _parts
from openswarm.k25.tokens import MARKERS, PAD, PUBLISHED_IDS, special_ids

pytestmark = pytest.mark.requirement("model.tokenizer")

TOKENIZER = Tokenizer.load()
ENTRIES = [base64.b64encode(bytes([byte])) + b" %d" % byte for byte in range(256)]


def folder_of(lines: list[bytes], folder: Path) -> Path:
    """A checkpoint's folder with this vocabulary."""
    (folder / FILE).write_bytes(b"\n".join(lines) + b"\n")
    return folder


def cuts(text: str) -> list[str]:
    """Where tiktoken cuts a text: with all of its substrings as tokens, a piece is one token."""
    data = text.encode()
    ends = range(len(data) + 1)
    longer = {data[at:to] for at in ends for to in ends if to - at > 1}
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += sorted(longer, key=lambda token: (len(token), token))
    tokenizer = Tokenizer({token: rank for rank, token in enumerate(tokens)})
    return [tokenizer.decode([number]) for number in tokenizer.encode(text)]


def test_published_special_tokens_have_their_published_ids() -> None:
    ids = special_ids(163840)
    assert {name: ids[name] for name in PUBLISHED_IDS} == PUBLISHED_IDS
    assert len(ids) == 256
    assert ids["<|reserved_token_163589|>"] == 163589
    assert list(ids.values()) == list(range(163584, 163840))


@pytest.mark.parametrize("name", ["tiny", "mini"])
def test_a_small_vocabulary_ends_with_the_same_special_tokens(name: str) -> None:
    config = preset(name)
    text, special = config.text_config, TOKENIZER.special
    assert TOKENIZER.vocab_size == text.vocab_size
    assert special["[BOS]"] == text.bos_token_id == 3840
    assert special["<|im_end|>"] == text.eos_token_id == 3842
    assert special["[PAD]"] == text.pad_token_id == 4095
    assert special["<|media_pad|>"] == config.media_placeholder_token_id == 3861


def test_a_vocabulary_without_room_for_special_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="256 has no room"):
        special_ids(256)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("中文English混合", ["中文", "English", "混合"]),
        ("北京市 Pascal", ["北京市", " Pascal"]),
        ("1234567", ["123", "456", "7"]),
        ("He's here, isn't he?", ["He's", " here", ",", " isn't", " he", "?"]),
        ("camelCase HTMLPage", ["camel", "Case", " HTMLPage"]),
        ("a  b\n\n c \n", ["a", " ", " b", "\n\n", " c", " \n"]),
        ('{"a":\n', ['{"', "a", '":\n']),
    ],
)
def test_text_is_cut_where_the_published_pattern_cuts_it(text: str, expected: list[str]) -> None:
    assert cuts(text) == expected


@settings(max_examples=60, deadline=None)
@given(st.text("aZé1 \n\t'sd.{\"中文ʰ\u0301", max_size=14))
def test_training_cuts_text_where_the_tokenizer_cuts_it(text: str) -> None:
    assert pieces(text) == cuts(text)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_comes_back_and_holds_no_special_token(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    assert all(number < 3840 for number in ids)


@pytest.mark.parametrize("marker", [*MARKERS, PAD])
def test_a_marker_that_is_written_in_text_stays_letters(marker: str) -> None:
    assert TOKENIZER.special[marker] not in TOKENIZER.encode(f"a{marker}b")
    assert TOKENIZER.decode(TOKENIZER.encode(marker)) == marker


@pytest.mark.parametrize("marker", MARKERS)
def test_a_special_piece_is_one_token(marker: str) -> None:
    ids = TOKENIZER.encode_pieces([Piece("a"), Piece(marker, special=True), Piece(marker)])
    assert ids == [
        *TOKENIZER.encode("a"),
        TOKENIZER.special[marker],
        *TOKENIZER.encode(marker),
    ]
    assert TOKENIZER.decode(ids) == f"a{marker}{marker}"


def test_a_special_piece_of_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        TOKENIZER.encode_pieces([Piece("<|nothing|>", special=True)])


def test_half_of_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert TOKENIZER.decode(TOKENIZER.encode("a\ud83db")) == "a\ufffdb"


@pytest.mark.parametrize("number", [-1, 4096])
def test_an_id_outside_of_the_vocabulary_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match="has no token"):
        TOKENIZER.decode([number])


@pytest.mark.parametrize("text", ["a" * 60_000, " " * 60_000, "ab " * 20_000, "\n" * 60_000])
def test_long_runs_are_cut_and_come_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_runs_are_cut_at_25_000_letters_and_text_at_400_000() -> None:
    assert [len(part) for part in _parts("a" * 25_001)] == [25_000, 1]
    assert [len(part) for part in _parts("a" * 25_000 + " " * 25_000)] == [50_000]
    assert [len(part) for part in _parts("b " * 200_001)] == [400_000, 2]
    assert [len(part) for part in _parts(" " + "a" * 50_000 + " ")] == [25_001, 25_001]


@settings(max_examples=50)
@given(st.text(max_size=40), st.data())
def test_a_stream_gives_whole_characters_only(text: str, data: st.DataObject) -> None:
    decoder, parts = StreamDecoder(TOKENIZER), []
    ids = TOKENIZER.encode(text)
    while ids:
        size = data.draw(st.integers(1, 3))
        parts.append(decoder.feed(ids[:size]))
        ids = ids[size:]
    assert "".join(parts) + decoder.finish() == text
    assert all("\ufffd" not in part for part in parts) or "\ufffd" in text


def test_a_stream_that_ends_inside_a_character_says_so() -> None:
    decoder = StreamDecoder(TOKENIZER)
    assert decoder.feed(TOKENIZER.encode("é")[:1]) == ""
    assert decoder.finish() == "\ufffd"


def test_a_stream_shows_markers_of_chats_and_no_other_special_token() -> None:
    special = TOKENIZER.special
    ids = [special["<think>"], special["[PAD]"], special["<|reserved_token_163700|>"]]
    assert StreamDecoder(TOKENIZER).feed(ids) == "<think>"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([*ENTRIES, b"YWI= 256 x"], "line 257 is not a token in base64, a space and its rank"),
        ([*ENTRIES, b"YWI 256"], "line 257"),
        ([*ENTRIES, b"Y=== 256"], "line 257"),
        ([*ENTRIES, b"YWI= -1"], "line 257 is not"),
        ([*ENTRIES, b""], "line 257 is not"),
        ([*ENTRIES, b"YQ== 256"], "line 257: the token stands in the file twice"),
        ([*ENTRIES, b"YWI= 258"], "the ranks are not 0 to 256"),
        ([*ENTRIES, b"YWI= 255"], "the ranks are not 0 to 256"),
        (ENTRIES[:-1], "the byte 0xff is no token"),
        ([], "line 1 is not"),
        ([b"\xff\xfe\x00"], "line 1 is not"),
    ],
)
def test_a_broken_vocabulary_is_refused_with_its_line(
    lines: list[bytes], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=problem) as error:
        Tokenizer.load(folder_of(lines, tmp_path))
    assert FILE in str(error.value)


def test_a_vocabulary_may_be_in_any_order_but_not_absent_or_too_long(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(folder_of([b"YWI= 256", *reversed(ENTRIES)], tmp_path))
    assert tokenizer.tokens[256] == b"ab"
    assert tokenizer.encode("ab") == [256]
    (tmp_path / FILE).write_bytes(b"\n" * (MAX_BYTES + 1))
    with pytest.raises(ModelFileError, match="is longer than"):
        Tokenizer.load(tmp_path)
    with pytest.raises(ModelFileError, match=r"nowhere has no tiktoken\.model, the vocabulary"):
        Tokenizer.load(tmp_path / "nowhere")
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(ModelFileError, match=r"tiktoken\.model cannot be read"):
        Tokenizer.load(tmp_path)


def test_pads_are_repeated_in_their_order() -> None:
    assert expand([5, 9, 6, 9], [3, 1], 9) == [5, 9, 9, 9, 6, 9]
    assert expand([5], [], 9) == [5]


@pytest.mark.parametrize(("counts", "problem"), [([1], "1 pictures for 2"), ([1, 0], "at least")])
def test_pads_and_pictures_have_to_agree(counts: list[int], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        expand([9, 9], counts, 9)


def test_the_text_of_pieces_is_all_of_them_together() -> None:
    assert text_of([Piece("a"), Piece("<think>", special=True)]) == "a<think>"
