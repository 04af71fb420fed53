"""INT4: the rounding rule against loops, the packed layout, the gradient, training as packed."""

import math

import pytest
import torch

from openswarm.k25.config import TextConfig
from openswarm.k25.int4 import dequantize, fake_quantize, pack, quantize, unpack
from openswarm.k25.moe import Experts

pytestmark = pytest.mark.requirement("model.int4-format")


def rounded(value: float) -> int:
    """To the nearest whole number, halves to the even one, within -7 … 7."""
    return max(-7, min(7, round(value)))


def test_values_are_what_a_plain_loop_over_groups_in_double_precision_gives() -> None:
    weight_RC = torch.randn(3, 96)
    q_RC, scale_RS = quantize(weight_RC)
    assert scale_RS.dtype == torch.bfloat16
    assert scale_RS.shape == (3, 3)
    for row, column in ((row, column) for row in range(3) for column in range(96)):
        group = weight_RC[row, column // 32 * 32 : column // 32 * 32 + 32].tolist()
        seventh = torch.tensor(max(map(abs, group)) / 7, dtype=torch.float64)
        scale = float(seventh.float().bfloat16())
        assert float(scale_RS[row, column // 32]) == scale
        assert int(q_RC[row, column]) == rounded(float(weight_RC[row, column]) / scale)


def test_a_scale_that_bf16_rounds_down_never_gives_a_value_beyond_seven() -> None:
    weight_RC = torch.linspace(1.0, 2.0, 256)[:, None].expand(-1, 32)
    q_RC, scale_RS = quantize(weight_RC)
    assert (scale_RS.float() * 7 < weight_RC[:, ::32]).any()
    assert q_RC.min() == q_RC.max() == 7


def test_rounding_is_off_by_half_a_scale_at_most() -> None:
    weight_RC = torch.randn(8, 64)
    q_RC, scale_RS = quantize(weight_RC)
    error = (dequantize(q_RC, scale_RS) - weight_RC).abs()
    # the rounding of the scale itself, 2**-9 of it, times 7 steps comes on top
    bound = scale_RS.float().repeat_interleave(32, dim=1) * (0.5 + 7 * 2**-8)
    assert (error <= bound).all()


def test_a_group_of_zeros_stays_zeros_and_has_a_finite_scale() -> None:
    weight_RC = torch.zeros(1, 64)
    weight_RC[0, 40] = 3.0
    q_RC, scale_RS = quantize(weight_RC)
    assert float(scale_RS[0, 0]) == 1.0
    assert torch.equal(dequantize(q_RC, scale_RS)[0, :32], torch.zeros(32))
    assert torch.isfinite(fake_quantize(weight_RC)).all()


def test_weights_too_small_for_a_scale_become_zeros() -> None:
    weight_RC = torch.full((1, 32), 1e-45)
    assert torch.equal(fake_quantize(weight_RC), torch.zeros(1, 32))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_not_finite_is_an_error(wrong: float) -> None:
    weight_RC = torch.ones(2, 64)
    weight_RC[1, 5] = wrong
    with pytest.raises(ValueError, match="infinite or not a number"):
        quantize(weight_RC)
    with pytest.raises(ValueError, match="infinite or not a number"):
        fake_quantize(weight_RC)


def test_columns_that_are_no_whole_groups_are_an_error() -> None:
    with pytest.raises(ValueError, match="48 columns are no multiple of the group, 32"):
        quantize(torch.ones(2, 48))
    with pytest.raises(ValueError, match="12 columns are no multiple of 8"):
        pack(torch.zeros(2, 12, dtype=torch.int8))


def test_eight_values_fill_a_number_from_its_lowest_bits_each_offset_by_eight() -> None:
    q_RC = torch.tensor([[-7, -1, 0, 1, 2, 3, 6, 7]], dtype=torch.int8)
    packed_RP = pack(q_RC)
    assert packed_RP.dtype == torch.int32
    assert int(packed_RP[0, 0]) % 2**32 == 0xFEBA_9871


def test_packing_is_undone_by_unpacking_for_any_values_and_leading_dimensions() -> None:
    q_ERC = torch.randint(-8, 8, (2, 3, 5, 32), dtype=torch.int8)
    packed_ERP = pack(q_ERC)
    assert packed_ERP.shape == (2, 3, 5, 4)
    assert torch.equal(unpack(packed_ERP, 32), q_ERC)
    assert torch.equal(unpack(packed_ERP, 29), q_ERC[..., :29])


def test_numbers_that_do_not_hold_the_columns_are_an_error() -> None:
    with pytest.raises(ValueError, match="do not hold 40 columns"):
        unpack(torch.zeros(2, 4, dtype=torch.int32), 40)
    with pytest.raises(ValueError, match=r"torch\.int64 do not hold"):
        unpack(torch.zeros(2, 4, dtype=torch.int64), 32)


def test_experts_are_rounded_one_by_one_as_in_one_batch() -> None:
    weight_ERC = torch.randn(4, 6, 64)
    q_ERC, scale_ERS = quantize(weight_ERC)
    for weight_RC, q_RC, scale_RS in zip(weight_ERC, q_ERC, scale_ERS, strict=True):
        alone_RC, alone_RS = quantize(weight_RC)
        assert torch.equal(alone_RC, q_RC)
        assert torch.equal(alone_RS, scale_RS)


def test_weights_that_were_read_from_int4_are_packed_to_the_same_numbers_again() -> None:
    q_RC, scale_RS = quantize(torch.randn(512, 64) * torch.logspace(-4, 4, 512)[:, None])
    again_RC, again_RS = quantize(dequantize(q_RC, scale_RS))
    assert torch.equal(again_RS, scale_RS)
    assert torch.equal(again_RC, q_RC)


@pytest.mark.requirement("model.qat-exact")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_sees_the_very_weights_that_the_packed_file_has(dtype: torch.dtype) -> None:
    weight_ERC = (torch.randn(3, 16, 128) * torch.logspace(-6, 3, 16)[:, None]).to(dtype)
    q_ERC, scale_ERS = quantize(weight_ERC)
    stored_ERC = dequantize(unpack(pack(q_ERC), 128), scale_ERS, dtype)
    assert torch.equal(fake_quantize(weight_ERC), stored_ERC)


@pytest.mark.requirement("model.qat-exact")
def test_rounding_lets_gradients_pass_unchanged() -> None:
    weight_RC = torch.randn(4, 32, requires_grad=True)
    gradient_RC = torch.randn(4, 32)
    fake_quantize(weight_RC).backward(gradient_RC)
    assert weight_RC.grad is not None
    assert torch.equal(weight_RC.grad, gradient_RC)


@pytest.mark.requirement("model.qat-exact")
def test_experts_in_training_compute_exactly_what_experts_read_from_packed_weights_do(
    text_config: TextConfig,
) -> None:
    trained, stored = Experts(text_config), Experts(text_config)
    for ours, theirs in zip(trained.parameters(), stored.parameters(), strict=True):
        torch.nn.init.normal_(ours, std=0.1)
        q, scale = quantize(ours)
        theirs.data.copy_(dequantize(unpack(pack(q), ours.shape[-1]), scale))
    x_TH = torch.randn(11, text_config.hidden_size)
    chosen_TK = torch.rand(11, text_config.n_routed_experts).topk(3).indices
    weights_TK = torch.rand(11, 3)
    unrounded_TH = trained(x_TH, chosen_TK, weights_TK)
    trained.qat = True
    rounded_TH = trained(x_TH, chosen_TK, weights_TK)
    assert torch.equal(rounded_TH, stored(x_TH, chosen_TK, weights_TK))
    assert not torch.equal(rounded_TH, unrounded_TH)
    rounded_TH.sum().backward()
    assert all(parameter.grad is not None for parameter in trained.parameters())
