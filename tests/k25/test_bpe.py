"""Learning a vocabulary: tiktoken cuts with it as training did, and equal texts give equal ones."""

import base64
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.k25.bpe import BASE_TOKENS, LONGEST, main, train, write
from openswarm.k25.bpe_texts import texts
from openswarm.k25.tokenizer import BUNDLED, FILE, Tokenizer, read_ranks
from openswarm.k25.tokens import PATTERN

pytestmark = pytest.mark.requirement("model.vocabulary")

SAMPLE = (
    "the cat sat on the mat and the rat sat on the cat",
    '{"name": "cat", "names": ["rat", "mat"]} 12 123 1234',
    "abab ababab abcabc bcbc aaaaaaa 中文 中文字",
)


def plainly_trained(pieces: Counter[str], vocabulary: int) -> list[bytes]:
    """The same algorithm without any bookkeeping: everything is encoded and counted anew."""
    tokens = [bytes([byte]) for byte in range(256)]
    while len(tokens) < vocabulary:
        ranks = {token: rank for rank, token in enumerate(tokens)}
        counts: Counter[bytes] = Counter()
        for piece, count in pieces.items():
            cut = plainly_cut(piece.encode(), ranks)
            for left, right in pairwise(cut):
                if len(left + right) <= LONGEST:
                    counts[left + right] += count
        tokens.append(min(counts, key=lambda token: (-counts[token], token)))
    return tokens


def plainly_cut(word: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    """Byte-pair encoding as the definition says it."""
    cut = [bytes([byte]) for byte in word]
    while pairs := [
        (ranks[cut[at] + cut[at + 1]], at)
        for at in range(len(cut) - 1)
        if cut[at] + cut[at + 1] in ranks
    ]:
        at = min(pairs)[1]
        cut[at : at + 2] = [cut[at] + cut[at + 1]]
    return cut


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=6))
def test_counting_by_change_gives_what_counting_anew_gives(found: list[str]) -> None:
    reachable = plainly_count(found)
    vocabulary = min(reachable, 262)
    assert train(found, vocabulary) == plainly_trained(Counter(found), vocabulary)


def plainly_count(found: list[str]) -> int:
    """How many tokens can be learned at all, as `train` itself says."""
    try:
        train(found, 10_000)
    except ValueError as error:
        return int(str(error).split()[3])
    raise AssertionError


@pytest.mark.parametrize("vocabulary", [256, 257, 280, 300])
def test_tiktoken_cuts_with_the_vocabulary_as_training_did(vocabulary: int) -> None:
    tokens = train(SAMPLE, vocabulary)
    ranks = {token: rank for rank, token in enumerate(tokens)}
    encoding = tiktoken.Encoding("test", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    for text in SAMPLE:
        assert encoding.decode(encoding.encode_ordinary(text)) == text
    for word in ("cat", "ababab", "abcabc", "aaaaaaa", "中文字"):
        expected = [ranks[part] for part in plainly_cut(word.encode(), ranks)]
        assert encoding.encode_ordinary(word) == expected


def test_every_token_is_learned_once_and_none_is_longer_than_allowed() -> None:
    tokens = train(["abcdefgh" * 8, *SAMPLE], 310)
    assert len(tokens) == len(set(tokens)) == 310
    assert max(map(len, tokens)) <= LONGEST


def test_texts_that_are_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="257 tokens to learn, not 300"):
        train(["ab"], 300)


def test_the_file_has_a_token_in_base64_and_its_rank_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / FILE
    write(train(["abab"], 257), path)
    lines = path.read_bytes().splitlines()
    assert lines[0] == base64.b64encode(b"\0") + b" 0"
    assert lines[256] == base64.b64encode(b"ab") + b" 256"
    assert len(read_ranks(path)) == 257


def test_the_program_wants_one_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_bundled_vocabulary_has_4096_tokens_and_all_numbers_of_two_digits() -> None:
    tokenizer = Tokenizer.load()
    assert tokenizer.vocab_size == 4096
    assert len(tokenizer.tokens) == BASE_TOKENS
    assert all(len(tokenizer.encode(f"{number:02d}")) == 1 for number in range(100))
    assert all(len(token) <= LONGEST for token in tokenizer.tokens)


def test_a_call_is_short_in_the_bundled_vocabulary() -> None:
    tokenizer = Tokenizer.load()
    assert len(tokenizer.encode("functions.assign_task:0")) <= 6
    assert len(tokenizer.encode('{"agent": "search", "prompt": "Find the answer."}')) <= 16


@pytest.mark.slow
def test_the_bundled_vocabulary_is_what_training_makes_of_python_itself() -> None:
    tokens = train(texts(), BASE_TOKENS)
    bundled = list(Tokenizer.load(BUNDLED).tokens)
    # Another version of Python has other documentation, so only most of it has to agree.
    assert len(set(tokens) & set(bundled)) > 0.9 * BASE_TOKENS
