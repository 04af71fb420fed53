"""The objective: a mean baseline, a token mean, a clip without regard to sign, and its τ term."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.parl.objective import Objective, advantages, loss_of, token_weights

PLAIN = Objective(tau=0.0, entropy=0.0)
GROUPED = st.lists(
    st.tuples(st.floats(-3, 3), st.sampled_from("abc"), st.integers(0, 40)), min_size=1, max_size=12
)


def tensors(
    seed: int, tokens: int = 6, choices: int = 4, drift: float = 0.3
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, what was taken, its old log-probability, advantages and weights, all drawn.

    The first token has two choices alone, as rows of fewer choices have.
    """
    draw = torch.Generator().manual_seed(seed)
    logits_SC = torch.randn(tokens, choices, generator=draw, dtype=torch.float64)
    logits_SC[0, 2:] = -torch.inf
    taken_S = torch.randint(0, 2, (tokens,), generator=draw)
    new_S = logits_SC.log_softmax(-1).gather(1, taken_S[:, None])[:, 0]
    old_S = new_S + drift * torch.randn(tokens, generator=draw, dtype=torch.float64)
    values_S = torch.randn(tokens, generator=draw, dtype=torch.float64)
    weights_S = torch.rand(tokens, generator=draw, dtype=torch.float64)
    return logits_SC, taken_S, old_S, values_S, weights_S


def gradient(
    logits_SC: torch.Tensor, rest: tuple[torch.Tensor, ...], objective: Objective
) -> torch.Tensor:
    """Of the loss by the logits, token by token."""
    leaf = logits_SC.clone().requires_grad_()
    loss_of(leaf.log_softmax(-1), *rest, objective).total.backward()
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.requirement("parl.objective")
@given(GROUPED)
def test_advantages_are_rewards_less_their_groups_mean(
    group: list[tuple[float, str, int]],
) -> None:
    """They sum to 0 in each group, and doubled rewards double them: no deviation divides."""
    rewards, names = [r for r, _, _ in group], [n for _, n, _ in group]
    values = advantages(rewards, names)
    for name in set(names):
        mine = [(v, r) for v, r, n in zip(values, rewards, names, strict=True) if n == name]
        assert sum(v for v, _ in mine) == pytest.approx(0, abs=1e-9)
        mean = sum(r for _, r in mine) / len(mine)
        assert [v for v, _ in mine] == pytest.approx([r - mean for _, r in mine])
    doubled = advantages([2 * r + 5 for r in rewards], names)
    assert doubled == pytest.approx([2 * v for v in values], abs=1e-9)


@pytest.mark.requirement("parl.objective")
@given(GROUPED)
def test_tokens_of_a_group_count_alike_and_groups_do_too(
    group: list[tuple[float, str, int]],
) -> None:
    """1/N for each token of a group; groups whose advantages are all 0 count nothing."""
    values, names = [v for v, _, _ in group], [n for _, n, _ in group]
    lengths = [length for _, _, length in group]
    weights = token_weights(lengths, names, values)
    live = {n for n, v in zip(names, values, strict=True) if abs(v) > 1e-9}
    for name in set(names):
        mine = [place for place, own in enumerate(names) if own == name]
        tokens = sum(lengths[place] for place in mine)
        counted = sum(weights[place] * lengths[place] for place in mine)
        assert len({weights[place] for place in mine}) == 1
        assert counted == pytest.approx(1 / len(live) if name in live and tokens else 0.0)


@pytest.mark.requirement("parl.objective")
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.1), st.floats(0, 0.1))
def test_the_loss_is_the_formula_term_by_term(seed: int, tau: float, entropy: float) -> None:
    """Against a loop over tokens in plain floats."""
    logits_SC, *rest = tensors(seed)
    objective = Objective(0.8, 1.25, tau, entropy)
    made = loss_of(logits_SC.log_softmax(-1), *rest, objective)
    total, masked, squares = 0.0, 0, 0.0
    rows = [*logits_SC.tolist()]
    for logits, taken, old, value, weight in zip(rows, *(t.tolist() for t in rest), strict=True):
        norm = math.log(sum(math.exp(x) for x in logits))
        logprobs = [x - norm for x in logits]
        log_ratio = logprobs[int(taken)] - old
        ratio = math.exp(log_ratio)
        kept = 0.8 <= ratio <= 1.25
        spread = -sum(math.exp(p) * p for p in logprobs if p > -math.inf)
        total -= weight * (kept * ratio * value - tau * log_ratio**2 + entropy * spread)
        masked += not kept
        squares += log_ratio**2
    assert float(made.total) == pytest.approx(total, rel=1e-9, abs=1e-12)
    assert made.masked == pytest.approx(masked / len(rows))
    assert made.divergence == pytest.approx(squares / len(rows))


@pytest.mark.requirement("parl.objective")
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from((-1.0, 1.0)))
def test_a_ratio_out_of_bounds_has_no_policy_gradient(seed: int, sign: float) -> None:
    """Whatever the sign of its advantage; within bounds there is one."""
    logits_SC, taken_S, old_S, values_S, weights_S = tensors(seed, tokens=24)
    values_S = sign * (values_S.abs() + 0.1)
    weights_S = weights_S + 0.1
    grad_SC = gradient(logits_SC, (taken_S, old_S, values_S, weights_S), PLAIN)
    new_S = logits_SC.log_softmax(-1).gather(1, taken_S[:, None])[:, 0]
    ratio_S = (new_S - old_S).exp()
    out_S = (ratio_S < PLAIN.alpha) | (ratio_S > PLAIN.beta)
    assert not grad_SC[out_S].any()
    assert grad_SC[~out_S].abs().sum(-1).gt(0).all()
    assert not grad_SC.isnan().any()


@pytest.mark.requirement("parl.objective")
@pytest.mark.parametrize("ratio", [0.2, 5.0])
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_the_squared_log_ratio_pulls_back_what_left(ratio: float, value: float) -> None:
    """A step against the gradient brings the ratio nearer to 1, for either advantage."""
    logits_SC = torch.zeros(1, 3, dtype=torch.float64)
    taken_S, old_S = torch.tensor([0]), torch.log(torch.tensor([1 / 3 / ratio])).double()
    rest = (taken_S, old_S, torch.tensor([value]).double(), torch.ones(1).double())
    grad_SC = gradient(logits_SC, rest, Objective(tau=0.05, entropy=0.0))
    moved = (logits_SC - 0.1 * grad_SC).log_softmax(-1)[0, 0] - old_S[0]
    assert abs(float(moved)) < abs(math.log(ratio))


@pytest.mark.requirement("parl.objective")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_on_policy_it_is_reinforce_with_a_baseline(seed: int) -> None:
    """With fresh samples the gradient is that of advantage times log-probability."""
    logits_SC, taken_S, old_S, values_S, weights_S = tensors(seed, drift=0.0)
    grad_SC = gradient(
        logits_SC, (taken_S, old_S, values_S, weights_S), Objective(tau=0.5, entropy=0.0)
    )
    leaf = logits_SC.clone().requires_grad_()
    new_S = leaf.log_softmax(-1).gather(1, taken_S[:, None])[:, 0]
    (-(weights_S * values_S * new_S).sum()).backward()
    assert leaf.grad is not None
    torch.testing.assert_close(grad_SC, leaf.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.requirement("parl.objective")
def test_entropy_is_over_what_was_allowed() -> None:
    """It is log n where n choices are alike, and pushes towards them."""
    logits_SC = torch.tensor([[2.0, 0.0, -torch.inf]], dtype=torch.float64)
    rest = (torch.tensor([0]), torch.zeros(1).double(), torch.zeros(1).double(), torch.ones(1))
    made = loss_of(torch.zeros(1, 2).double().log_softmax(-1), *rest, PLAIN)
    assert made.entropy == pytest.approx(math.log(2))
    grad_SC = gradient(logits_SC, rest, Objective(tau=0.0, entropy=1.0))
    assert grad_SC[0, 0] > 0 > grad_SC[0, 1]
    assert grad_SC[0, 2] == 0
