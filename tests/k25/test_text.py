"""The text backbone against plain loops in float64, against transformers, and against itself."""

import pytest
import reference
import torch
from bench.model_sides import twin

from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.cache import LatentCache
from openswarm.k25.config import TextConfig, preset
from openswarm.k25.errors import ModelFileError
from openswarm.k25.moe import Experts, MixtureOfExperts, Router
from openswarm.k25.norm import RMSNorm
from openswarm.k25.rope import angles, inverse_frequencies, rotate, softmax_scale
from openswarm.k25.text import TextModel


def shaken(module: torch.nn.Module, spread: float = 0.2) -> torch.nn.Module:
    """A module with random weights, biases of routers too."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dim() > 1:
            torch.nn.init.normal_(tensor.data, 0, spread)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if name.endswith("norm.weight"):
            torch.nn.init.uniform_(tensor.data, 0.5, 1.5)
        elif name.endswith("e_score_correction_bias"):
            torch.nn.init.normal_(tensor, 0, 0.3)
    return module


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its weights in float64."""
    return {name: value.detach().double() for name, value in module.state_dict().items()}


def turning(config: TextConfig, batch: int, length: int) -> torch.Tensor:
    positions = torch.arange(length).expand(batch, -1)
    return angles(positions, inverse_frequencies(config), 1.0)


@pytest.mark.requirement("model.numerics")
def test_the_norm_is_the_formula(text_config: TextConfig) -> None:
    norm = shaken(RMSNorm(24, 1e-5))
    x = torch.randn(3, 24)
    wanted = [reference.rms_norm(row.double(), weights(norm)["weight"], 1e-5) for row in x]
    torch.testing.assert_close(norm(x).double(), torch.stack(wanted), rtol=1e-5, atol=1e-6)


@pytest.mark.requirement("model.numerics", "model.yarn")
@pytest.mark.parametrize("name", ["tiny", "published"])
def test_frequencies_are_yarns(name: str) -> None:
    config = preset(name).text_config
    wanted = [reference.frequency(pair, config) for pair in range(config.qk_rope_head_dim // 2)]
    torch.testing.assert_close(
        inverse_frequencies(config).double(), torch.tensor(wanted).double(), rtol=1e-6, atol=0
    )


@pytest.mark.requirement("model.yarn")
def test_the_published_softmax_scale_is_that_of_a_64_fold_stretch() -> None:
    assert softmax_scale(preset("published").text_config) == pytest.approx(0.14468, abs=1e-5)


@pytest.mark.requirement("model.numerics")
def test_a_rotation_depends_on_the_distance_alone(text_config: TextConfig) -> None:
    query, key = torch.randn(2, 1, 1, 1, 8)
    inverse = inverse_frequencies(text_config)

    def product(at: int, past: int) -> float:
        turned = [
            rotate(x, angles(torch.tensor([[position]]), inverse, 1.0))
            for x, position in ((query, at), (key, past))
        ]
        return float((turned[0] * turned[1]).sum())

    assert product(7, 3) == pytest.approx(product(104, 100), abs=1e-5)
    wanted = reference.rotated(query.flatten().double(), 7, text_config)
    found = rotate(query, angles(torch.tensor([[7]]), inverse, 1.0)).flatten()
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.requirement("model.numerics", "model.attention")
def test_attention_is_the_formula(text_config: TextConfig) -> None:
    attention = shaken(MultiHeadLatentAttention(text_config, 0))
    x = torch.randn(2, 7, text_config.hidden_size)
    w = {name.removesuffix(".weight"): value for name, value in weights(attention).items()}
    wanted = torch.stack([reference.attention(row.double(), w, text_config) for row in x])
    found = attention(x, turning(text_config, 2, 7))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.requirement("model.attention")
def test_absorbed_equals_naive(text_config: TextConfig) -> None:
    attention = shaken(MultiHeadLatentAttention(text_config, 0), 0.1)
    x, turns = torch.randn(2, 33, text_config.hidden_size), turning(text_config, 2, 33)
    naive, absorbed = attention(x, turns), attention(x, turns, absorbed=True)
    assert (naive - absorbed).abs().max().item() < 1e-5


@pytest.mark.requirement("model.router")
def test_the_bias_moves_the_choice_and_never_the_weights(text_config: TextConfig) -> None:
    router = shaken(Router(text_config))
    x = torch.randn(50, text_config.hidden_size)
    router.e_score_correction_bias[:] = 0
    router.e_score_correction_bias[3] = 10
    chosen, mixed = router(x)
    assert (chosen == 3).any(dim=1).all()
    scores = torch.sigmoid(x @ router.weight.T).gather(1, chosen)
    wanted = scores / scores.sum(1, keepdim=True) * text_config.routed_scaling_factor
    torch.testing.assert_close(mixed, wanted)


@pytest.mark.requirement("model.numerics", "model.experts")
def test_the_mixture_is_the_formula(text_config: TextConfig) -> None:
    mixture = shaken(MixtureOfExperts(text_config)).eval()
    x = torch.randn(9, text_config.hidden_size)
    wanted = reference.mixture(x.double(), weights(mixture), text_config)
    torch.testing.assert_close(mixture(x).double(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.requirement("model.experts")
@pytest.mark.parametrize("skewed", [False, True])
def test_experts_equal_a_loop_over_them_however_uneven_the_load(
    text_config: TextConfig, skewed: bool
) -> None:
    experts = shaken(Experts(text_config))
    x = torch.randn(30, text_config.hidden_size)
    chosen = torch.stack([torch.randperm(2 if skewed else 8)[:2] for _ in x])
    mixed = torch.rand(30, 2)
    wanted = torch.zeros_like(x)
    for expert, (both, down) in enumerate(zip(*experts.parameters(), strict=True)):
        for token, slot in (chosen == expert).nonzero().tolist():
            gate, up = (both @ x[token]).chunk(2)
            y = down @ (torch.nn.functional.silu(gate) * up)
            wanted[token] += mixed[token, slot] * y
    torch.testing.assert_close(experts(x, chosen, mixed), wanted)


@pytest.mark.requirement("model.experts")
def test_experts_without_a_token_give_nothing_and_have_gradients_of_zero(
    text_config: TextConfig,
) -> None:
    """As in a process whose experts nobody chose."""
    experts = shaken(Experts(text_config))
    chosen, mixed = torch.zeros(0, 3, dtype=torch.long), torch.zeros(0, 3)
    y = experts(torch.zeros(0, text_config.hidden_size), chosen, mixed)
    assert y.shape == (0, text_config.hidden_size)
    for gradient in torch.autograd.grad(y.sum(), tuple(experts.parameters())):
        assert not gradient.any()


@pytest.mark.requirement("model.experts")
def test_experts_in_bf16_have_nearly_the_gradients_of_float32(text_config: TextConfig) -> None:
    experts, router = shaken(Experts(text_config)), shaken(Router(text_config))
    x = torch.randn(40, text_config.hidden_size, requires_grad=True)
    chosen, mixed = (found.detach() for found in router(x))
    learned = (*experts.parameters(), x)
    wide = torch.autograd.grad(experts(x, chosen, mixed).square().sum(), learned)
    with torch.autocast("cpu", torch.bfloat16):
        y = experts(x, chosen, mixed)
    narrow = torch.autograd.grad(y.float().square().sum(), learned)
    for exact, rounded in zip(wide, narrow, strict=True):
        assert ((exact - rounded).norm() / exact.norm()).item() < 0.02


@pytest.mark.requirement("model.router")
def test_balancing_evens_the_load(text_config: TextConfig) -> None:
    router = shaken(Router(text_config)).train()
    router.e_score_correction_bias.zero_()
    x = torch.randn(400, text_config.hidden_size) + 0.5
    router(x)
    before = router.rebalance(0.0)
    for _ in range(300):
        router(x)
        after = router.rebalance(3e-3)
    assert before.max() / before.mean() > 1.5
    assert after.max() / after.mean() < 1.15


@pytest.mark.requirement("model.cache")
def test_incremental_equals_full_for_rows_of_different_length(text_config: TextConfig) -> None:
    model = shaken(TextModel(text_config), 0.1).eval()
    tokens = torch.randint(0, 4096, (2, 24))
    cache = LatentCache(text_config, slots=5, tokens=40)
    slots = torch.tensor([4, 1])
    with torch.no_grad():
        full = model(model.embed_tokens(tokens))
        starts, found = torch.tensor([[0], [0]]), [[], []]
        while int(starts.min()) < 24:
            steps = torch.tensor([[5], [3]])
            positions = (starts + torch.arange(5)).clamp(max=39)
            rows = torch.stack(
                [
                    tokens[row][place.clamp(max=23)]
                    for row, place in zip(range(2), positions, strict=True)
                ]
            )
            out = model(model.embed_tokens(rows), positions, cache, slots)
            for row in range(2):
                found[row].append(out[row, : int(steps[row])])
            starts = starts + steps
    for row in range(2):
        torch.testing.assert_close(torch.cat(found[row])[:24], full[row], rtol=1e-4, atol=1e-4)


@pytest.mark.requirement("model.cache")
def test_a_token_takes_576_numbers_a_layer_in_the_published_cache() -> None:
    published = preset("published").text_config
    assert published.latent_dim == 576
    small = preset("tiny").text_config
    cache = LatentCache(small, slots=2, tokens=10)
    assert cache.bytes == small.num_hidden_layers * 2 * 10 * (32 + 16) * 4


@pytest.mark.requirement("model.bad-input")
def test_a_sequence_beyond_the_positions_is_refused_by_name(text_config: TextConfig) -> None:
    short = text_config.model_copy(update={"max_position_embeddings": 8})
    model = shaken(TextModel(short)).eval()
    with pytest.raises(ModelFileError, match=r"9 tokens.*max_position_embeddings \(8\)"):
        model(torch.zeros(1, 9, short.hidden_size))
    with pytest.raises(ModelFileError, match="max_position_embeddings"):
        LatentCache(short, slots=1, tokens=9)


@pytest.mark.requirement("model.numerics")
@pytest.mark.filterwarnings("ignore")
def test_logits_equal_those_of_transformers_deepseek_v3() -> None:
    ours = shaken(TextModel(preset("tiny").text_config), 0.1).eval()
    theirs = twin(ours)
    tokens = torch.randint(0, ours.config.vocab_size, (2, 600))
    with torch.no_grad():
        wanted = theirs(tokens).logits
        found = ours.lm_head(ours(ours.embed_tokens(tokens)))
    assert float((wanted - found).abs().max() / wanted.abs().max()) < 1e-5
