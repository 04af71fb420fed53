"""Drawing the next token, against plain loops and counts."""

import math
from collections import Counter
from typing import Any

import pytest
import torch

from openswarm.core.errors import UserError
from openswarm.k25.errors import ModelFileError
from openswarm.k25.sampling import Drawn, Sampling, sample

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -torch.inf]).clamp(min=-30)


def draw(count: int, allowed: list[bool] | None = None, **options: Any) -> Drawn:
    """The same logits so many times, the random numbers spread evenly over [0, 1)."""
    uniform_B = torch.arange(count, dtype=torch.float64) / count
    allowed_BV = None if allowed is None else torch.tensor(allowed).expand(count, -1)
    return sample(LOGITS.expand(count, -1), [Sampling(**options)] * count, uniform_B, allowed_BV)


def softmax(values: list[float]) -> list[float]:
    """The plain formula."""
    weights = [math.exp(value - max(values)) for value in values]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_they_are_likely(temperature: float) -> None:
    """Even numbers hit each token in proportion to its probability."""
    drawn = draw(10_000, temperature=temperature)
    expected = softmax([value / temperature for value in LOGITS.tolist()])
    counts = Counter(drawn.tokens_B.tolist())
    for token, probability in enumerate(expected):
        assert counts[token] == pytest.approx(10_000 * probability, abs=2)
    logs = [math.log(expected[token]) for token in drawn.tokens_B.tolist()]
    assert drawn.logprobs_B.tolist() == pytest.approx(logs, abs=1e-5)
    assert drawn.drawn_logprobs_B.tolist() == pytest.approx(logs, abs=1e-5)


@pytest.mark.requirement("model.sampling")
def test_temperature_0_takes_the_most_likely_token() -> None:
    """Its log-probability is that of the model itself, and it was certain to be drawn."""
    drawn = draw(50, temperature=0)
    assert set(drawn.tokens_B.tolist()) == {0}
    assert drawn.logprobs_B[0].item() == pytest.approx(math.log(softmax(LOGITS.tolist())[0]))
    assert set(drawn.drawn_logprobs_B.tolist()) == {0.0}


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize("temperature", [1e-3, 1e-40, 1e-46, 5e-324])
def test_a_tiny_temperature_draws_the_most_likely_token(temperature: float) -> None:
    """Logits that are divided by it stay finite, also beside rows of another temperature."""
    uniform_B = torch.tensor([0.0, 0.5, math.nextafter(1.0, 0.0)], dtype=torch.float64)
    rows = [Sampling(temperature=temperature)] * 2 + [Sampling()]
    drawn = sample(LOGITS.expand(3, -1) * 100, rows, uniform_B)
    assert drawn.tokens_B.tolist() == [0, 0, 0]
    assert drawn.logprobs_B.tolist() == drawn.drawn_logprobs_B.tolist() == [0.0] * 3


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize(("top_p", "kept"), [(0.5, 1), (0.65, 2), (0.9, 3), (0.97, 4), (1e-9, 1)])
def test_the_nucleus_is_the_fewest_tokens_that_reach_top_p(top_p: float, kept: int) -> None:
    """The policy's log-probabilities do not change with it; those drawn from do."""
    drawn = draw(1000, top_p=top_p)
    assert set(drawn.tokens_B.tolist()) == set(range(kept))
    whole = softmax(LOGITS.tolist())
    mass = sum(whole[:kept])
    for token, logprob, of_drawn in zip(
        drawn.tokens_B.tolist(),
        drawn.logprobs_B.tolist(),
        drawn.drawn_logprobs_B.tolist(),
        strict=True,
    ):
        assert logprob == pytest.approx(math.log(whole[token]), abs=1e-5)
        assert of_drawn == pytest.approx(math.log(whole[token] / mass), abs=1e-5)


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_token_that_is_not_allowed_is_never_drawn(temperature: float) -> None:
    """What is left keeps its proportions."""
    drawn = draw(1000, [False, True, False, True, False], temperature=temperature)
    assert set(drawn.tokens_B.tolist()) == ({1} if temperature == 0 else {1, 3})
    first = drawn.logprobs_B[drawn.tokens_B == 1][0].item()
    assert first == pytest.approx(math.log(softmax(LOGITS.tolist())[1]), abs=1e-5)


def test_the_largest_number_draws_the_last_likely_token() -> None:
    """Rounding never points behind what may be drawn."""
    last = torch.tensor([math.nextafter(1.0, 0.0)], dtype=torch.float64)
    for _ in range(200):
        logits_BV = torch.randn(1, 97) * 5
        allowed_BV = torch.zeros(1, 97, dtype=torch.bool)
        allowed_BV[0, :40] = True
        assert sample(logits_BV, [Sampling()], last, allowed_BV).tokens_B.item() == 39


@pytest.mark.requirement("model.sampling-alone")
def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    """Each has its own settings and its own random number."""
    logits_BV = torch.randn(6, 50)
    rows = [Sampling(temperature=0.3 * n, top_p=1 - 0.1 * n) for n in range(6)]
    uniform_B = torch.rand(6, dtype=torch.float64)
    together = sample(logits_BV, rows, uniform_B).tokens_B.tolist()
    alone = [
        sample(logits_BV[n : n + 1], rows[n : n + 1], uniform_B[n : n + 1]).tokens_B.item()
        for n in range(6)
    ]
    assert together == alone


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_in_which_nothing_is_allowed_is_an_error(temperature: float) -> None:
    """No forbidden token is made up for it."""
    with pytest.raises(ModelFileError, match="allows no token"):
        draw(2, [False] * 5, temperature=temperature)


def test_broken_logits_are_an_error() -> None:
    """A model that gives them has broken weights."""
    with pytest.raises(ModelFileError, match="not finite"):
        sample(torch.tensor([[0.0, torch.nan]]), [Sampling()], torch.zeros(1).double())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_settings_that_make_no_sense_are_named(options: dict[str, Any], named: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(UserError, match=named):
        Sampling(**options)
