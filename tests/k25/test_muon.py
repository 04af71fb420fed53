"""MuonClip's step against plain loops in double precision, its groups, its state."""

import copy
from operator import mul
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from openswarm.k25.config import K25Config, TextConfig
from openswarm.k25.model import K25
from openswarm.k25.moe import Experts
from openswarm.k25.muon import MuonClip, orthogonalise, param_groups

pytestmark = pytest.mark.requirement("model.muon")

Product = list[list[float]]


def times(left: Product, right: Product) -> Product:
    columns = list(zip(*right, strict=True))
    return [[sum(map(mul, row, column)) for column in columns] for row in left]


def plain_newton_schulz(x: Product) -> Product:
    """One matrix, five iterations, Python's own double precision."""
    norm = sum(value**2 for row in x for value in row) ** 0.5
    x = [[value / norm for value in row] for row in x]
    for _ in range(5):
        square = times(x, [list(column) for column in zip(*x, strict=True)])
        fourth = times(square, square)
        factor = [
            [-4.7750 * a + 2.0315 * b for a, b in zip(one, two, strict=True)]
            for one, two in zip(square, fourth, strict=True)
        ]
        moved = times(factor, x)
        x = [
            [3.4445 * a + b for a, b in zip(one, two, strict=True)]
            for one, two in zip(x, moved, strict=True)
        ]
    return x


def exact_step(weight_NM: Tensor, gradients: list[Tensor], lr: float) -> Tensor:
    """Muon with all defaults, from the formulas, in float64."""
    weight_NM, momentum_NM = weight_NM.double(), torch.zeros_like(weight_NM, dtype=torch.float64)
    for gradient_NM in gradients:
        momentum_NM = 0.95 * momentum_NM + gradient_NM.double()
        update = plain_newton_schulz((gradient_NM.double() + 0.95 * momentum_NM).tolist())
        size = 0.2 * max(weight_NM.shape) ** 0.5
        weight_NM = weight_NM * (1 - lr * 0.1)
        weight_NM = weight_NM - lr * size * torch.tensor(update, dtype=torch.float64)
    return weight_NM


def trained(parameter: nn.Parameter, groups: list[dict[str, Any]], gradients: list[Tensor]) -> None:
    optimiser = MuonClip(groups, lr=0.01, precision=torch.float32)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()


def test_iterations_are_those_of_a_plain_loop_for_each_matrix_of_a_batch() -> None:
    x_BNM = torch.randn(3, 5, 8)
    wanted_BNM = torch.tensor([plain_newton_schulz(x_NM.tolist()) for x_NM in x_BNM.double()])
    found_BNM = orthogonalise(x_BNM, torch.float32)
    assert torch.allclose(found_BNM, wanted_BNM, atol=1e-5)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_singular_values_come_out_near_one(precision: torch.dtype) -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(4, 48, 96) * 1e-4, precision))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_large_batches_are_worked_on_in_parts_with_equal_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x_BNM = torch.randn(7, 8, 16)
    whole_BNM = orthogonalise(x_BNM, torch.float32)
    monkeypatch.setattr("openswarm.k25.muon.CHUNK", 2 * 8 * 16)
    assert torch.allclose(orthogonalise(x_BNM, torch.float32), whole_BNM, atol=1e-6)


def test_a_matrix_of_zeros_is_not_moved() -> None:
    assert torch.equal(orthogonalise(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4))


@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
def test_steps_of_a_matrix_are_those_of_the_formulas_in_double_precision(
    shape: tuple[int, int],
) -> None:
    weight = nn.Parameter(torch.randn(shape))
    gradients = [torch.randn(shape) for _ in range(3)]
    wanted_NM = exact_step(weight.detach(), gradients, 0.01)
    trained(weight, [{"params": [weight], "rule": "muon"}], gradients)
    assert torch.allclose(weight.double(), wanted_NM, atol=1e-5)


def test_steps_of_a_matrix_are_those_of_torchs_own_muon() -> None:
    ours = nn.Parameter(torch.randn(24, 16))
    theirs = nn.Parameter(ours.detach().clone())
    gradients = [torch.randn(24, 16) for _ in range(4)]
    reference = torch.optim.Muon([theirs], lr=0.01, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        theirs.grad = gradient.clone()
        reference.step()
    trained(ours, [{"params": [ours], "rule": "muon"}], gradients)
    # the reference takes an average for the momentum, which its normalisation undoes, and bf16
    assert (ours - theirs).norm() < 0.01 * theirs.norm()


def test_each_expert_and_its_gate_and_up_are_matrices_of_their_own(text_config: TextConfig) -> None:
    experts = Experts(text_config)
    for parameter in experts.parameters():
        nn.init.normal_(parameter)
    gate_up, down = experts.gate_up_EGH, experts.down_EHI
    gradient_up, gradient_down = torch.randn_like(gate_up), torch.randn_like(down)
    alone = [
        (gate_up[2, :32], gradient_up[2, :32]),
        (gate_up[2, 32:], gradient_up[2, 32:]),
        (down[5], gradient_down[5]),
    ]
    wanted = [exact_step(weight.detach(), [gradient], 0.01) for weight, gradient in alone]
    gate_up.grad, down.grad = gradient_up, gradient_down
    MuonClip(param_groups(experts), lr=0.01, precision=torch.float32).step()
    for (found, _), expected in zip(alone, wanted, strict=True):
        assert torch.allclose(found.double(), expected, atol=1e-5)


def test_every_parameter_of_a_model_has_one_rule(config: K25Config) -> None:
    model = K25(config)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    muon, decayed, free = set[str](), set[str](), set[str]()
    for group in param_groups(model):
        kind = muon if group.get("rule") == "muon" else free if "weight_decay" in group else decayed
        kind.update(names[id(parameter)] for parameter in group["params"])
    assert len(muon) + len(decayed) + len(free) == len(names)
    assert muon | decayed | free == set(names.values())
    assert decayed == {
        "language_model.embed_tokens.weight",
        "language_model.lm_head.weight",
        "language_model.layers.1.mlp.gate.weight",
        "language_model.layers.2.mlp.gate.weight",
        "vision_tower.patch_embed.proj.weight",
        "vision_tower.patch_embed.pos_emb.weight",
    }
    assert all("norm" in name or name.endswith(".bias") for name in free)
    assert {name.rpartition("self_attn.")[2] for name in muon if "layers.2.self_attn" in name} == {
        f"{matrix}.weight"
        for matrix in ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj")
    }


def test_frozen_parameters_are_in_no_group(config: K25Config) -> None:
    model = K25(config)
    model.vision_tower.requires_grad_(False)
    grouped = {id(parameter) for group in param_groups(model) for parameter in group["params"]}
    assert grouped == {id(parameter) for parameter in model.parameters() if parameter.requires_grad}


def test_all_other_parameters_take_the_steps_of_adamw() -> None:
    ours = nn.Parameter(torch.randn(9, 4))
    theirs = nn.Parameter(ours.detach().double())
    gradients = [torch.randn(9, 4) for _ in range(5)]
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.95), weight_decay=0.1)
    for gradient in gradients:
        theirs.grad = gradient.double()
        reference.step()
    trained(ours, [{"params": [ours]}], gradients)
    assert torch.allclose(ours.double(), theirs, atol=1e-6)


def test_both_rules_move_weights_by_steps_of_the_same_size() -> None:
    wide = nn.Parameter(torch.zeros(64, 256))
    trained(wide, [{"params": [wide], "rule": "muon"}], [torch.randn(64, 256)])
    # orthogonal rows of 256 numbers: root mean square 1/16, times 0.2 * 16, times the rate
    assert float(wide.detach().square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.25)


def test_weights_without_a_gradient_are_left_alone() -> None:
    layers = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    before = copy.deepcopy(layers[1].state_dict())
    layers[0](torch.randn(2, 8)).sum().backward()
    MuonClip(param_groups(layers), lr=0.1).step()
    assert all(torch.equal(before[name], value) for name, value in layers[1].state_dict().items())


def steps(model: K25, optimiser: MuonClip, first: int, last: int) -> None:
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        tokens_BL = torch.randint(0, 3000, (2, 9), generator=generator)
        logits_BLV = model(tokens_BL[:, :-1])
        loss = nn.functional.cross_entropy(logits_BLV.flatten(0, 1), tokens_BL[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def test_a_run_goes_on_from_its_state_as_if_it_had_not_been_ended(config: K25Config) -> None:
    model = K25(config)
    model.initialise(seed=1)
    optimiser = MuonClip(param_groups(model), lr=1e-3)
    steps(model, optimiser, 0, 2)
    resumed = copy.deepcopy(model)
    again = MuonClip(param_groups(resumed), lr=0.5)
    again.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    steps(model, optimiser, 2, 4)
    steps(resumed, again, 2, 4)
    for ours, theirs in zip(model.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_loss_that_a_closure_computes_is_returned() -> None:
    layer = nn.Linear(4, 4)

    def closure() -> Tensor:
        loss = layer(torch.ones(1, 4)).square().sum()
        loss.backward()
        return loss

    optimiser = MuonClip(param_groups(layer), lr=0.01)
    first = optimiser.step(closure)
    optimiser.zero_grad()
    assert optimiser.step(closure) < first
