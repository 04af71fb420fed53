"""Replies that are held to a form: what a grammar lets a model of random weights write."""

import json
import random
from typing import Any

import jsonschema
import pytest

from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.errors import ModelFileError
from openswarm.k25.grammar import MAX_CALLS, Grammars, ReplyForm, TokenGrammar
from openswarm.k25.parsing import ParsedReply, ReplyParser
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

PAGE = {
    "type": "object",
    "properties": {"page": {"type": "integer", "minimum": 1, "maximum": 20}},
    "required": ["page"],
    "additionalProperties": False,
}
NOTE = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": 12},
        "kind": {"enum": ["a", 'ü\n"quoted"', 3, None]},
    },
    "required": ["text"],
    "additionalProperties": False,
}
TOOLS = (ToolDeclaration("read_page", "", PAGE), ToolDeclaration("note-down", "", NOTE))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The small vocabulary."""
    return Tokenizer.load()


@pytest.fixture(scope="module")
def grammars(tokenizer: Tokenizer) -> Grammars:
    """For that vocabulary."""
    return Grammars(tokenizer)


def written(grammar: TokenGrammar, end: int, seed: int, limit: int = 400) -> list[int]:
    """A walk through a grammar: any token that it allows, until the end of the reply."""
    numbers, guide, ids = random.Random(seed), grammar.guide(), list[int]()
    while len(ids) < limit:
        choices = guide.allowed().nonzero().flatten().tolist()
        token = end if end in choices and numbers.random() < 0.2 else numbers.choice(choices)
        ids.append(token)
        if token == end:
            return ids
        guide.accept(token)
    raise AssertionError("the grammar does not end")


def parsed(tokenizer: Tokenizer, ids: list[int], *, thinking: bool = False) -> ParsedReply:
    """The reply as the parser reads it."""
    parser = ReplyParser(thinking)
    parser.feed(tokenizer.decode(ids))
    return parser.finish()


@pytest.mark.requirement("model.grammar-json")
@pytest.mark.parametrize(
    "schema",
    [
        PAGE,
        NOTE,
        {"type": "boolean"},
        {"type": "array", "items": {"type": "integer", "maximum": 9}, "maxItems": 3},
        {"anyOf": [{"type": "null"}, {"const": "x"}]},
    ],
)
def test_a_reply_fits_its_schema(
    schema: dict[str, Any], tokenizer: Tokenizer, grammars: Grammars
) -> None:
    """Whatever tokens are chosen."""
    grammar = grammars.of_schema(schema)
    for seed in range(20):
        ids = written(grammar, tokenizer.special[IM_END], seed)
        jsonschema.validate(json.loads(tokenizer.decode(ids[:-1])), schema)


@pytest.mark.requirement("model.grammar-tools")
def test_a_reply_that_must_call_calls_declared_tools_with_fitting_arguments(
    tokenizer: Tokenizer, grammars: Grammars
) -> None:
    """The calls are numbered on from those before, and read back whole."""
    grammar = grammars.of_form(ReplyForm(tools=TOOLS, must_call=True, first_call=7))
    schemas = {tool.name: tool.parameters for tool in TOOLS}
    seen: set[str] = set()
    for seed in range(30):
        reply = parsed(tokenizer, written(grammar, tokenizer.special[IM_END], seed, 2000))
        assert reply.whole and reply.calls and not reply.text
        for place, call in enumerate(reply.calls):
            assert call.id == f"functions.{call.name}:{7 + place}"
            jsonschema.validate(json.loads(call.arguments), schemas[call.name])
            seen.add(call.name)
    assert seen == set(schemas)


def test_calls_in_one_reply_come_to_an_end(tokenizer: Tokenizer, grammars: Grammars) -> None:
    """After the last one there is only the end of the section."""
    guide = grammars.of_form(ReplyForm(tools=TOOLS[:1], must_call=True)).guide()
    special = tokenizer.special
    guide.accept(special[SECTION_BEGIN])
    for place in range(MAX_CALLS):
        call = [special[CALL_BEGIN], *tokenizer.encode(f"functions.read_page:{place}")]
        call += [special[CALL_ARGUMENTS], *tokenizer.encode('{"page": 2}'), special[CALL_END]]
        for token in call:
            assert guide.allowed()[token]
            guide.accept(token)
    assert guide.allowed().nonzero().flatten().tolist() == [special[SECTION_END]]


@pytest.mark.requirement("model.grammar-tools")
def test_a_reply_that_may_call_may_also_answer(tokenizer: Tokenizer, grammars: Grammars) -> None:
    """In text no marker is allowed but the one that begins the calls, and none in a character."""
    guide = grammars.of_form(ReplyForm(tools=TOOLS)).guide()
    special = set(tokenizer.special.values())
    beginnings = {tokenizer.special[IM_END], tokenizer.special[SECTION_BEGIN]}
    read = b""
    for token in tokenizer.encode("Grüße! 你好 {"):
        allowed = set(guide.allowed().nonzero().flatten().tolist())
        is_whole = "\ufffd" not in read.decode("utf-8", "replace")
        assert allowed & special == (beginnings if is_whole else set())
        assert token in allowed
        guide.accept(token)
        read += tokenizer.decode_bytes([token])


def test_tools_that_were_taken_away_cannot_be_called(
    tokenizer: Tokenizer, grammars: Grammars
) -> None:
    """A form without tools is text alone."""
    allowed = grammars.of_form(ReplyForm()).guide().allowed()
    assert allowed[tokenizer.special[IM_END]] and not allowed[tokenizer.special[SECTION_BEGIN]]


@pytest.mark.requirement("model.grammar-thinking")
def test_thoughts_come_first_and_come_to_an_end(tokenizer: Tokenizer, grammars: Grammars) -> None:
    """After so many tokens only the end of the thought is allowed, and then the answer begins."""
    form = ReplyForm(thinking=5, answer={"type": "boolean"}, tools=TOOLS)
    guide = grammars.of_form(form).guide()
    for token in tokenizer.encode("hm hm hm hm hm hm hm hm")[:5]:
        assert guide.allowed()[token]
        guide.accept(token)
    for _ in range(2):
        if guide.allowed().sum() == 1:
            break
        guide.accept(tokenizer.encode("!")[0])
    assert guide.allowed().nonzero().flatten().tolist() == [tokenizer.special[END_THINK]]
    guide.accept(tokenizer.special[END_THINK])
    allowed = guide.allowed()
    assert allowed[tokenizer.special[SECTION_BEGIN]] and allowed[tokenizer.encode("true")[0]]
    assert not allowed[tokenizer.special[IM_END]]
    for seed in range(10):
        ids = written(grammars.of_form(form), tokenizer.special[IM_END], seed, 3000)
        assert parsed(tokenizer, ids, thinking=True).whole


def test_a_guide_at_the_end_allows_the_end_alone(tokenizer: Tokenizer, grammars: Grammars) -> None:
    """Also after a token that does not fit: the reply is cut there."""
    end = tokenizer.special[IM_END]
    for text in ("true", "trx"):
        guide = grammars.of_schema({"const": True}).guide()
        for token in tokenizer.encode(text):
            guide.accept(token)
        assert guide.allowed().nonzero().flatten().tolist() == [end]
        guide.accept(end)


def test_two_replies_of_one_grammar_do_not_disturb_each_other(
    tokenizer: Tokenizer, grammars: Grammars
) -> None:
    """A compiled grammar has no state."""
    grammar = grammars.of_schema({"type": "boolean"})
    first, second = grammar.guide(), grammar.guide()
    before = second.allowed()
    first.accept(tokenizer.encode("t")[0])
    assert second.allowed().equal(before) and not first.allowed().equal(before)


def test_a_schema_that_nothing_fits_is_an_error_that_names_the_tool(grammars: Grammars) -> None:
    """One of several."""
    impossible = {**PAGE, "properties": {"page": {"type": "array", "minItems": 2, "maxItems": 1}}}
    tools = (*TOOLS, ToolDeclaration("broken", "", impossible))
    with pytest.raises(ModelFileError, match=r"tool 'broken' .* unsatisfiable"):
        grammars.of_form(ReplyForm(tools=tools))


@pytest.mark.parametrize("lark", ["start: nothing", "start: %json {", "start: <[999999]>"])
def test_a_grammar_that_is_none_is_an_error(lark: str, grammars: Grammars) -> None:
    """With the reason."""
    with pytest.raises(ModelFileError, match="not usable"):
        grammars.of_lark(lark)
