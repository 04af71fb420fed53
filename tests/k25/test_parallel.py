"""Several processes make the steps that one would make: gloo on this computer, without a port."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from processes import together
from torch import nn

from openswarm.core.errors import SettingsError
from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.config import K25Config, preset
from openswarm.k25.model import K25
from openswarm.k25.moe import Experts
from openswarm.k25.parallel import (
    ALONE,
    Mode,
    Ranks,
    clip_gradients,
    distribute,
    full_state,
    reduce_load,
    reduce_max_logits,
    start,
)
from openswarm.k25.pixels import Patches
from openswarm.k25.sharding import gathered, is_spread, local, part_of

ROWS, LENGTH, STEPS = 4, 24, 3
SEEN: tuple[tuple[int, ...], ...] = ((0, 1), (), (0, 3))
"""Which rows have a picture, step by step: none of the second process's, none at all, both."""
RATE = 1e-3


@cache
def config() -> K25Config:
    """The shape of `tiny`, smaller, with 8 experts and no width that divides by another."""
    tiny = preset("tiny")
    text = {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "intermediate_size": 48,
        "moe_intermediate_size": 32,
        "n_routed_experts": 8,
        "num_experts_per_tok": 3,
        "q_lora_rank": 23,
    }
    return tiny.model_copy(
        update={
            "text_config": tiny.text_config.model_copy(update=text),
            "vision_config": tiny.vision_config.model_copy(update={"text_hidden_size": 32}),
        }
    )


def fresh() -> K25:
    model = K25(config()).train()
    model.initialise(3)
    return model


def batch(step: int, rows: slice) -> tuple[torch.Tensor, torch.Tensor, list[Patches]]:
    """Tokens, which of them count, pictures. Rows have unequal numbers of tokens that count."""
    random = torch.Generator().manual_seed(step)
    ordinary = config().text_config.vocab_size - 256
    tokens_BL = torch.randint(0, ordinary, (ROWS, LENGTH), generator=random)
    counts_BL = torch.arange(LENGTH) < torch.tensor([[LENGTH], [5], [17], [11]])
    pixels = torch.randn(ROWS, 8, 3, 14, 14, generator=random)
    for row in SEEN[step]:
        tokens_BL[row, 3:5] = config().media_placeholder_token_id
    pictures = [Patches(pixels[row], (1, 2, 4)) for row in SEEN[step] if row in range(ROWS)[rows]]
    return tokens_BL[rows], counts_BL[rows], pictures


def mean_loss(model: K25, step: int, ranks: Ranks) -> torch.Tensor:
    tokens_BL, counts_BL, pictures = batch(step, ranks.rows(ROWS))
    logits_BLV = model(tokens_BL, pictures)[:, :-1]
    wanted_BL = counts_BL[:, 1:]
    logits_SV, tokens_S = logits_BLV[wanted_BL].float(), tokens_BL[:, 1:][wanted_BL]
    return F.cross_entropy(logits_SV, tokens_S, reduction="sum") / ranks.mean(wanted_BL.sum())


def trained(
    ranks: Ranks, *, experts: int | None = None, bf16: bool = False, checkpointing: bool = False
) -> dict[str, Any]:
    """Three steps, and everything by which they could differ."""
    model = distribute(fresh(), ranks, experts=experts, bf16=bf16)
    model.language_model.checkpointing = checkpointing
    attention = model.get_submodule("language_model.layers.0.self_attn")
    assert isinstance(attention, MultiHeadLatentAttention)
    attention.record_max_logits = True
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.1)
    found: dict[str, Any] = {"losses": [], "norms": [], "loads": [], "logits": []}
    for step in range(STEPS):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = mean_loss(model, step, ranks)
        loss.backward()
        found["norms"].append(clip_gradients(model.parameters(), ranks, 0.5))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        reduce_load(model, ranks)
        reduce_max_logits(model, ranks)
        found["logits"].append(attention.max_logits_H)
        found["loads"].append(torch.stack([each.rebalance(0.01) for each in model.routers()]))
        found["losses"].append(float(ranks.mean(loss)))
    found["kept"] = sum(local(each).numel() for each in model.parameters())
    found["experts"] = [len(local(each.down_EHI)) for each in model.experts()]
    found["state"] = full_state(model, ranks)
    return found


def all_of_it(ranks: Ranks) -> dict[str, Any]:
    """What two processes are started for."""
    return {
        "exact": trained(ranks),
        "bf16": trained(ranks, bf16=True, checkpointing=True),
        "parts": parts_make_the_whole(ranks),
        "lonely": to_one_process(ranks) if ranks.mode == "experts" else {},
    }


def two_sets(ranks: Ranks) -> dict[str, Any]:
    return {"exact": trained(ranks, experts=2), "parts": parts_make_the_whole(ranks, 2)}


def parts_make_the_whole(ranks: Ranks, experts: int | None = None) -> list[str]:
    """Parameters that are spread, taken apart and put together, are not what they were."""
    model = distribute(fresh(), ranks, experts=experts)
    wrong = []
    for (name, spread), whole in zip(model.named_parameters(), fresh().parameters(), strict=True):
        part = part_of(whole.detach(), spread)
        if not (is_spread(spread) and torch.equal(part, local(spread))):
            wrong.append(f"the part of {name}")
        if not torch.equal(gathered(part, spread), whole):
            wrong.append(f"the whole of {name}")
    return wrong


def to_one_process(ranks: Ranks) -> dict[str, torch.Tensor]:
    """All tokens of both processes go to experts of the first; the second's get none."""
    experts = (fresh() if ranks is ALONE else distribute(fresh(), ranks)).experts()[0]
    random = torch.Generator().manual_seed(5)
    rows = ranks.rows(10)
    x_TH = torch.randn(10, config().text_config.hidden_size, generator=random)[rows]
    x_TH.requires_grad_()
    chosen_TK = torch.tensor([[0, 1, 3]]).expand(10, -1)[rows]
    y_TH = experts(x_TH, chosen_TK, torch.rand(10, 3, generator=random)[rows])
    (y_TH.square().sum() / (10 // ranks.size)).backward()
    down_EHI, gradient = experts.down_EHI, experts.down_EHI.grad
    assert gradient is not None and x_TH.grad is not None
    return {
        "y_TH": y_TH.detach(),
        "x_grad": x_TH.grad / ranks.size,  # of the mean over processes
        "down_grad": gathered(local(gradient), down_EHI),
    }


@pytest.fixture(scope="module", params=["fsdp", "experts"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What two processes found, the main one's first."""
    folder = tmp_path_factory.mktemp("pair") / request.param
    return together(request.param, 2, all_of_it, folder)


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return trained(ALONE)


def assert_same(found: dict[str, Any], wanted: dict[str, Any], tolerance: float) -> None:
    for what in ("losses", "norms"):
        assert found[what] == pytest.approx(wanted[what], rel=tolerance), what
    for what in ("loads", "logits"):
        torch.testing.assert_close(found[what], wanted[what], rtol=tolerance, atol=tolerance)
    assert found["state"].keys() == wanted["state"].keys()
    for name, value in wanted["state"].items():
        torch.testing.assert_close(
            found["state"][name],
            value,
            rtol=0,
            atol=tolerance,
            msg=lambda text, name=name: f"{name}: {text}",
        )


spawns = pytest.mark.slow
patient = pytest.mark.timeout(240)


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_three_steps_of_two_processes_are_three_steps_of_one(pair: Any, alone: Any) -> None:
    assert_same(pair[0]["exact"], alone, 1e-4)


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_every_process_is_told_the_same_of_a_step(pair: Any) -> None:
    for what in ("losses", "norms"):
        assert pair[0]["exact"][what] == pair[1]["exact"][what]
    for what in ("loads", "logits"):
        assert all(map(torch.equal, pair[0]["exact"][what], pair[1]["exact"][what]))


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_each_of_two_processes_keeps_half_of_the_parameters_and_of_the_experts(pair: Any) -> None:
    whole = sum(each.numel() for each in fresh().parameters())
    for found in pair:
        assert found["exact"]["kept"] == pytest.approx(whole / 2, rel=0.02)
        assert found["exact"]["experts"] == [4, 4]


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_the_gathered_state_is_with_the_main_process_and_loads_into_one_model(pair: Any) -> None:
    fresh().load_state_dict(pair[0]["exact"]["state"], strict=True)
    assert pair[1]["exact"]["state"] == {}


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_parts_of_parameters_make_the_whole(pair: Any) -> None:
    assert [found["parts"] for found in pair] == [[], []]


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_in_bf16_with_recomputed_layers_two_processes_are_near_one(pair: Any) -> None:
    wanted, found = trained(ALONE, bf16=True, checkpointing=True), pair[0]["bf16"]
    assert found["losses"] == pytest.approx(wanted["losses"], rel=2e-3)
    for name, value in found["state"].items():
        assert value.dtype == torch.float32, name
        # AdamW moves a number by about the rate, whatever its gradient: a tiny one may change sign
        assert (value - wanted["state"][name]).abs().max() <= 2.2 * STEPS * RATE or (
            name.endswith("e_score_correction_bias")
        ), name


@spawns
@patient
@pytest.mark.requirement("model.parallel")
@pytest.mark.parametrize("pair", ["experts"], indirect=True)
def test_a_process_whose_experts_nobody_chose_takes_part(pair: Any) -> None:
    lonely, wanted = [found["lonely"] for found in pair], to_one_process(ALONE)
    for what in ("y_TH", "x_grad"):
        torch.testing.assert_close(torch.cat([each[what] for each in lonely]), wanted[what])
    torch.testing.assert_close(lonely[0]["down_grad"], wanted["down_grad"])


@spawns
@patient
@pytest.mark.requirement("model.parallel")
def test_four_processes_hold_two_sets_of_experts_and_step_as_one(
    tmp_path: Path, alone: Any
) -> None:
    found = together("experts", 4, two_sets, tmp_path / "four")
    assert_same(found[0]["exact"], alone, 1e-4)
    assert [each["exact"]["experts"] for each in found] == [[2, 2]] * 4
    assert [each["parts"] for each in found] == [[]] * 4


@pytest.mark.requirement("model.parallel")
@pytest.mark.parametrize(
    ("mode", "environment", "told"),
    [
        ("none", {"RANK": "0", "WORLD_SIZE": "2"}, "2 processes were started"),
        ("fsdp", {}, "torchrun"),
        ("experts", {"WORLD_SIZE": "2"}, "torchrun"),
        ("fsdp", {"RANK": "first", "WORLD_SIZE": "2"}, "numbers"),
    ],
)
def test_a_mode_that_does_not_fit_the_launch_is_refused(
    mode: Mode, environment: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        start(mode, environment)


@pytest.mark.requirement("model.parallel")
def test_rows_are_dealt_out_in_order_and_evenly_or_not_at_all() -> None:
    rows = [row for rank in range(3) for row in range(6)[Ranks("fsdp", rank, 3).rows(6)]]
    assert rows == list(range(6))
    with pytest.raises(SettingsError, match="batch of 7 rows"):
        Ranks("fsdp", 0, 3).rows(7)


@pytest.mark.requirement("model.parallel")
def test_alone_nothing_is_spread_and_gradients_are_cut_as_ever() -> None:
    assert start("none", {}) == ALONE
    model = fresh()
    assert distribute(model, ALONE) is model
    assert all(type(each) is Experts for each in model.experts())
    parameters = [nn.Parameter(torch.zeros(3)) for _ in range(2)]
    for parameter in parameters:
        parameter.grad = torch.full((3,), 2.0)
    assert clip_gradients(parameters, ALONE, 1.0) == pytest.approx(24**0.5)
    cut = torch.cat([each.grad for each in parameters if each.grad is not None])
    assert float(cut.norm()) == pytest.approx(1.0, rel=1e-5)
    assert clip_gradients(parameters, ALONE, 5.0) == pytest.approx(1.0, rel=1e-5)
    assert float(cut.norm()) == pytest.approx(1.0, rel=1e-5)
