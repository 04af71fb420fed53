"""Packed experts: both ways give what the rounded weights give, in 4.5 bits a weight."""

import pytest
import torch
from torch import Tensor, nn

from openswarm.k25 import packed
from openswarm.k25.config import TextConfig
from openswarm.k25.int4 import dequantize, quantize
from openswarm.k25.moe import Experts, MixtureOfExperts
from openswarm.k25.packed import PackedExperts, PackedStack, kernel_takes, pack_experts

pytestmark = pytest.mark.requirement("model.packed-product")

has_kernel = pytest.mark.skipif(
    not kernel_takes(16, 32), reason="this torch has no INT4 kernel for this processor"
)
WAYS = [pytest.param(True, marks=has_kernel), False]
ULP = 2**-7
"""The largest relative distance of neighbours in bf16; rounding is off by half of it at most."""


@pytest.fixture
def experts(text_config: TextConfig) -> Experts:
    experts = Experts(text_config)
    for parameter in experts.parameters():
        nn.init.normal_(parameter, std=0.2)
    return experts


def routed(config: TextConfig, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, each with different experts, and weights."""
    chosen_TK = torch.rand(tokens, config.n_routed_experts).topk(3).indices
    return torch.randn(tokens, config.hidden_size), chosen_TK, torch.rand(tokens, 3)


@pytest.mark.parametrize("kernel", WAYS)
@pytest.mark.parametrize("tokens", [1, 8, 33])
def test_a_product_is_that_of_the_rounded_weights_in_double_precision(
    kernel: bool, tokens: int
) -> None:
    q_ERC, scale_ERS = quantize(torch.randn(2, 48, 96))
    stack = PackedStack(q_ERC, scale_ERS, kernel=kernel)
    x_TC = torch.randn(tokens, 96).bfloat16()
    wanted_TR = x_TC.double() @ dequantize(q_ERC, scale_ERS, torch.float64)[1].T
    y_TR = stack.product(x_TC, 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(stack.product(x_TC, 1), y_TR)
    assert y_TR.dtype == torch.bfloat16
    assert torch.allclose(y_TR.double(), wanted_TR, rtol=ULP / 2, atol=1e-4)


@has_kernel
def test_both_ways_give_the_same_numbers(experts: Experts, text_config: TextConfig) -> None:
    inputs = routed(text_config, 40)
    quick_TH = PackedExperts.of(experts, kernel=True)(*inputs)
    plain_TH = PackedExperts.of(experts, kernel=False)(*inputs)
    # sums in another order may round to the neighbour in bf16
    assert (quick_TH - plain_TH).norm() < ULP / 8 * plain_TH.norm()


@pytest.mark.parametrize("kernel", WAYS)
def test_packed_experts_take_the_place_of_experts_in_training(
    experts: Experts, text_config: TextConfig, kernel: bool
) -> None:
    inputs = routed(text_config, 25)
    experts.qat = True
    with torch.no_grad():
        wanted_TH = experts(*inputs)
    y_TH = PackedExperts.of(experts, kernel=kernel)(*inputs)
    assert y_TH.dtype == wanted_TH.dtype
    assert (y_TH - wanted_TH).norm() < ULP * wanted_TH.norm()


@pytest.mark.parametrize("kernel", WAYS)
def test_no_tokens_give_no_results(experts: Experts, text_config: TextConfig, kernel: bool) -> None:
    assert PackedExperts.of(experts, kernel=kernel)(*routed(text_config, 0)).shape == (0, 64)


@pytest.mark.parametrize("kernel", WAYS)
def test_a_weight_takes_four_and_a_half_bits(experts: Experts, kernel: bool) -> None:
    weights = sum(parameter.numel() for parameter in experts.parameters())
    assert PackedExperts.of(experts, kernel=kernel).bytes * 8 == weights * 4.5


@pytest.mark.parametrize("kernel", WAYS)
def test_converting_a_model_leaves_packed_weights_alone(
    experts: Experts, text_config: TextConfig, kernel: bool
) -> None:
    inputs = routed(text_config, 5)
    plain = PackedExperts.of(experts, kernel=kernel)
    before_TH = plain(*inputs)
    assert torch.equal(plain.to(torch.float64)(*inputs), before_TH)
    assert torch.equal(plain.to(torch.float16)(*inputs), before_TH)


def test_matrices_that_the_kernel_does_not_take_are_computed_the_plain_way() -> None:
    assert not kernel_takes(20, 64)
    q_ERC, scale_ERS = quantize(torch.randn(1, 20, 64))
    stack = PackedStack(q_ERC, scale_ERS)
    assert not stack.kernel
    one_CC = torch.eye(64)
    assert torch.equal(stack.product(one_CC, 0), dequantize(q_ERC, scale_ERS)[0].T.bfloat16())


@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_a_kernel_that_is_missing_or_computes_wrongly_is_not_used(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "missing":
        monkeypatch.delattr(torch, "_weight_int4pack_mm_for_cpu")
    else:
        monkeypatch.setattr(packed, "OFFSET", 7)
    assert not kernel_takes(16, 32)


def test_all_experts_of_a_model_are_packed_and_nothing_else(text_config: TextConfig) -> None:
    mixtures = [MixtureOfExperts(text_config) for _ in range(2)]
    for mixture in mixtures:
        mixture.experts.qat = True
    model = nn.ModuleList(mixtures)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    kept = {name for name, _ in model.named_parameters() if ".experts." not in name}
    weights = sum(p.numel() for name, p in model.named_parameters() if name not in kept)
    x_TH = torch.randn(9, text_config.hidden_size)
    with torch.no_grad():
        wanted = [mixture(x_TH) for mixture in mixtures]
        assert pack_experts(model) * 8 == weights * 4.5
        found = [mixture(x_TH) for mixture in mixtures]
    assert {name for name, _ in model.named_parameters()} == kept
    for y_TH, wanted_TH in zip(found, wanted, strict=True):
        assert (y_TH - wanted_TH).norm() < ULP * wanted_TH.norm()
