"""The text backbone once more, in plain loops over tokens, heads and experts, in float64.

Written from the papers' formulas, one vector at a time; shares no code with `openswarm.k25`.
"""

import math
from typing import Any

import torch

Weights = dict[str, torch.Tensor]


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    mean = sum(float(value) ** 2 for value in x) / len(x)
    return torch.stack([value / math.sqrt(mean + eps) for value in x]) * weight


def frequency(pair: int, config: Any) -> float:
    """Radians a position of one pair of dimensions, by the rules of YaRN."""
    width, theta, scaling = config.qk_rope_head_dim, config.rope_theta, config.rope_scaling
    plain = theta ** (-2 * pair / width)
    if scaling is None:
        return plain

    def pair_of(turns: float) -> float:
        length = scaling.original_max_position_embeddings / (2 * math.pi * turns)
        return width * math.log(length) / (2 * math.log(theta))

    low = max(math.floor(pair_of(scaling.beta_fast)), 0)
    high = min(math.ceil(pair_of(scaling.beta_slow)), width - 1)
    share = min(max((pair - low) / max(high - low, 1e-3), 0.0), 1.0)
    return plain * (1 - share) + plain / scaling.factor * share


def rotated(x: torch.Tensor, position: int, config: Any) -> torch.Tensor:
    out = x.clone()
    for pair in range(len(x) // 2):
        angle = position * frequency(pair, config)
        a, b = x[2 * pair], x[2 * pair + 1]
        out[2 * pair] = a * math.cos(angle) - b * math.sin(angle)
        out[2 * pair + 1] = a * math.sin(angle) + b * math.cos(angle)
    return out


def scale(config: Any) -> float:
    plain = 1 / math.sqrt(config.qk_nope_head_dim + config.qk_rope_head_dim)
    if config.rope_scaling is None:
        return plain
    return plain * (0.1 * math.log(config.rope_scaling.factor) + 1) ** 2


def attention(x: torch.Tensor, w: Weights, config: Any) -> torch.Tensor:
    """`(L, D)` to `(L, D)`: every token attends to itself and those before it."""
    nope, rope, width = config.qk_nope_head_dim, config.qk_rope_head_dim, config.v_head_dim
    queries, keys, values = [], [], []
    for position, token in enumerate(x):
        low = rms_norm(w["q_a_proj"] @ token, w["q_a_layernorm"], config.rms_norm_eps)
        query = (w["q_b_proj"] @ low).view(-1, nope + rope)
        both = w["kv_a_proj_with_mqa"] @ token
        latent = rms_norm(both[: config.kv_lora_rank], w["kv_a_layernorm"], config.rms_norm_eps)
        shared = rotated(both[config.kv_lora_rank :], position, config)
        up = (w["kv_b_proj"] @ latent).view(-1, nope + width)
        queries.append(
            [torch.cat((head[:nope], rotated(head[nope:], position, config))) for head in query]
        )
        keys.append([torch.cat((head[:nope], shared)) for head in up])
        values.append([head[nope:] for head in up])
    rows = []
    for position in range(len(x)):
        heads = []
        for head in range(config.num_attention_heads):
            logits = [
                float(queries[position][head] @ keys[past][head]) * scale(config)
                for past in range(position + 1)
            ]
            top = max(logits)
            weights = [math.exp(logit - top) for logit in logits]
            mixed = sum(
                weight / sum(weights) * values[past][head] for past, weight in enumerate(weights)
            )
            heads.append(mixed)
        rows.append(w["o_proj"] @ torch.cat(heads))
    return torch.stack(rows)


def swiglu(x: torch.Tensor, gate: torch.Tensor, up: torch.Tensor, down: torch.Tensor) -> Any:
    inner = gate @ x
    return down @ (inner / (1 + torch.exp(-inner)) * (up @ x))


def mixture(x: torch.Tensor, w: Weights, config: Any) -> torch.Tensor:
    """`(T, H)` to `(T, H)`: each token's experts, one after the other."""
    rows = []
    inner = config.moe_intermediate_size
    for token in x:
        scores = [1 / (1 + math.exp(-float(row @ token))) for row in w["gate.weight"]]
        favoured = [
            (score + float(bias), expert)
            for expert, (score, bias) in enumerate(
                zip(scores, w["gate.e_score_correction_bias"], strict=True)
            )
        ]
        chosen = [expert for _, expert in sorted(favoured, reverse=True)]
        chosen = chosen[: config.num_experts_per_tok]
        total = sum(scores[expert] for expert in chosen)
        y = swiglu(
            token,
            w["shared_experts.gate_proj.weight"],
            w["shared_experts.up_proj.weight"],
            w["shared_experts.down_proj.weight"],
        )
        for expert in chosen:
            both = w["experts.gate_up_EGH"][expert]
            y = y + scores[expert] / total * config.routed_scaling_factor * swiglu(
                token, both[:inner], both[inner:], w["experts.down_EHI"][expert]
            )
        rows.append(y)
    return torch.stack(rows)
