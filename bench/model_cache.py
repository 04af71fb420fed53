"""What a token takes in the latent cache beside keys and values of every head.

Calculated for the published sizes, and weighed in tensors for `mini`: the engine's cache, and the
keys and values that transformers' attention is handed for the same tokens.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from bench.measure import Figure, Setting
from bench.model_sides import made, shaped, some_tokens, twin
from openswarm.k25.cache import LatentCache
from openswarm.k25.config import PRESETS, preset
from openswarm.k25.sizes import sizes

TOKENS = 256
LEAST = {"tiny": 5.0, "mini": 6.0, "published": 35.0}
"""How many times smaller the latent cache is."""


def run(_: Setting) -> list[Figure]:
    """Three sizes, and one of them weighed."""
    return [*(calculated(name) for name in PRESETS), weighed()]


def calculated(name: str) -> Figure:
    """Bytes a token in bf16, over all layers."""
    size = sizes(preset(name))
    note = f"{size.cache_bytes:,} bytes a token in bf16, not {size.plain_cache_bytes:,}"
    ratio = size.plain_cache_bytes / size.cache_bytes
    return Figure(
        f"{name}: keys and values of all heads over the latent cache", ratio, LEAST[name], "×",
        at_least=True, note=note,
    )  # fmt: skip


def weighed() -> Figure:
    """How far tensors that were there are from what is calculated for them."""
    model = made(shaped())
    cache = LatentCache(model.config.text_config, 1, TOKENS, torch.bfloat16)
    theirs = twin(model.language_model).to(torch.bfloat16)
    with torch.inference_mode(), Weighing() as plain:
        theirs(some_tokens(model.config.text_config, 1, TOKENS), use_cache=False)
    size = sizes(model.config)
    off = abs(cache.bytes / TOKENS - size.cache_bytes)
    off += abs(plain.bytes / TOKENS - size.plain_cache_bytes)
    note = f"{cache.bytes:,} and {plain.bytes:,} bytes for {TOKENS} tokens"
    return Figure("mini, weighed: bytes a token off what is calculated", off, 0, note=note)


class Weighing(TorchFunctionMode):
    """Adds up the keys and values that attention is handed."""

    bytes = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            self.bytes += args[1].nbytes + args[2].nbytes
        return func(*args, **(kwargs or {}))
