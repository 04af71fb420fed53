"""The forms that a reply can be held to: a JSON value, tool calls of declared tools, or any text.

Owns the grammar of K2.5's reply (thinking, answer, tool calls) and the mask over the vocabulary
that follows from what was said so far. Schemas come from outside, cut down to what has an end;
the grammar's engine is llguidance. Knows no model and no chat.

Legend of shapes: V vocabulary.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import llguidance
import numpy as np
import torch

from openswarm.k25.callids import call_id
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.errors import ModelFileError
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import (
    CALL_ARGUMENTS,
    CALL_BEGIN,
    CALL_END,
    END_THINK,
    IM_END,
    SECTION_BEGIN,
    SECTION_END,
)

MAX_CALLS = 16
"""Tool calls in one reply."""
# one spelling of white space, or a small model spends its tokens on indentation
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """What a reply may consist of, in this order: thoughts, an answer, tool calls."""

    thinking: int | None = None
    """Tokens that thoughts may take at most; None when the prompt has closed them already."""
    answer: Mapping[str, Any] | None = None
    """The JSON Schema of the answer; None is any text."""
    tools: Sequence[ToolDeclaration] = ()
    """The tools that may be called, with the schemas that their arguments have to fit."""
    must_call: bool = False
    """The reply is calls alone."""
    first_call: int = 0
    """The number of the reply's first call in the conversation."""

    def lark(self, special: Mapping[str, int]) -> str:
        """The form as a grammar in llguidance's dialect of Lark; markers are written by number."""
        marker = {name: f"<[{number}]>" for name, number in special.items()}
        thoughts = "" if self.thinking is None else f"thoughts {marker[END_THINK]} "
        rules = [f"start: {thoughts}{self._body()}", r"TEXT: /(?s:.*)/"]
        if self.thinking is not None:
            rules.append(f"thoughts[max_tokens={max(self.thinking, 1)}]: TEXT")
        rules.append(f"answer: {'TEXT' if self.answer is None else _json(self.answer)}")
        if self.tools:
            rules += self._calls(marker)
        return "\n".join(rules) + "\n"

    def _body(self) -> str:
        if not self.tools:
            return "answer"
        if self.must_call:
            return "section"
        return "answer section?" if self.answer is None else "(answer | section)"

    def _calls(self, marker: Mapping[str, str]) -> list[str]:
        """A section of calls, numbered on from `first_call`.

        Each call is a rule of its own, so that no number is used twice.
        """
        section = f"section: {marker[SECTION_BEGIN]} call0 {marker[SECTION_END]}"
        rules = [section]
        for place in range(MAX_CALLS):
            more = f" call{place + 1}?" if place + 1 < MAX_CALLS else ""
            forms = [
                f"{_text(call_id(tool.name, self.first_call + place))} arguments{number}"
                for number, tool in enumerate(self.tools)
            ]
            call = f"{marker[CALL_BEGIN]} ({' | '.join(forms)}) {marker[CALL_END]}"
            rules.append(f"call{place}: {call}{more}")
        rules += [
            f"arguments{number}: {marker[CALL_ARGUMENTS]} {_json(tool.parameters)}"
            for number, tool in enumerate(self.tools)
        ]
        return rules


class Grammars:
    """The maker of grammars for one vocabulary."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._special = tokenizer.special
        self._size = tokenizer.vocab_size
        self._tokenizer = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(_Vocabulary(tokenizer)), n_vocab=self._size
        )

    def of_form(self, form: ReplyForm) -> "TokenGrammar":
        """The grammar of a whole reply.

        Raises `ModelFileError` as `of_lark` does, naming the tool whose schema is to blame.
        """
        try:
            return self.of_lark(form.lark(self._special))
        except ModelFileError:
            for tool in form.tools:
                self._check(tool)
            raise

    def _check(self, tool: ToolDeclaration) -> None:
        try:
            self.of_schema(tool.parameters)
        except ModelFileError as error:
            raise ModelFileError(
                f"calls of the tool {tool.name[:80]!r} cannot be held to its schema: {error}"
            ) from None

    def of_schema(self, schema: Mapping[str, Any]) -> "TokenGrammar":
        """The grammar of a JSON value. Raises `ModelFileError` as `of_lark` does."""
        return self.of_lark(f"start: {_json(schema)}\n")

    def of_lark(self, lark: str) -> "TokenGrammar":
        """A grammar in llguidance's dialect of Lark; where it may end, `<|im_end|>` is allowed.

        Raises `ModelFileError` with the engine's reason for a grammar that it cannot hold.
        """
        matcher = llguidance.LLMatcher(self._tokenizer, lark, log_level=0)
        if matcher.is_error():
            reason, *_ = matcher.get_error().splitlines()
            raise ModelFileError(f"the grammar of the reply is not usable: {reason}")
        return TokenGrammar(matcher, self._size)


class TokenGrammar:
    """A grammar that has been compiled. It may serve many replies."""

    def __init__(self, matcher: llguidance.LLMatcher, vocabulary: int) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary

    def guide(self) -> "TokenGuide":
        """See `requests.Grammar`."""
        return TokenGuide(self._matcher.deep_copy(), self._vocabulary)


class TokenGuide:
    """One reply on its way through a grammar.

    When the engine gives up (a grammar may be too large for it on some path) only the end of the
    reply is allowed, so that the reply is cut there and not made up.
    """

    def __init__(self, matcher: llguidance.LLMatcher, vocabulary: int) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary

    def allowed(self) -> torch.Tensor:
        """See `requests.Guide`."""
        mask = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        bits_V = np.unpackbits(mask, bitorder="little")[: self._vocabulary]
        return torch.from_numpy(bits_V).bool()

    def accept(self, token: int) -> None:
        """See `requests.Guide`."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)


class _Vocabulary:
    """What llguidance asks of a tokenizer."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = tokenizer.special[IM_END]
        self.tokens = [*tokenizer.tokens, *(name.encode() for name in tokenizer.special)]
        self.special_token_ids = list(tokenizer.special.values())

    def __call__(self, text: bytes) -> list[int]:
        return self._tokenizer.encode(text.decode("utf-8", "replace"))


def _json(schema: Mapping[str, Any]) -> str:
    return "%json " + json.dumps({**schema, "x-guidance": _COMPACT})


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
