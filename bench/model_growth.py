"""How the cost of a token grows: with the length of the text, the replies at once, the experts.

Every figure is the time of one token at the largest size over that at the smallest; the note has
the sizes between. `python -m bench.model_growth FILE.png` draws them.

Legend of shapes: B replies, L tokens of a text.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from bench.measure import Figure, Setting
from bench.model_sides import made, seconds, shaped, some_tokens, threads
from openswarm.k25.cache import LatentCache
from openswarm.k25.model import K25

LENGTHS = (256, 512, 1024, 2048, 4096)
REPLIES = (1, 2, 4, 8, 16, 32)
EXPERTS = (8, 32, 128, 384)
BEHIND = 256
"""Tokens behind each of several replies."""
TEXT = 1024
"""Tokens of the text that models of few and of many experts read."""
ROUNDS = 5
"""For the picture."""
ACCENT, GREY = "#2f6f9f", "#b8bdc4"

Costs = dict[int, float]
"""Seconds of a token by the size that varies."""


def run(setting: Setting) -> list[Figure]:
    """All that varies, one after the other."""
    figures = []
    for name, measure, bar in SERIES:
        costs = measure(setting.rounds)
        figures.append(grown(name, costs, bar))
        setting.say(f"{name}: {figures[-1].note}")
    return figures


def grown(name: str, costs: Costs, bar: float | None) -> Figure:
    """The largest size over the smallest."""
    ratios = relative(costs)
    (first, _), *_, (last, ratio) = ratios.items()
    note = ", ".join(f"{size}: {value:.2f}" for size, value in ratios.items())
    note += f"; {costs[first] * 1000:.2f} ms at {first}, {threads()}"
    return Figure(f"time of a token, {name}: {last} over {first}", ratio, bar, "×", note=note)


def relative(costs: Costs) -> Costs:
    """Each cost over that of the smallest size."""
    least = costs[min(costs)]
    return {size: cost / least for size, cost in sorted(costs.items())}


def lengths(rounds: int) -> Costs:
    """A text of so many tokens is read at once."""
    model = made(shaped())
    texts = {size: some_tokens(model.config.text_config, 1, size) for size in LENGTHS}
    taken = seconds({size: partial(read, model, text) for size, text in texts.items()}, rounds)
    return {size: wall / size for size, wall in taken.items()}


def contexts(rounds: int) -> Costs:
    """One token more is said after so many, itself included."""
    model = made(shaped())
    return seconds({size: step(model, 1, size) for size in LENGTHS}, rounds)


def replies(rounds: int) -> Costs:
    """One token more is said in each of so many replies."""
    model = made(shaped())
    taken = seconds({size: step(model, size, BEHIND) for size in REPLIES}, rounds)
    return {size: wall / size for size, wall in taken.items()}


def experts(rounds: int) -> Costs:
    """A text is read by a model with so many experts, of which a token meets four in any."""
    models = {size: made(shaped(num_hidden_layers=3, n_routed_experts=size)) for size in EXPERTS}
    text_BL = some_tokens(shaped().text_config, 1, TEXT)
    sides = {size: partial(read, model, text_BL) for size, model in models.items()}
    return {size: wall / TEXT for size, wall in seconds(sides, rounds).items()}


def read(model: K25, tokens_BL: torch.Tensor) -> None:
    """A text without a cache, to its hidden states."""
    with torch.inference_mode():
        model.language_model(model.embed(tokens_BL))


def step(model: K25, count: int, size: int) -> Callable[[], None]:
    """The last of `size` tokens in each of `count` replies, logits included."""
    config = model.config.text_config
    cache = LatentCache(config, count, size)
    cache.latents_NSTC.normal_(generator=torch.Generator().manual_seed(0))
    tokens_B1, slots_B = some_tokens(config, count, 1), torch.arange(count)
    positions_B1 = torch.full((count, 1), size - 1)

    def once() -> None:
        with torch.inference_mode():
            model(tokens_B1, positions_BL=positions_B1, cache=cache, slots_B=slots_B)

    return once


SERIES: tuple[tuple[str, Callable[[int], Costs], float | None], ...] = (
    ("tokens of a text", lengths, 4.0),
    ("tokens before it", contexts, 4.0),
    ("replies at once", replies, 0.5),
    ("experts", experts, 3.0),
)
"""What varies, how it is measured, and the most that the largest may cost."""


def draw(target: Path, rounds: int = ROUNDS) -> None:
    """The picture, a panel for each that varies."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(SERIES), figsize=(13, 3.2), layout="constrained")
    for axes, (name, measure, _) in zip(panels, SERIES, strict=True):
        ratios = relative(measure(rounds))
        sizes = list(ratios)
        axes.axhline(1, color=GREY, linewidth=1)
        axes.plot(sizes, list(ratios.values()), color=ACCENT, marker="o")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.set(xlabel=name, ylim=(0, max(1.2, *ratios.values()) * 1.1))
    panels[0].set_ylabel("time of a token, the smallest = 1")
    figure.savefig(target, dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
