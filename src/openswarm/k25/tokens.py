"""The special tokens of K2.5 and the pattern that cuts text before byte pairs are merged.

Data and arithmetic; knows no tokenizer library. Names, ids and the pattern are those of the
published tokenizer. In every vocabulary the special tokens are the last 256 ids, so a small
vocabulary keeps their order: id = vocab_size - 256 + (published id - 163584).
"""

from typing import Final

PUBLISHED_VOCABULARY: Final = 163840
SPECIAL_TOKENS: Final = 256
"""Ids at the end of every vocabulary that ordinary text can never become."""
FIRST_PUBLISHED: Final = PUBLISHED_VOCABULARY - SPECIAL_TOKENS

BOS: Final = "[BOS]"
EOS: Final = "[EOS]"
IM_END: Final = "<|im_end|>"
IM_USER: Final = "<|im_user|>"
IM_ASSISTANT: Final = "<|im_assistant|>"
IM_SYSTEM: Final = "<|im_system|>"
IM_MIDDLE: Final = "<|im_middle|>"
SECTION_BEGIN: Final = "<|tool_calls_section_begin|>"
SECTION_END: Final = "<|tool_calls_section_end|>"
CALL_BEGIN: Final = "<|tool_call_begin|>"
CALL_ARGUMENTS: Final = "<|tool_call_argument_begin|>"
CALL_END: Final = "<|tool_call_end|>"
MEDIA_BEGIN: Final = "<|media_begin|>"
MEDIA_CONTENT: Final = "<|media_content|>"
MEDIA_END: Final = "<|media_end|>"
MEDIA_PAD: Final = "<|media_pad|>"
THINK: Final = "<think>"
END_THINK: Final = "</think>"
UNK: Final = "[UNK]"
PAD: Final = "[PAD]"

PUBLISHED_IDS: Final = {
    BOS: 163584,
    EOS: 163585,
    IM_END: 163586,
    IM_USER: 163587,
    IM_ASSISTANT: 163588,
    "<|start_header_id|>": 163590,
    "<|end_header_id|>": 163591,
    "[EOT]": 163593,
    IM_SYSTEM: 163594,
    SECTION_BEGIN: 163595,
    SECTION_END: 163596,
    CALL_BEGIN: 163597,
    CALL_ARGUMENTS: 163598,
    CALL_END: 163599,
    IM_MIDDLE: 163601,
    MEDIA_BEGIN: 163602,
    MEDIA_CONTENT: 163603,
    MEDIA_END: 163604,
    MEDIA_PAD: 163605,
    THINK: 163606,
    END_THINK: 163607,
    UNK: 163838,
    PAD: 163839,
}
"""The named special tokens; the other ids of the block are reserved."""

MARKERS: Final = (
    THINK,
    END_THINK,
    SECTION_BEGIN,
    SECTION_END,
    CALL_BEGIN,
    CALL_ARGUMENTS,
    CALL_END,
    IM_END,
    IM_USER,
    IM_ASSISTANT,
    IM_SYSTEM,
    IM_MIDDLE,
    MEDIA_BEGIN,
    MEDIA_CONTENT,
    MEDIA_END,
    MEDIA_PAD,
)
"""The special tokens that a rendered chat is made of."""

_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_BEFORE = r"[^\r\n\p{L}\p{N}]?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
PATTERN: Final = "|".join(
    (
        r"[\p{Han}]+",
        f"{_BEFORE}{_UPPER}*{_LOWER}+{_SUFFIX}",
        f"{_BEFORE}{_UPPER}+{_LOWER}*{_SUFFIX}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
"""Where text is cut: Han runs, words with one character before them, digits by three, the rest."""


def special_ids(vocab_size: int) -> dict[str, int]:
    """Name and id of all 256 special tokens of a vocabulary, in the order of their ids.

    Raises `ValueError` for a vocabulary that has no room for them.
    """
    if vocab_size <= SPECIAL_TOKENS:
        raise ValueError(f"a vocabulary of {vocab_size} has no room for {SPECIAL_TOKENS} specials")
    names = {number: name for name, number in PUBLISHED_IDS.items()}
    shift = vocab_size - PUBLISHED_VOCABULARY
    return {
        names.get(number, f"<|reserved_token_{number}|>"): number + shift
        for number in range(FIRST_PUBLISHED, PUBLISHED_VOCABULARY)
    }
