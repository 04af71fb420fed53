"""Prices and windows by name, and what calls cost."""

from datetime import date

import pytest

from openswarm.core.messages import Usage
from openswarm.llm.model import UNKNOWN_WINDOW, ModelInfo, Price
from openswarm.llm.prices import bound_usd, cost_usd, dated, model_info, price_of
from openswarm.llm.providers import PROVIDERS

MILLION = 1_000_000
TIERED = Price(1.0, 2.0, 0.1, written=1.25, above=(100, Price(4.0, 8.0, 0.4, written=5.0)))


@pytest.mark.requirement("llm.prices")
def test_the_table_has_a_date() -> None:
    assert dated() >= date(2026, 11, 22)


def test_kimi_models_have_the_prices_of_their_maker() -> None:
    assert price_of("moonshot", "kimi-k2.5") == Price(input=0.60, output=3.00, cached=0.10)
    assert price_of("moonshot", "kimi-k2.6") == Price(input=0.95, output=4.00, cached=0.16)
    assert price_of("moonshot", "kimi-k3") == Price(input=3.00, output=15.00, cached=0.30)


def test_a_dated_snapshot_costs_what_its_model_costs_unless_it_has_a_row() -> None:
    assert price_of("anthropic", "claude-opus-4-5-20251101") == price_of(
        "anthropic", "claude-opus-4-5"
    )
    old = price_of("openai", "gpt-4o-2024-05-13")
    assert old is not None
    assert old != price_of("openai", "gpt-4o")
    assert price_of("openai", "gpt-4o-2024-08-06") == price_of("openai", "gpt-4o")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-unheard"), ("nowhere", "x"), ("ollama", "qwen3:8b"), ("http://a/v1", "m")],
)
def test_what_is_not_in_the_table_has_no_price(provider: str, model: str) -> None:
    assert model_info(provider, model) == ModelInfo()


def test_a_hosted_model_is_known_but_for_its_price() -> None:
    info = model_info("openrouter", "moonshotai/Kimi-K2.5")
    assert (info.context_tokens, info.images, info.price) == (262_144, True, None)
    assert model_info("vllm", "moonshotai/Kimi-K2.5").images


def test_windows_smaller_than_the_default_are_known() -> None:
    assert model_info("anthropic", "claude-haiku-4-5").context_tokens == 200_000 < UNKNOWN_WINDOW


def test_input_from_the_cache_has_its_own_price() -> None:
    usage = Usage(input_tokens=3 * MILLION, output_tokens=MILLION, cached_tokens=MILLION)
    assert cost_usd(Price(1.0, 2.0, 0.1), usage) == pytest.approx(2 * 1.0 + 0.1 + 2.0)


def test_input_written_to_the_cache_costs_its_price_or_that_of_other_input() -> None:
    usage = Usage(input_tokens=MILLION, written_tokens=MILLION)
    assert cost_usd(Price(1.0, 2.0, 0.1, written=1.25), usage) == 1.25
    assert cost_usd(Price(1.0, 2.0, 0.1), usage) == 1.0


def test_a_long_call_costs_its_price_as_a_whole() -> None:
    short = Usage(input_tokens=100, output_tokens=10)
    long = Usage(input_tokens=101, output_tokens=10)
    assert cost_usd(TIERED, short) == pytest.approx((100 + 20) / MILLION)
    assert cost_usd(TIERED, long) == pytest.approx((404 + 80) / MILLION)


def test_without_a_price_a_call_has_no_cost() -> None:
    assert cost_usd(None, Usage(input_tokens=1)) is None
    assert bound_usd(None, 1, 1) is None


@pytest.mark.requirement("budget.reserve")
@pytest.mark.parametrize("cached", [0, 60, 150])
@pytest.mark.parametrize("written", [0, 50])
def test_no_call_costs_more_than_its_bound(cached: int, written: int) -> None:
    usage = Usage(input_tokens=200, output_tokens=10, cached_tokens=cached, written_tokens=written)
    for price in (TIERED, Price(1.0, 2.0, 0.1), Price(1.0, 2.0, 1.5)):
        bound, cost = bound_usd(price, 200, 10), cost_usd(price, usage)
        assert bound is not None
        assert cost is not None
        assert cost <= bound


def test_every_suggested_model_of_a_maker_has_a_price() -> None:
    unpriced = {
        provider.name
        for provider in PROVIDERS.values()
        if provider.suggested and price_of(provider.name, provider.suggested) is None
    }
    assert unpriced == {"openrouter"}, "a router's price depends on where a call lands"


def test_rows_make_sense() -> None:
    for provider in PROVIDERS.values():
        for name in ("", provider.suggested):
            price = price_of(provider.name, name)
            assert price is None or 0 < price.cached <= price.input <= price.output
