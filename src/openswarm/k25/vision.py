"""MoonViT-3D: patches of pictures and of chunks of video become vectors, 2 x 2 of them a token.

Owns the tower's weights (under their published names) and its positions. Knows no pixels beyond
patches, and no text. Source: the published K2.5 tower; a chunk of up to 4 frames is one sequence,
so one set of weights serves images and video.

Packing: all entries of a call are one sequence (NaViT), so that every linear layer runs once. Each
entry attends to itself alone. On a CPU a block-diagonal mask would pay for all the zeros, hence
entries are sorted by length, and each run of equal lengths is one batch of full attention: a page
that many pictures share the size of costs one call, not many.

Shape suffixes: N patches of all entries, W width, A heads, E dimensions of a head, B entries of one
length L, T frames, H and V rows and columns of patches, M tokens, K patches of a token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Self

import torch
from torch import nn
from torch.nn.functional import gelu, interpolate, linear, scaled_dot_product_attention

from openswarm.k25.config import VisionConfig
from openswarm.k25.errors import ModelFileError
from openswarm.k25.pixels import MERGE, PATCH, Patches
from openswarm.k25.rope import rotate

THETA = 10_000.0
"""Base of the frequencies, of rotations and of the time embedding alike."""
NORM_EPS = 1e-5
GRID_STD = 0.02
"""Spread of a new position grid."""

Grid = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pack:
    """What all blocks share in one call: where entries end, and how each patch is rotated."""

    runs: tuple[tuple[int, int], ...]
    """Entries and their length in patches, for each run of equal lengths."""
    turns_2NF: torch.Tensor
    """Cosine and sine, float32; F is half of a head's dimensions, one angle for each pair."""

    @classmethod
    def of(cls, grids: Sequence[Grid], head_dim: int, device: torch.device) -> Self:
        """The pack of entries that stand in the order of their lengths."""
        runs = tuple((len(list(run)), length) for length, run in groupby(grids, key=prod))
        known = {grid: angles(grid, head_dim) for grid in set(grids)}
        angles_NF = torch.cat([known[grid] for grid in grids]).to(device)
        return cls(runs, torch.stack((angles_NF.cos(), angles_NF.sin())))


class PositionGrid(nn.Module):
    """A learned vector for each place of a grid, stretched to the picture's own grid."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        shape = (config.init_pos_emb_height, config.init_pos_emb_width, config.vt_hidden_size)
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.normal_(self.weight, std=GRID_STD)
        self.frames = config.init_pos_emb_time

    def forward(self, grid: Grid) -> torch.Tensor:
        """`(T * H * V, W)`: place in the picture, plus time where there is more than one frame."""
        frames, rows, columns = grid
        place_HVW = self.weight
        if (rows, columns) != tuple(self.weight.shape[:2]):
            square = self.weight.permute(2, 0, 1)[None]
            stretched = interpolate(square, (rows, columns), mode="bicubic", align_corners=False)
            place_HVW = stretched[0].permute(1, 2, 0)
        place_NW = place_HVW.flatten(0, 1)
        if frames == 1:
            return place_NW
        time_TW = time_embedding(frames, place_NW.shape[1]).to(place_NW)
        return (place_NW[None] + time_TW[:, None]).flatten(0, 1)


class PatchEmbed(nn.Module):
    """A patch's pixels become a vector, plus its position."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        side = config.patch_size
        self.proj = nn.Conv2d(3, config.vt_hidden_size, kernel_size=side, stride=side)
        self.pos_emb = PositionGrid(config)

    def forward(self, media: Sequence[Patches]) -> torch.Tensor:
        """`(N, W)`, entry after entry."""
        # over pictures of its kernel's own size a convolution is one product, and slower than one
        weight = self.proj.weight.flatten(1)
        pixels = torch.cat([entry.pixels_NCPP for entry in media]).flatten(1).to(weight)
        positions = {grid: self.pos_emb(grid) for grid in {entry.grid for entry in media}}
        return linear(pixels, weight, self.proj.bias) + torch.cat(
            [positions[entry.grid] for entry in media]
        )


class FeedForward(nn.Module):
    """Two layers with GELU (tanh form) between them."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.fc0 = nn.Linear(config.vt_hidden_size, config.vt_intermediate_size)
        self.fc1 = nn.Linear(config.vt_intermediate_size, config.vt_hidden_size)

    def forward(self, x_NW: torch.Tensor) -> torch.Tensor:
        """Each patch by itself."""
        return self.fc1(gelu(self.fc0(x_NW), approximate="tanh"))


class Block(nn.Module):
    """One layer: attention within each entry, then feed-forward; norms come first."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.vt_hidden_size
        self.heads = config.vt_num_attention_heads
        self.norm0 = nn.LayerNorm(width, eps=NORM_EPS)
        self.wqkv = nn.Linear(width, 3 * width)
        self.wo = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = FeedForward(config)

    def forward(self, x_NW: torch.Tensor, pack: Pack) -> torch.Tensor:
        """`(N, W)` in and out."""
        x_NW = x_NW + self._attend(self.norm0(x_NW), pack)
        return x_NW + self.mlp(self.norm1(x_NW))

    def _attend(self, x_NW: torch.Tensor, pack: Pack) -> torch.Tensor:
        query, key, value = self.wqkv(x_NW).unflatten(1, (3, self.heads, -1)).unbind(1)
        query, key = rotate(query, pack.turns_2NF), rotate(key, pack.turns_2NF)
        sizes = [entries * length for entries, length in pack.runs]
        mixed = [
            _within(*(part.unflatten(0, run) for part in parts))
            for run, *parts in zip(
                pack.runs, query.split(sizes), key.split(sizes), value.split(sizes), strict=True
            )
        ]
        return self.wo(torch.cat(mixed))


class Encoder(nn.Module):
    """All blocks, and the norm after them."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.vt_num_hidden_layers))
        self.final_layernorm = nn.LayerNorm(config.vt_hidden_size, eps=NORM_EPS)

    def forward(self, x_NW: torch.Tensor, pack: Pack) -> torch.Tensor:
        """`(N, W)` in and out."""
        for block in self.blocks:
            x_NW = block(x_NW, pack)
        return self.final_layernorm(x_NW)


class MoonViT3D(nn.Module):
    """The vision tower. Raises `ModelFileError` for a configuration that patches do not fit."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        if (config.patch_size, *config.merge_kernel_size) != (PATCH, MERGE, MERGE):
            raise ModelFileError(
                f"vision_config: pictures are cut for patch_size {PATCH} and merge_kernel_size"
                f" {MERGE} x {MERGE}, not {config.patch_size} and {config.merge_kernel_size}"
            )
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.encoder = Encoder(config)

    def forward(self, media: Sequence[Patches]) -> list[torch.Tensor]:
        """Merged patches, `(M, K, W)` for each entry in the order given: K rows by row.

        Raises `ModelFileError` where a chunk has more frames than the model knows.
        """
        if not media:
            return []
        for entry in media:
            self._check(entry)
        order = sorted(range(len(media)), key=lambda index: prod(media[index].grid))
        entries = [media[index] for index in order]
        embedded_NW = self.patch_embed(entries)
        grids = [entry.grid for entry in entries]
        pack = Pack.of(grids, self.config.head_dim, embedded_NW.device)
        out_NW = self.encoder(embedded_NW, pack)
        parts = out_NW.split([prod(entry.grid) for entry in entries])
        merged = {
            index: merge(part, media[index].grid, self.config.merge_kernel_size)
            for index, part in zip(order, parts, strict=True)
        }
        return [merged[index] for index in range(len(media))]

    def _check(self, entry: Patches) -> None:
        frames = entry.grid[0]
        if frames > self.config.init_pos_emb_time:
            raise ModelFileError(
                f"a chunk of video has at most {self.config.init_pos_emb_time} frames"
                f" (init_pos_emb_time), not {frames}"
            )


def time_embedding(frames: int, width: int) -> torch.Tensor:
    """`(T, W)` float32, fixed: the sines of a frame's number times each frequency, then cosines."""
    rates = THETA ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    phases_TF = torch.outer(torch.arange(frames, dtype=torch.float32), rates)
    return torch.cat([phases_TF.sin(), phases_TF.cos()], dim=1)


def angles(grid: Grid, head_dim: int) -> torch.Tensor:
    """`(T * H * V, E / 2)` float32: each adjacent pair's angle; pairs turn by x and y in turn."""
    frames, rows, columns = grid
    rates = THETA ** (-torch.arange(0, head_dim, 4, dtype=torch.float32) / head_dim)
    x = torch.arange(columns, dtype=torch.float32).repeat(rows)
    y = torch.arange(rows, dtype=torch.float32).repeat_interleave(columns)
    pairs = torch.stack([torch.outer(x, rates), torch.outer(y, rates)], dim=2)
    return pairs.flatten(1).repeat(frames, 1)


def merge(x_NW: torch.Tensor, grid: Grid, kernel: tuple[int, int]) -> torch.Tensor:
    """`(M, K, W)`: the mean over frames, and the patches of each kernel side by side."""
    height, width = kernel
    rows, columns = grid[1] // height, grid[2] // width
    split = x_NW.view(grid[0], rows, height, columns, width, -1).mean(0)
    return split.transpose(1, 2).reshape(rows * columns, height * width, -1)


def _within(
    query_BLAE: torch.Tensor, key_BLAE: torch.Tensor, value_BLAE: torch.Tensor
) -> torch.Tensor:
    """Full attention inside each of B entries of one length, as `(B * L, A * E)`."""
    mixed_BALE = scaled_dot_product_attention(
        query_BLAE.transpose(1, 2), key_BLAE.transpose(1, 2), value_BLAE.transpose(1, 2)
    )
    return mixed_BALE.transpose(1, 2).flatten(2).flatten(0, 1)
