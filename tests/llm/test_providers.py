"""The table of providers."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from openswarm.llm.openai_wire import Quirks
from openswarm.llm.providers import PROVIDERS


def test_every_provider_that_a_key_buys_suggests_a_model() -> None:
    assert {p.name for p in PROVIDERS.values() if p.keys} == {
        p.name for p in PROVIDERS.values() if p.suggested
    }


def test_providers_without_a_key_are_on_this_computer() -> None:
    local = {p.name: urlsplit(p.base_url).hostname for p in PROVIDERS.values() if not p.keys}
    assert local == dict.fromkeys(("ollama", "lmstudio", "vllm"), "127.0.0.1")


def test_keys_go_out_encrypted() -> None:
    assert all(p.base_url.startswith("https://") for p in PROVIDERS.values() if p.keys)


KIMI = Quirks(max_tokens="max_completion_tokens", forced_calls=False)
KIMI_WITH_SWITCH = replace(KIMI, thinking="moonshot")


@pytest.mark.parametrize(
    ("provider", "model", "quirks"),
    [
        ("moonshot", "kimi-k2.5", KIMI_WITH_SWITCH),
        ("moonshot", "Kimi-K2.6", KIMI_WITH_SWITCH),
        ("moonshot", "kimi-k2.7-code", KIMI),
        ("moonshot", "kimi-k3.1-pro", replace(KIMI, effort=True)),
        ("openai", "gpt-4.1-mini", Quirks(max_tokens="max_completion_tokens")),
        ("openai", "gpt-6-sol", Quirks(effort=True, max_tokens="max_completion_tokens")),
        ("mistral", "mistral-medium-3-5", Quirks(usage_option=False)),
        ("vllm", "moonshotai/Kimi-K2.5", Quirks(thinking="template")),
        ("groq", "openai/gpt-oss-120b", Quirks(effort=True)),
        ("groq", "llama-3.3-70b-versatile", Quirks()),
        ("xai", "grok-4.7", Quirks()),
    ],
)
def test_quirks_are_those_of_the_model(provider: str, model: str, quirks: Quirks) -> None:
    assert PROVIDERS[provider].quirks_of(model) == quirks
