"""Marking of held-out examples: exact, by skill, and of the loss."""

from collections.abc import Sequence

import pytest

from openswarm.k25.parsing import ParsedReply
from openswarm.k25.recipe import case as cases
from openswarm.k25.recipe.corpus import Corpus
from openswarm.k25.recipe.evaluate import Marked, held_out_cases, held_out_loss, mark, scores
from openswarm.k25.recipe.examples import Encoder, Prompt
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.training import Batch


def replied(text: str) -> ParsedReply:
    return ParsedReply(text=text, reasoning="", calls=(), whole=True)


@pytest.mark.requirement("model.recipe-marks")
def test_a_model_that_writes_the_replies_has_all_right(tokenizer: Tokenizer) -> None:
    asked = list(held_out_cases(3))
    encoder = Encoder(tokenizer, whole=False)
    replies = iter(
        encoder.example(case).tokens[len(encoder.prompt(case).tokens) :] for case in asked
    )

    def generate(prompts: Sequence[Prompt]) -> list[list[int]]:
        return [next(replies) for _ in prompts]

    found = scores(mark(generate, tokenizer, asked, together=5))
    assert set(found.values()) == {1.0}
    assert {"extract", "json", "fact", "swarm call", "swarm", "read", "clip", "all"} <= found.keys()


@pytest.mark.requirement("model.recipe-marks")
def test_a_model_that_says_nothing_has_nothing_right(tokenizer: Tokenizer) -> None:
    asked = list(held_out_cases(1))
    found = scores(mark(lambda prompts: [[] for _ in prompts], tokenizer, asked))
    assert set(found.values()) == {0.0}
    assert scores([]) == {}


@pytest.mark.requirement("model.recipe-marks")
def test_a_call_that_is_spelled_in_letters_is_none(tokenizer: Tokenizer) -> None:
    case = next(case for case in held_out_cases(1) if case.reply.tool_calls)
    encoder = Encoder(tokenizer, whole=False)
    ids = encoder.example(case).tokens[len(encoder.prompt(case).tokens) :]
    spelled = tokenizer.encode(tokenizer.decode(ids))
    tokens, letters = (
        mark(lambda _, said=said: [said], tokenizer, [case]) for said in (ids, spelled)
    )
    assert tokens[0].right and not letters[0].right
    assert letters[0].reply.calls == ()
    assert case.reply.tool_calls[0].name in letters[0].reply.text


@pytest.mark.requirement("model.recipe-marks")
def test_json_counts_by_what_it_says_and_calls_by_their_arguments() -> None:
    json_case = cases.Case("json", (cases.user("?"), cases.reply('{"a": 1, "b": 2}')))
    assert Marked(json_case, replied('{"a":1,\n "b":2}')).right
    assert not Marked(json_case, replied('{"a": 1}')).right
    asking = cases.calls(("find", '{"q": "tea"}'))
    tool_case = cases.Case("tool", (cases.user("?"), asking))
    spaced = cases.calls(("find", '{ "q" : "tea" }'), first=4)
    wrong = cases.calls(("find", '{"q": "coffee"}'))
    for said, right in ((spaced, True), (wrong, False), (cases.reply("tea"), False)):
        reply = ParsedReply(text=said.text, reasoning="", calls=said.tool_calls, whole=True)
        assert Marked(tool_case, reply).right == right
    text_case = cases.Case("extract", (cases.user("?"), cases.reply("4")))
    assert not Marked(text_case, ParsedReply("4", "", asking.tool_calls, whole=True)).right


@pytest.mark.requirement("model.recipe-marks")
def test_loss_is_of_text_and_of_pictures_apart(tokenizer: Tokenizer, texts: Corpus) -> None:
    seen: list[bool] = []

    def loss(batch: Batch) -> float:
        seen.append(bool(batch.media))
        return 2.0 if batch.media else 1.0

    found = held_out_loss(loss, tokenizer, batches=2, rows=2, length=256, texts=texts)
    assert found == {"text": 1.0, "pictures": 2.0}
    assert seen == [False, False, True, True]
