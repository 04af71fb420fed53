"""QK-Clip: logits are bounded exactly, by the weights that may be touched and no others."""

import copy

import pytest
import torch
from torch import Tensor, nn

from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.clip import qk_clip
from openswarm.k25.config import TextConfig
from openswarm.k25.muon import MuonClip, param_groups
from openswarm.k25.rope import angles, inverse_frequencies, rotation_scale
from openswarm.k25.text import TextModel

pytestmark = pytest.mark.requirement("model.qk-clip")


@pytest.fixture
def attention(text_config: TextConfig) -> MultiHeadLatentAttention:
    """Its heads have logits of different size."""
    attention = MultiHeadLatentAttention(text_config, layer=0)
    for parameter in attention.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.4)
    attention.q_b_proj.weight.data.unflatten(0, (4, -1)).mul_(
        torch.logspace(-1, 1, 4)[:, None, None]
    )
    return attention


def max_logits(attention: MultiHeadLatentAttention, x_BLD: Tensor) -> Tensor:
    config = attention.config
    positions_BL = torch.arange(x_BLD.shape[1]).expand(len(x_BLD), -1)
    turns = angles(positions_BL, inverse_frequencies(config), rotation_scale(config))
    attention.record_max_logits = True
    attention(x_BLD, turns)
    assert attention.max_logits_H is not None
    return attention.max_logits_H


def test_the_largest_logit_of_each_head_above_the_bound_becomes_the_bound(
    attention: MultiHeadLatentAttention,
) -> None:
    x_BLD = torch.randn(2, 12, 64)
    before_H = max_logits(attention, x_BLD)
    tau = float(before_H.sort().values[1:3].mean())
    assert qk_clip(attention, tau) == 2
    after_H = max_logits(attention, x_BLD)
    assert torch.allclose(after_H, before_H.clamp_max(tau), rtol=1e-5)


def test_the_shared_key_values_and_heads_below_the_bound_are_untouched_to_the_bit(
    attention: MultiHeadLatentAttention,
) -> None:
    before = copy.deepcopy(attention.state_dict())
    logits_H = max_logits(attention, torch.randn(1, 12, 64))
    tau = float(logits_H.sort().values[1:3].mean())
    below_H = logits_H <= tau
    assert qk_clip(attention, tau)
    after = attention.state_dict()
    touched = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert touched == {"q_b_proj.weight", "kv_b_proj.weight"}
    for name in touched:
        heads_now, heads_then = (s[name].unflatten(0, (4, -1)) for s in (after, before))
        assert torch.equal(heads_now[below_H], heads_then[below_H])
        assert not torch.equal(heads_now[~below_H], heads_then[~below_H])
    plain = attention.config.qk_nope_head_dim
    values_now, values_then = (s["kv_b_proj.weight"].unflatten(0, (4, -1)) for s in (after, before))
    assert torch.equal(values_now[:, plain:], values_then[:, plain:])


def test_a_logit_is_acted_on_once(attention: MultiHeadLatentAttention) -> None:
    max_logits(attention, torch.randn(1, 12, 64))
    assert qk_clip(attention, tau=0.1) == 4
    assert qk_clip(attention, tau=0.1) == 0


def test_layers_that_recorded_nothing_or_nothing_finite_are_left_alone(
    attention: MultiHeadLatentAttention,
) -> None:
    before = copy.deepcopy(attention.state_dict())
    assert qk_clip(attention, tau=0.1) == 0
    attention.max_logits_H = torch.tensor([torch.nan, torch.inf, -torch.inf, -3.0])
    assert qk_clip(attention, tau=0.1) == 0
    assert all(torch.equal(before[name], value) for name, value in attention.state_dict().items())


def largest_logits(config: TextConfig, tau: float | None) -> list[float]:
    """The model's largest logit at each of 50 steps on one batch at a high rate."""
    model = TextModel(config)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02, generator=generator)
    layers = [child for child in model.modules() if isinstance(child, MultiHeadLatentAttention)]
    for attention in layers:
        attention.record_max_logits = True
    optimiser = MuonClip(param_groups(model), lr=0.2)
    tokens_BL = torch.randint(0, config.vocab_size, (2, 17), generator=generator)
    seen = []
    for _ in range(50):
        logits_BLV = model.lm_head(model(model.embed_tokens(tokens_BL[:, :-1])))
        loss = nn.functional.cross_entropy(logits_BLV.flatten(0, 1), tokens_BL[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found = [layer.max_logits_H for layer in layers]
        seen.append(max(float(logits_H.max()) for logits_H in found if logits_H is not None))
        if tau is not None:
            qk_clip(model, tau)
    return seen


def test_logits_grow_without_the_clip_and_stay_bounded_with_it(text_config: TextConfig) -> None:
    small = text_config.model_copy(update={"num_hidden_layers": 2, "vocab_size": 128})
    free, clipped = largest_logits(small, None), largest_logits(small, 100.0)
    # a step starts from logits of 100 at most, and at this rate can more than double them
    assert 100 < max(clipped) < 300
    assert max(free) > 500
