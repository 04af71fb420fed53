"""The whole tower and projector against another implementation, on the same random weights."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers.models.kimi_k25 import modeling_kimi_k25 as reference
from transformers.models.kimi_k25.configuration_kimi_k25 import Kimi_K25VisionConfig

from openswarm.k25.config import VisionConfig, preset
from openswarm.k25.pixels import Patches
from openswarm.k25.projector import Projector
from openswarm.k25.vision import MoonViT3D

RENAMED = {
    "patch_embed.pos_emb.weight": "patch_embed.pos_emb.position_embeddings",
    ".norm1.": ".norm2.",
    ".norm0.": ".norm1.",
    ".fc1.": ".fc2.",
    ".fc0.": ".fc1.",
    ".wo.": ".attn.proj.",
    "encoder.blocks.": "layers.",
    "encoder.": "",
}
"""Published names and theirs, in the order of replacing."""


def their_tower(tower: MoonViT3D, config: VisionConfig) -> Any:
    """Their model with the weights of ours."""
    theirs = reference.Kimi_K25VisionModel(
        Kimi_K25VisionConfig(
            pos_emb_height=config.init_pos_emb_height,
            pos_emb_width=config.init_pos_emb_width,
            pos_emb_time=config.init_pos_emb_time,
            num_attention_heads=config.vt_num_attention_heads,
            num_hidden_layers=config.vt_num_hidden_layers,
            hidden_size=config.vt_hidden_size,
            intermediate_size=config.vt_intermediate_size,
            rope_parameters={"rope_type": "axial", "rope_theta": 10_000.0},
        )
    )
    translated: dict[str, torch.Tensor] = {}
    for name, value in tower.state_dict().items():
        if "wqkv" in name:
            for part, rows in zip("qkv", value.chunk(3), strict=True):
                if part != "v":
                    rows = halves(rows, config.vt_num_attention_heads)
                translated[their_name(name.replace("wqkv", f"attn.{part}_proj"))] = rows
        else:
            translated[their_name(name)] = value
    theirs.load_state_dict(translated)
    return theirs.eval()


def their_name(name: str) -> str:
    """A weight's name over there."""
    for ours, theirs in RENAMED.items():
        name = name.replace(ours, theirs)
    return name


def halves(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Adjacent pairs of each head, as they rotate a first and a second half."""
    return rows.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def their_projector(projector: Projector, config: VisionConfig) -> Any:
    """Their projector with the weights of ours."""
    theirs = reference.Kimi_K25MultimodalProjection(
        SimpleNamespace(
            vision_config=SimpleNamespace(
                hidden_size=config.vt_hidden_size, merge_kernel_size=config.merge_kernel_size
            ),
            projection_hidden_size=config.mm_hidden_size,
            projection_layer_norm_eps=config.projector_ln_eps,
            text_config=SimpleNamespace(hidden_size=config.text_hidden_size),
        )
    )
    names = {"proj.0": "in_proj", "proj.2": "out_proj"}
    translated = {
        next((name.replace(k, v) for k, v in names.items() if name.startswith(k)), name): value
        for name, value in projector.state_dict().items()
    }
    theirs.load_state_dict(translated)
    return theirs.eval()


@pytest.mark.requirement("model.vision", "model.projector")
@torch.no_grad()
def test_tower_and_projector_equal_the_other_implementation() -> None:
    """Images of several sizes and a chunk of three frames, to 1e-4."""
    torch.manual_seed(0)
    config = preset("tiny").vision_config
    tower, projector = MoonViT3D(config), Projector(config)
    for module in (tower, projector):
        for value in module.parameters():
            torch.nn.init.normal_(value, std=0.1)
    grids = [(1, 4, 6), (1, 2, 2), (3, 6, 4), (1, 16, 16), (1, 20, 18), (4, 4, 6)]
    media = [Patches(torch.rand(t * h * w, 3, 14, 14) * 2 - 1, (t, h, w)) for t, h, w in grids]
    ours = projector(tower(media))
    pixels = torch.cat([entry.pixels_NCPP for entry in media])
    pooled = their_tower(tower, config)(pixels, grid_thw=torch.tensor(grids)).pooler_output
    expected = their_projector(projector, config)(pooled).squeeze(1)
    assert [len(entry) for entry in ours] == [entry.tokens for entry in media]
    torch.testing.assert_close(torch.cat(ours), expected, atol=1e-4, rtol=1e-4)
