"""The language of the small orchestrator: what a turn may be, and what of it is a decision."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.messages import Message, ToolCall
from openswarm.k25.template import render
from openswarm.k25.tokens import CALL_ARGUMENTS, CALL_END, IM_END, SPECIAL_TOKENS
from openswarm.llm.policy.language import Call, Facts, TurnGuide, decide
from openswarm.llm.policy.vocabulary import (
    AGENTS,
    ANSWER,
    ASSIGN,
    CREATE,
    DEFAULT_AGENT,
    NUMBERS,
    OPEN,
    ROLE,
    TOOLS,
    known_words,
    tokenizer,
    words,
)

ASKED = Message(role="user", content="go")


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """What a turn could begin with."""
    first = draw(st.integers(0, NUMBERS - 40))
    count = draw(st.integers(0, 3) | st.integers(0, 40))
    made = draw(st.lists(st.sampled_from(AGENTS), unique=True))
    return Facts(
        tools=tuple(name for name in TOOLS if draw(st.booleans())),
        agents=(DEFAULT_AGENT, *made),
        documents=range(first, first + count),
        calls_before=draw(st.sampled_from((0, 1, 7, NUMBERS - 2, NUMBERS - 1, NUMBERS))),
        max_calls=draw(st.integers(0, 6)),
        max_reads=draw(st.integers(1, 4)),
        max_assigns=draw(st.none() | st.integers(0, 3)),
    )


def walked(given: Facts, seed: int) -> TurnGuide:
    """A turn in which every decision was drawn."""
    guide, numbers = TurnGuide(given), random.Random(seed)
    while not guide.over:
        guide.take(numbers.choice(guide.allowed))
    return guide


def turns() -> st.SearchStrategy[TurnGuide]:
    """Turns of the grammar."""
    return st.builds(walked, facts(), st.integers(0, 2**32))


def arguments(call: Call) -> str:
    """The JSON of a call in the narrow language."""
    own = {
        CREATE: {"name": call.agent, "system_prompt": ROLE},
        ASSIGN: {"agent": call.agent, "prompt": str(call.document)},
        OPEN: {"document": str(call.document)},
    }
    return json.dumps(own[call.tool])


def message(guide: TurnGuide) -> Message:
    """A turn as the message that it stands for."""
    calls = tuple(
        ToolCall(id=f"functions.{call.tool}:{index}", name=call.tool, arguments=arguments(call))
        for index, call in enumerate(guide.calls, guide.facts.calls_before)
    )
    return Message(role="assistant", content="" if calls else ANSWER, tool_calls=calls)


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(turns())
def test_every_turn_is_what_the_chat_template_makes_of_its_calls(guide: TurnGuide) -> None:
    """Token by token: the guide's ids are those of the rendered message."""
    before = tokenizer().encode_pieces(render([ASKED], thinking=False))
    whole = render([ASKED, message(guide)], thinking=False, generation=False)
    assert tokenizer().encode_pieces(whole) == before + guide.ids
    text = "".join(piece.text for piece in whole)
    assert text == tokenizer().decode([*before, *guide.ids])


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(turns())
def test_only_what_could_have_been_otherwise_is_a_decision(guide: TurnGuide) -> None:
    """Each decision had at least two choices; markers that end things are never decided."""
    chosen = [token for token, is_chosen in zip(guide.ids, guide.mask, strict=True) if is_chosen]
    assert len(guide.mask) == len(guide.ids)
    assert len(chosen) == len(guide.choices)
    for token, choice in zip(chosen, guide.choices, strict=True):
        assert token in choice
        assert len(set(choice)) == len(choice) >= 2
    forced = {tokenizer().special[name] for name in (IM_END, CALL_ARGUMENTS, CALL_END)}
    assert not forced & set(chosen)
    assert guide.ids[-1] == tokenizer().special[IM_END]


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(turns())
def test_the_same_calls_are_decided_the_same_way(guide: TurnGuide) -> None:
    """`decide` is the inverse of the grammar."""
    again = TurnGuide(guide.facts)
    decide(again, guide.calls)
    assert (again.ids, again.mask, again.choices) == (guide.ids, guide.mask, guide.choices)


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(turns())
def test_calls_stay_within_their_number_and_their_facts(guide: TurnGuide) -> None:
    """No more than allowed, no unknown document or agent, and either reads or assignments."""
    known = guide.facts
    assert len(guide.calls) <= max(0, min(known.max_calls, NUMBERS - known.calls_before))
    reads = sum(call.tool == OPEN for call in guide.calls)
    assert reads <= known.max_reads
    assert reads in {0, len(guide.calls)}
    assigns = sum(call.tool == ASSIGN for call in guide.calls)
    assert known.max_assigns is None or assigns <= known.max_assigns
    made = list(known.agents)
    for call in guide.calls:
        assert call.tool in known.tools
        if call.tool == CREATE:
            assert call.agent not in made
            made.append(call.agent)
        else:
            assert call.document in known.documents
        if call.tool == ASSIGN:
            assert call.agent in made


@pytest.mark.requirement("parl.language")
@settings(max_examples=30, deadline=None)
@given(facts())
def test_a_turn_without_tools_is_the_answer(known: Facts) -> None:
    """Nothing is decided in it, so nothing is learned from it."""
    guide = TurnGuide(Facts((), known.agents, known.documents, known.calls_before))
    assert guide.over
    assert guide.ids == [tokenizer().id(ANSWER), tokenizer().special[IM_END]]
    assert not any(guide.mask)


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(
    facts(),
    st.lists(
        st.builds(
            Call,
            st.sampled_from(TOOLS),
            st.sampled_from(("", DEFAULT_AGENT, *AGENTS)),
            st.integers(-1, NUMBERS - 1),
        ),
        max_size=5,
    ),
)
def test_calls_are_made_as_they_are_or_refused(known: Facts, calls: list[Call]) -> None:
    """Never others in their place."""
    guide = TurnGuide(known)
    try:
        decide(guide, calls)
    except ValueError:
        return
    assert guide.over
    assert guide.calls == calls


@pytest.mark.requirement("parl.language")
@pytest.mark.parametrize(
    "call",
    [
        Call(OPEN, document=5),
        Call(OPEN, document=NUMBERS),
        Call(ASSIGN, "a1", 3),
        Call(ASSIGN, "nobody", 3),
        Call(CREATE, DEFAULT_AGENT),
        Call("search", document=3),
    ],
    ids=lambda call: f"{call.tool}-{call.agent}-{call.document}",
)
def test_a_call_beyond_the_grammar_is_a_value_error(call: Call) -> None:
    """A document that is not there, an agent that was not made, a tool that is none."""
    with pytest.raises(ValueError, match="grammar does not allow"):
        decide(TurnGuide(Facts(TOOLS, (DEFAULT_AGENT,), range(5), 0)), [call])


@pytest.mark.requirement("parl.language")
def test_a_document_is_read_and_assigned_once_a_turn() -> None:
    """What was done, or read to its end, is not offered again."""
    facts = Facts(TOOLS, (DEFAULT_AGENT,), range(7, 9), 0, max_reads=5, done=frozenset({7}))
    guide = TurnGuide(facts)
    decide(guide, [Call(ASSIGN, DEFAULT_AGENT, 8)])
    assert guide.calls == [Call(ASSIGN, DEFAULT_AGENT, 8)]
    for calls in ([Call(ASSIGN, DEFAULT_AGENT, 7)], [Call(OPEN, document=8)] * 2):
        with pytest.raises(ValueError, match="grammar does not allow"):
            decide(TurnGuide(facts), calls)


@pytest.mark.requirement("parl.language")
def test_a_token_that_is_not_allowed_is_refused() -> None:
    """And changes nothing."""
    guide = TurnGuide(Facts(TOOLS, (DEFAULT_AGENT,), range(5), 0))
    before = list(guide.ids)
    with pytest.raises(ValueError, match="not among the 2 allowed"):
        guide.take(tokenizer().id("a1"))
    assert guide.ids == before
    assert not guide.over


@pytest.mark.requirement("parl.language")
def test_every_word_and_number_is_one_token() -> None:
    """So that an assignment is at most four decisions."""
    table = tokenizer()
    for word in (*words(), *map(str, range(NUMBERS)), *AGENTS, DEFAULT_AGENT, ANSWER):
        assert len(table.encode(word)) == 1
    assert table.vocab_size == len(table.tokens) + SPECIAL_TOKENS
    assert len(set(table.tokens)) == len(table.tokens)


@pytest.mark.requirement("parl.language")
@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | st.sampled_from(("<|im_end|>", "<think>", "functions.open:1")))
def test_text_comes_back_and_never_becomes_a_marker(text: str) -> None:
    """Every text has tokens, and written markers are letters."""
    ids = tokenizer().encode(text)
    assert all(number < len(tokenizer().tokens) for number in ids)
    assert tokenizer().decode(ids) == text


@pytest.mark.requirement("parl.language")
@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.integers(0, 20))
def test_known_words_are_of_the_vocabulary(text: str, limit: int) -> None:
    """At most so many, in any writing."""
    found = known_words(text, limit)
    assert len(found) <= limit
    assert set(found) <= set(words())
