"""The vision tower and the projector, block by block against plain loops in float64."""

import math

import numpy as np
import pytest
import torch

from openswarm.k25.config import VisionConfig, preset
from openswarm.k25.errors import ModelFileError
from openswarm.k25.layout import PROJECTOR, VISION, tensors
from openswarm.k25.pixels import Patches
from openswarm.k25.projector import Projector
from openswarm.k25.rope import rotate
from openswarm.k25.vision import (
    Block,
    FeedForward,
    MoonViT3D,
    Pack,
    PatchEmbed,
    PositionGrid,
    angles,
    merge,
    time_embedding,
)

CONFIG = VisionConfig(
    init_pos_emb_height=4,
    init_pos_emb_width=6,
    vt_num_attention_heads=2,
    vt_num_hidden_layers=2,
    vt_hidden_size=16,
    vt_intermediate_size=24,
    mm_hidden_size=16,
    text_hidden_size=10,
)
Array = np.ndarray


def patches(*grid: int, seed: int = 0) -> Patches:
    """Random pixels for a grid of frames, rows and columns."""
    frames, rows, columns = grid
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand((frames * rows * columns, 3, 14, 14), generator=generator) * 2 - 1
    return Patches(pixels, (frames, rows, columns))


def weights(module: torch.nn.Module) -> dict[str, Array]:
    """All weights, in float64."""
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def seeded(kind: type[torch.nn.Module], seed: int = 1) -> torch.nn.Module:
    """A module with weights that leave no term without effect."""
    torch.manual_seed(seed)
    module = kind(CONFIG)
    for value in module.parameters():
        torch.nn.init.normal_(value, std=0.3)
    return module.eval()


def layer_norm(row: Array, scale: Array, shift: Array, eps: float = 1e-5) -> Array:
    """One vector, normed."""
    mean = sum(row) / len(row)
    variance = sum((value - mean) ** 2 for value in row) / len(row)
    return np.array([(value - mean) / math.sqrt(variance + eps) for value in row]) * scale + shift


def cubic(distance: float) -> float:
    """The cubic convolution kernel with a = -0.75."""
    a, d = -0.75, abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def stretched(grid: Array, rows: int, columns: int) -> Array:
    """A grid of vectors, resampled: half-pixel centres, edges repeated."""
    height, width, channels = grid.shape
    out = np.zeros((rows, columns, channels))
    for row in range(rows):
        y = (row + 0.5) * height / rows - 0.5
        for column in range(columns):
            x = (column + 0.5) * width / columns - 0.5
            for j in range(math.floor(y) - 1, math.floor(y) + 3):
                for i in range(math.floor(x) - 1, math.floor(x) + 3):
                    source = grid[min(max(j, 0), height - 1), min(max(i, 0), width - 1)]
                    out[row, column] += cubic(y - j) * cubic(x - i) * source
    return out


def turned(head: Array, x: int, y: int) -> Array:
    """A head's vector, its pairs rotated by x and by y in turn."""
    out = np.zeros_like(head)
    for pair in range(len(head) // 2):
        angle = (y if pair % 2 else x) * 10_000 ** (-4 * (pair // 2) / len(head))
        even, odd = head[2 * pair], head[2 * pair + 1]
        out[2 * pair] = even * math.cos(angle) - odd * math.sin(angle)
        out[2 * pair + 1] = even * math.sin(angle) + odd * math.cos(angle)
    return out


def attended(x: Array, grid: tuple[int, int, int], w: dict[str, Array], heads: int) -> Array:
    """Attention of all patches of one entry to each other."""
    _, rows, columns = grid
    size = x.shape[1] // heads
    out = np.zeros_like(x)
    qkv = np.array([w["wqkv.weight"] @ row + w["wqkv.bias"] for row in x])
    places = [
        (n % (rows * columns) % columns, n % (rows * columns) // columns) for n in range(len(x))
    ]
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        queries, keys, values = (qkv[:, k * x.shape[1] :][:, part] for k in range(3))
        queries = [turned(q, *place) for q, place in zip(queries, places, strict=True)]
        keys = [turned(k, *place) for k, place in zip(keys, places, strict=True)]
        for n, query in enumerate(queries):
            scores = [math.exp(query @ key / math.sqrt(size)) for key in keys]
            out[n, part] = sum(s * v for s, v in zip(scores, values, strict=True)) / sum(scores)
    return np.array([w["wo.weight"] @ row + w["wo.bias"] for row in out])


def gelu_tanh(x: Array) -> Array:
    """GELU by its tanh form."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def fed(x: Array, w: dict[str, Array], prefix: str = "") -> Array:
    """The feed-forward layers, patch by patch."""
    names = [f"{prefix}{name}" for name in ("fc0.weight", "fc0.bias", "fc1.weight", "fc1.bias")]
    up, up_bias, down, down_bias = (w[name] for name in names)
    return np.array([down @ gelu_tanh(up @ row + up_bias) + down_bias for row in x])


@pytest.mark.requirement("model.vision")
@pytest.mark.parametrize("grid", [(1, 4, 6), (1, 2, 2), (1, 8, 4), (1, 10, 14), (3, 2, 4)])
def test_positions_are_the_learned_grid_stretched_and_the_time(grid: tuple[int, int, int]) -> None:
    """Bicubic by place; each frame of several adds its own sines and cosines."""
    module = seeded(PositionGrid)
    frames, rows, columns = grid
    place = stretched(weights(module)["weight"], rows, columns).reshape(rows * columns, -1)
    expected = np.tile(place, (frames, 1))
    if frames > 1:
        for n in range(len(expected)):
            frame = n // (rows * columns)
            for k in range(8):
                rate = 10_000 ** (-2 * k / 16)
                expected[n, k] += math.sin(frame * rate)
                expected[n, 8 + k] += math.cos(frame * rate)
    np.testing.assert_allclose(module(grid).detach().numpy(), expected, atol=2e-6)


@pytest.mark.requirement("model.vision")
def test_the_first_frame_of_several_is_told_from_an_image() -> None:
    """The time embedding of frame 0 is zero sines and cosines of one."""
    assert time_embedding(2, 6)[0].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.requirement("model.vision")
def test_a_patch_becomes_a_weighted_sum_of_its_pixels() -> None:
    """The convolution of the published weights, as one product a patch."""
    module = seeded(PatchEmbed)
    entry = patches(1, 2, 2)
    w = weights(module)
    place = stretched(w["pos_emb.weight"], 2, 2).reshape(4, -1)
    expected = np.zeros((4, 16))
    for n, pixels in enumerate(entry.pixels_NCPP.double().numpy()):
        for channel in range(16):
            product = (w["proj.weight"][channel] * pixels).sum()
            expected[n, channel] = product + w["proj.bias"][channel] + place[n, channel]
    np.testing.assert_allclose(module([entry]).detach().numpy(), expected, atol=2e-5)


@pytest.mark.requirement("model.vision")
def test_adjacent_pairs_turn_by_x_and_by_y() -> None:
    """Pair 2i by the column, pair 2i + 1 by the row, the same in every frame."""
    torch.manual_seed(2)
    heads = torch.randn(2 * 2 * 3, 2, 8, dtype=torch.float64)
    turns = angles((2, 2, 3), 8)
    found = rotate(heads, torch.stack((turns.cos(), turns.sin()))).numpy()
    for n in range(12):
        for head in range(2):
            expected = turned(heads[n, head].numpy(), n % 3, n % 6 // 3)
            np.testing.assert_allclose(found[n, head], expected, atol=1e-6)


@pytest.mark.requirement("model.vision")
def test_the_feed_forward_layers_use_the_tanh_form_of_gelu() -> None:
    """Against the formula."""
    module = seeded(FeedForward)
    x = torch.randn(5, 16)
    expected = fed(x.double().numpy(), weights(module))
    np.testing.assert_allclose(module(x).detach().numpy(), expected, atol=2e-6)


@pytest.mark.requirement("model.vision")
def test_a_block_is_attention_and_feed_forward_after_norms() -> None:
    """A chunk of two frames attends jointly over space and time; a second entry stays apart."""
    module = seeded(Block)
    grids = [(1, 2, 2), (2, 2, 2)]
    torch.manual_seed(3)
    x = torch.randn(12, 16)
    w = weights(module)
    expected: list[Array] = []
    rows = x.double().numpy()
    for part, grid in ((rows[:4], grids[0]), (rows[4:], grids[1])):
        normed = np.array([layer_norm(r, w["norm0.weight"], w["norm0.bias"]) for r in part])
        middle = part + attended(normed, grid, w, heads=2)
        normed = np.array([layer_norm(r, w["norm1.weight"], w["norm1.bias"]) for r in middle])
        expected.extend(middle + fed(normed, w, "mlp."))
    found = module(x, Pack.of(grids, 8, x.device)).detach().numpy()
    np.testing.assert_allclose(found, np.array(expected), atol=2e-5)


@pytest.mark.requirement("model.vision")
def test_merging_takes_the_mean_over_frames_and_four_neighbours() -> None:
    """Rows by row inside a square of 2 x 2, squares rows by row."""
    x = torch.arange(2 * 4 * 6, dtype=torch.float32)[:, None].repeat(1, 3)
    found = merge(x, (2, 4, 6), (2, 2))
    assert found.shape == (6, 4, 3)
    for token in range(6):
        for place in range(4):
            row, column = token // 3 * 2 + place // 2, token % 3 * 2 + place % 2
            assert found[token, place, 0] == row * 6 + column + 12


@pytest.mark.requirement("model.projector")
def test_the_projector_norms_each_patch_then_maps_four_of_them() -> None:
    """LayerNorm, 4 x width in one row, linear, exact GELU, linear."""
    module = seeded(Projector)
    w = weights(module)
    torch.manual_seed(4)
    entries = [torch.randn(1, 4, 16), torch.randn(3, 4, 16)]
    for entry, found in zip(entries, module(entries), strict=True):
        assert found.shape == (len(entry), 10)
        for token, vector in zip(entry.double().numpy(), found.detach().numpy(), strict=True):
            normed = [layer_norm(row, w["pre_norm.weight"], w["pre_norm.bias"]) for row in token]
            inner = w["proj.0.weight"] @ np.concatenate(normed) + w["proj.0.bias"]
            exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in inner])
            expected = w["proj.2.weight"] @ exact + w["proj.2.bias"]
            np.testing.assert_allclose(vector, expected, atol=3e-5)


@pytest.mark.requirement("model.vision-packing")
def test_packed_entries_are_what_they_are_alone() -> None:
    """Different sizes, equal ones apart in the order, equal lengths of different shape, chunks."""
    tower = seeded(MoonViT3D)
    grids = [(1, 4, 4), (1, 2, 2), (3, 2, 4), (1, 4, 4), (1, 2, 8), (4, 2, 2), (1, 2, 2)]
    media = [patches(*grid, seed=n) for n, grid in enumerate(grids)]
    packed = tower(media)
    assert [tuple(entry.shape) for entry in packed] == [(m.tokens, 4, 16) for m in media]
    for entry, found in zip(media, packed, strict=True):
        torch.testing.assert_close(found, tower([entry])[0], atol=1e-5, rtol=1e-5)


@pytest.mark.requirement("model.vision-packing")
def test_a_change_in_one_entry_changes_no_other() -> None:
    """Nothing is mixed between neighbours of one length."""
    tower = seeded(MoonViT3D)
    before = tower([patches(1, 2, 2, seed=1), patches(1, 2, 2, seed=2), patches(1, 2, 2, seed=3)])
    after = tower([patches(1, 2, 2, seed=1), patches(1, 2, 2, seed=9), patches(1, 2, 2, seed=3)])
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [True, False, True]


@pytest.mark.requirement("model.vision")
def test_the_order_of_frames_matters() -> None:
    """A chunk played backwards is another chunk."""
    tower = seeded(MoonViT3D)
    chunk = patches(2, 2, 2)
    backwards = Patches(chunk.pixels_NCPP.view(2, 4, 3, 14, 14).flip(0).flatten(0, 1), chunk.grid)
    assert not torch.allclose(tower([chunk])[0], tower([backwards])[0], atol=1e-3)


@pytest.mark.requirement("model.vision")
def test_weights_have_their_published_names_and_shapes() -> None:
    """All of them and no others, as the layout of the checkpoint says."""
    config = preset("tiny")
    found = {
        f"{prefix}{name}": tuple(value.shape)
        for prefix, module in (
            (VISION, MoonViT3D(config.vision_config)),
            (PROJECTOR, Projector(config.vision_config)),
        )
        for name, value in module.state_dict().items()
    }
    assert found == {t.name: t.shape for t in tensors(config) if t.part == "vision"}


@pytest.mark.requirement("model.vision")
def test_every_weight_learns() -> None:
    """A loss over an image and a chunk reaches each parameter."""
    tower, projector = seeded(MoonViT3D), seeded(Projector)
    out = projector(tower([patches(1, 2, 4), patches(2, 2, 2)]))
    torch.cat(out).square().sum().backward()
    modules = (tower, projector)
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for m in modules for p in m.parameters()
    )


@pytest.mark.requirement("model.vision")
def test_the_tower_runs_in_bfloat16() -> None:
    """Pixels take the weights' type; the result is near that of float32."""
    tower = MoonViT3D(preset("tiny").vision_config)
    media = [patches(1, 4, 6), patches(3, 2, 2)]
    exact = tower(media)
    for coarse, fine in zip(tower.bfloat16()(media), exact, strict=True):
        assert coarse.dtype == torch.bfloat16
        torch.testing.assert_close(coarse.float(), fine, atol=0.1, rtol=0.1)


@pytest.mark.requirement("model.vision")
def test_no_media_are_no_vectors() -> None:
    """A text without pictures runs nothing."""
    assert seeded(MoonViT3D)([]) == []
    assert seeded(Projector)([]) == []


@pytest.mark.requirement("model.vision-bad-input")
def test_a_chunk_of_too_many_frames_is_refused() -> None:
    """The error names the field."""
    with pytest.raises(ModelFileError, match=r"at most 4 frames \(init_pos_emb_time\), not 5"):
        seeded(MoonViT3D)([patches(5, 2, 2)])


@pytest.mark.requirement("model.vision-bad-input")
@pytest.mark.parametrize("field", [{"patch_size": 16}, {"merge_kernel_size": (1, 2)}])
def test_a_configuration_that_patches_do_not_fit_is_refused(field: dict[str, object]) -> None:
    """Before a weight is made."""
    with pytest.raises(ModelFileError, match=r"patch_size 14 and merge_kernel_size 2 x 2, not"):
        MoonViT3D(CONFIG.model_copy(update=field))
