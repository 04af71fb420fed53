"""A conversation goes on in tokens as its chat template would have written it whole."""

import pytest
from causal_cases import (
    CHATML,
    COUNTING,
    ENDLESS,
    HEADED,
    LOOK,
    TOOLS_LAST,
    calling,
    causal,
    result,
    shared,
    system,
    tokenizer,
    user,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import SettingsError
from openswarm.core.messages import Message
from openswarm.parl.causal.adapter import Causal, causal_of
from openswarm.parl.causal.template import Template

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=30)


def whole(model: Causal, messages: list[Message]) -> str:
    """A conversation as its template writes it at once."""
    entries = []
    for message in messages:
        entry = {"role": message.role, "content": message.text}
        if message.tool_calls:
            (call,) = message.tool_calls
            entry["tool_calls"] = [{"function": {"name": "look", "arguments": {"at": "A"}}}]
            assert call.arguments == '{"at": "A"}'
        entries.append(entry)
    tools = [{"type": "function", "function": {
        "name": "look", "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    }}]  # fmt: skip
    return model.tokenizer.apply_chat_template(
        entries, tools=tools, tokenize=False, add_generation_prompt=True
    )


@pytest.mark.requirement("parl.causal")
@settings(max_examples=12, deadline=None)
@given(st.lists(WORDS, min_size=4, max_size=4))
@pytest.mark.parametrize("chat", [CHATML, HEADED])
def test_turn_by_turn_gives_the_text_of_the_whole(chat: str, words: list[str]) -> None:
    """The beginning, each reply with its end, and what came between, one after the other."""
    model = shared(chat)
    template = Template(model)
    ids = template.begin([system(words[0]), user(words[1])], [LOOK])
    call = '{"name": "look", "parameters": {"at": "A"}}'
    if chat is CHATML:
        call = '\n<tool_call>\n{"name": "look", "arguments": {"at": "A"}}\n</tool_call>'
    ids += model.tokenizer(call, add_special_tokens=False)["input_ids"]
    ids += template.go_on([result(words[2])], [LOOK])
    ids += model.tokenizer("So it is.", add_special_tokens=False)["input_ids"]
    ids += template.go_on([user(words[3])], [LOOK])
    said = [
        system(words[0]), user(words[1]), calling("A"), result(words[2]),
        Message(role="assistant", content="So it is."), user(words[3]),
    ]  # fmt: skip
    assert model.tokenizer.decode(ids) == whole(model, said)


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize(
    ("chat", "why"),
    [
        (TOOLS_LAST, "the beginning anew"),
        (COUNTING, "depends on earlier ones"),
        (ENDLESS, "the token that ends it"),
        (CHATML.replace("<|im_end|>", "<|eot|>"), "the token that ends it"),
        ("{{ raise_exception('no system') }}", "no system"),
        ("{{ nonsense", "cannot be used"),
        (None, "no chat template"),
    ],
)
def test_a_template_that_cannot_go_on_is_refused(chat: str | None, why: str) -> None:
    """With what is wrong with it."""
    broken = causal_of(shared().model, tokenizer(chat))
    with pytest.raises(SettingsError, match=why):
        Template(broken)


@pytest.mark.requirement("parl.causal")
def test_thoughts_that_a_template_drops_do_not_keep_it_from_use() -> None:
    """Only what stands behind a reply is taken from the template."""
    chat = CHATML.replace(
        "{{- '<|im_start|>assistant\\n' + m.content }}",
        "{{- '<|im_start|>assistant\\n' }}"
        "{%- if loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{{- m.content }}",
    )
    assert chat != CHATML
    template = Template(causal_of(shared().model, tokenizer(chat)))
    assert template.go_on([user()], []) == Template(shared()).go_on([user()], [])


@pytest.mark.requirement("parl.causal")
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "<|", "im_end", "|>", "<", " a"])))
def test_no_message_can_end_a_turn(parts: list[str]) -> None:
    """Marks that are spelled in a result, a question or a call are letters."""
    template, evil = Template(shared()), "".join(parts)
    marks = set(shared().tokenizer.all_special_ids)

    def count(ids: list[int]) -> int:
        return sum(number in marks for number in ids)

    assert count(template.go_on([result(evil)], [])) == count(template.go_on([result("")], []))
    begun = [system(evil), user(evil), calling("A"), result(evil)]
    plain = [system(""), user(""), calling("A"), result("")]
    assert count(template.begin(begun, [LOOK])) == count(template.begin(plain, [LOOK]))


@pytest.mark.requirement("parl.causal")
def test_words_of_the_user_that_follow_each_other_are_one_message() -> None:
    """Some templates take nothing else."""
    template = Template(shared())
    assert template.go_on([user("a"), user("b")], []) == template.go_on([user("a\n\nb")], [])


@pytest.mark.requirement("parl.causal")
def test_a_tokenizer_without_an_end_is_refused() -> None:
    """A reply could not end by itself."""
    words = tokenizer()
    words.eos_token = None
    model = causal().model
    model.generation_config.eos_token_id = None
    with pytest.raises(SettingsError, match="ends a reply"):
        causal_of(model, words)
