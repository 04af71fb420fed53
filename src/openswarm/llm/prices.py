"""What is known of models by their names: prices, windows and whether they read pictures.

The figures are `prices.toml` beside this module, with their date and sources. A model that is
not in it has no price, and a run on it no ceiling in dollars. Knows nothing of endpoints.
"""

import re
import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from openswarm.core.messages import Usage
from openswarm.llm.model import ModelInfo, Price

MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


def model_info(provider: str, model: str) -> ModelInfo:
    """What the table says of a model; an unknown one has no price and the default window.

    A model that the provider only hosts is known by the last part of its name, but without a
    price: hosts set their own.
    """
    name = model.casefold()
    own = _tables().get(provider, {})
    for known in (name, _SNAPSHOT.sub("", name)):
        if known in own:
            return own[known]
    bare = _SNAPSHOT.sub("", name.rpartition("/")[2])
    hosted = next((table[bare] for table in _tables().values() if bare in table), None)
    if hosted is None:
        return ModelInfo()
    return ModelInfo(context_tokens=hosted.context_tokens, images=hosted.images)


def price_of(provider: str, model: str) -> Price | None:
    """The model's price at this provider, if it is known."""
    return model_info(provider, model).price


def dated() -> date:
    """The day on which the table was last compared with its sources."""
    return _parsed()["dated"]


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """Dollars for the usage of one call; None without a price."""
    if price is None:
        return None
    if price.above and usage.input_tokens > price.above[0]:
        price = price.above[1]
    written = price.input if price.written is None else price.written
    fresh = usage.input_tokens - usage.cached_tokens - usage.written_tokens
    return (
        fresh * price.input
        + usage.cached_tokens * price.cached
        + usage.written_tokens * written
        + usage.output_tokens * price.output
    ) / MILLION


def bound_usd(price: Price | None, input_tokens: int, output_tokens: int) -> float | None:
    """Dollars that a call with at the most so many tokens cannot pass; None without a price."""
    if price is None:
        return None
    if price.above and input_tokens > price.above[0]:
        price = price.above[1]
    dearest = max(price.input, price.cached, price.written or 0.0)
    return (input_tokens * dearest + output_tokens * price.output) / MILLION


@cache
def _parsed() -> dict[str, Any]:
    return tomllib.loads(files("openswarm.llm").joinpath("prices.toml").read_text("utf-8"))


@cache
def _tables() -> dict[str, dict[str, ModelInfo]]:
    return {
        provider: {name: _info(row) for name, row in rows.items()}
        for provider, rows in _parsed().items()
        if isinstance(rows, dict)
    }


def _info(row: dict[str, Any]) -> ModelInfo:
    price = _price(row)
    return ModelInfo(row["window"], price=price, images=row.get("images", False))


def _price(row: dict[str, Any]) -> Price:
    above = row.get("above")
    return Price(
        input=row["input"],
        output=row["output"],
        cached=row.get("cached", row["input"]),
        written=row.get("written"),
        above=(above["tokens"], _price(above)) if above else None,
    )
