"""What the generations of Claude models accept, by their names."""

import pytest

from openswarm.llm.claude import Claude, claude


@pytest.mark.parametrize(
    "model",
    [
        "claude-3-7-sonnet-20250219",
        "claude-haiku-4-5-20251001",
        "claude-opus-4-20250514",
        "kimi-k3",
    ],
)
def test_models_up_to_4_5_and_strangers_take_a_thinking_budget(model: str) -> None:
    assert claude(model) == Claude()


@pytest.mark.parametrize(
    "model", ["claude-opus-4-6", "claude-sonnet-4-6", "anthropic/claude-opus-4.7"]
)
def test_models_from_4_6_on_think_adaptively_when_asked(model: str) -> None:
    assert claude(model) == Claude(adaptive=True, effort=True)


def test_models_from_5_on_think_unless_told_not_to() -> None:
    assert claude("claude-sonnet-5") == Claude(adaptive=True, thinks=True, effort=True)
    assert claude("claude-opus-5-20260724").off == "disabled"


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5", "claude-mythos-5-1"])
def test_some_models_always_think_and_cannot_be_held_to_a_tool(model: str) -> None:
    assert (claude(model).off, claude(model).forced) == ("", False)


def test_sonnet_5_5_has_its_own_word_for_not_thinking() -> None:
    assert claude("claude-sonnet-5-5").off == "between_tools"
    assert not claude("claude-sonnet-5-5").forced


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        ("claude-fable-5", False),
        ("claude-fable-5-1", True),
        ("claude-fable-5-2", True),
        ("claude-mythos-5-1", False),
        ("claude-opus-5", False),
        ("claude-opus-5-5", True),
        ("claude-haiku-5-5", True),
        ("claude-sonnet-6", True),
    ],
)
def test_newer_models_bind_thoughts_to_the_conversation(model: str, bound: bool) -> None:
    assert claude(model).bound is bound


def test_only_opus_takes_an_effort_before_4_6() -> None:
    assert claude("claude-opus-4-5-20251101") == Claude(effort=True)
    assert not claude("claude-sonnet-4-5").effort
