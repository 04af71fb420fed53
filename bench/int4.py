"""Products with packed INT4 experts: torch's kernel beside dequantising first, and the memory.

The kernel takes the way of `PackedStack` wherever it is right; the other way is what is there
without it. Every figure is the worst of several numbers of rows; the note has all.

Legend of shapes: T rows, R outputs, C inputs.
"""

from functools import partial

import torch
import torch.nn.functional as F

from bench.measure import Figure, Setting
from bench.model_sides import SEED, made, seconds, shaped, threads
from openswarm.k25.generation import CHUNK
from openswarm.k25.int4 import quantize
from openswarm.k25.packed import PackedExperts, PackedStack

SHAPES = {
    "mini, gate and up": (256, 256),
    "mini, down": (256, 128),
    "1024 × 1024": (1024, 1024),
    "published, down": (7168, 2048),
}
"""Outputs and inputs."""
ROWS = (1, 8, 64, CHUNK)
"""Up to what the engine reads at once, should all of it go to one expert."""
FASTER = 1.0
"""Times the speed of dequantising, at least."""
MEMORY = 4.5 / 16
"""Of bf16, at most: four bits a weight, and a scale of 16 for every 32."""
EXACT = 1e-2
"""The two ways may differ by so much of the largest value: both round to bf16."""


def run(setting: Setting) -> list[Figure]:
    """Each shape, its memory, and all experts of a layer."""
    torch.manual_seed(SEED)
    figures = []
    for name, shape in SHAPES.items():
        figures += matrix(name, *shape, setting)
    return [*figures, layer(setting)]


def matrix(name: str, outputs: int, inputs: int, setting: Setting) -> list[Figure]:
    """One matrix: both ways, the plain product in bf16, and the bytes."""
    weight_RC = torch.randn(outputs, inputs)
    values = [part.unsqueeze(0) for part in quantize(weight_RC)]
    kernel, plain = PackedStack(*values, kernel=True), PackedStack(*values, kernel=False)
    bf16_RC = weight_RC.bfloat16()
    ways, bare = {}, {}
    for rows in ROWS:
        x_TC = torch.randn(rows, inputs).bfloat16()
        check(kernel.product(x_TC, 0), plain.product(x_TC, 0))
        taken = seconds(
            {
                "kernel": partial(kernel.product, x_TC, 0),
                "dequantised": partial(plain.product, x_TC, 0),
                "bf16": partial(F.linear, x_TC, bf16_RC),
            },
            setting.rounds,
        )
        ways[rows] = taken["dequantised"] / taken["kernel"]
        bare[rows] = taken["bf16"] / taken["kernel"]
    note = f"rows {listed(ways)}; over plain bf16 {listed(bare)}; {threads()}"
    setting.say(f"{name}: {note}")
    share = kernel.bytes / bf16_RC.nbytes
    return [
        Figure(f"INT4, {name}: dequantising's time over the kernel's", min(ways.values()),
               FASTER, "×", at_least=True, note=note),
        Figure(f"INT4, {name}: memory over bf16", share, MEMORY, "×",
               note=f"{kernel.bytes / 1e6:.2f} MB and {bf16_RC.nbytes / 1e6:.2f} MB"),
    ]  # fmt: skip


def check(left_TR: torch.Tensor, right_TR: torch.Tensor) -> None:
    """Raises `RuntimeError` when the two ways do not give the same."""
    apart = float((left_TR - right_TR).abs().max() / right_TR.abs().max())
    if apart > EXACT:
        raise RuntimeError(f"the kernel differs from dequantising by {apart:.1e}")


def layer(setting: Setting) -> Figure:
    """All experts of a layer of `mini`, packed, beside the same in f32."""
    config = shaped().text_config
    experts = made(shaped()).experts()[0]
    packed = PackedExperts.of(experts)
    ratios = {}
    for rows in ROWS:
        x_TH = torch.randn(rows, config.hidden_size)
        chosen_TK = torch.rand(rows, config.n_routed_experts).topk(config.num_experts_per_tok)[1]
        weights_TK = torch.rand(rows, config.num_experts_per_tok)
        with torch.inference_mode():
            taken = seconds(
                {
                    "packed": partial(packed, x_TH, chosen_TK, weights_TK),
                    "f32": partial(experts, x_TH, chosen_TK, weights_TK),
                },
                setting.rounds,
            )
        ratios[rows] = taken["f32"] / taken["packed"]
    plain = sum(parameter.nbytes for parameter in experts.parameters())
    note = f"tokens {listed(ratios)}; {packed.bytes / 1e6:.1f} MB, not {plain / 1e6:.1f}"
    return Figure(
        "INT4, experts of a layer of mini: f32's time over the packed ones'",
        min(ratios.values()), None, "×", note=note,
    )  # fmt: skip


def listed(ratios: dict[int, float]) -> str:
    """For a note."""
    return ", ".join(f"{rows}: {ratio:.2f} ×" for rows, ratio in ratios.items())
