"""An inspected model as tables: figures, parameters by part, the layout, what the files hold."""

from collections.abc import Iterator
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from openswarm.cli.result import output, print_grid
from openswarm.cli.tables import grid
from openswarm.cli.text import count, one_line, size
from openswarm.k25.config import TextConfig, VisionConfig
from openswarm.k25.contents import Group
from openswarm.k25.inspection import Files, Inspection
from openswarm.k25.layout import PROJECTOR, TEXT, VISION, Part

amount = partial(size, tenths=True)
SHOWN = 5
"""Of tensors that do not fit so many are named; --json names all."""
PARTS: dict[Part, str] = {
    "embedding": "embedding and head",
    "attention": "attention",
    "dense": "dense feed-forward",
    "experts": "routed experts",
    "shared": "shared experts",
    "router": "routers",
    "norm": "norms",
    "vision": "vision and projector",
}
SECTIONS = (f"{TEXT}layers.*.", TEXT, f"{VISION}encoder.blocks.*.", VISION, PROJECTOR)
"""Beginnings of names that are written once, the longer ones first."""


def print_inspection(found: Inspection) -> None:
    """Everything on standard output."""
    page = output()
    page.print(Text(one_line(found.name, 200), "bold"))
    for name, value in _figures(found):
        page.print(Text(f"{name:<11}", "dim").append(value, "default"), soft_wrap=True)
    page.print()
    print_grid(page, _parts_grid(found, page))
    page.print()
    print_grid(page, _layout_grid(found.groups, page))
    if found.folder is None:
        return
    page.print()
    for line in _file_lines(found.files):
        page.print(line, soft_wrap=True)


def _figures(found: Inspection) -> Iterator[tuple[str, str]]:
    text, sizes = found.config.text_config, found.sizes
    yield "text", _text_shape(text)
    shared = f" and {text.n_shared_experts} shared" if text.n_shared_experts else ""
    yield "experts", f"{text.num_experts_per_tok} of {text.n_routed_experts} for a token{shared}"
    yield "vision", _vision_shape(found.config.vision_config)
    yield (
        "parameters",
        f"{large(sizes.total)}; {large(sizes.text)} without vision;"
        f" {large(sizes.active)} for a token",
    )
    int4 = "" if found.int4_bytes is None else f"{amount(found.int4_bytes)} with experts in INT4, "
    yield "files", f"{int4}{amount(found.bf16_bytes)} in bf16"
    token, whole = sizes.cache_bytes, sizes.cache_bytes * found.tokens
    yield "cache", f"{amount(token)} a token, {amount(whole)} for {count(found.tokens, 'token')}"
    plain, saved = sizes.plain_cache_bytes, sizes.plain_cache_bytes / token
    yield (
        "",
        f"plain attention: {amount(plain)} a token, {amount(plain * found.tokens)};"
        f" {saved:.0f} times as much",
    )
    scaling = text.rope_scaling
    if scaling is not None:
        trained = scaling.original_max_position_embeddings
        yield "positions", f"YaRN ×{scaling.factor:g} over {trained:,}, θ {text.rope_theta:,.0f}"


def _text_shape(text: TextConfig) -> str:
    dense = min(text.first_k_dense_replace, text.num_hidden_layers)
    return (
        f"{count(text.num_hidden_layers, 'layer')} ({dense} dense), width {text.hidden_size:,},"
        f" {count(text.num_attention_heads, 'head')}, vocabulary of {text.vocab_size:,}"
    )


def _vision_shape(vision: VisionConfig) -> str:
    height, width = vision.token_pixels
    return (
        f"{count(vision.vt_num_hidden_layers, 'layer')}, width {vision.vt_hidden_size:,},"
        f" {count(vision.vt_num_attention_heads, 'head')}, a token for {height} × {width} pixels"
    )


def _parts_grid(found: Inspection, page: Console) -> Table:
    made = grid(page, ("part",), ("parameters", "share"))
    total = found.sizes.total
    for part, name in PARTS.items():
        if number := found.sizes.parts.get(part, 0):
            made.add_row(name, f"{number:,}", f"{number / total:.2%}")
    made.add_section()
    made.add_row("all", f"{total:,}", "")
    made.add_row("all but vision", f"{found.sizes.text:,}", "")
    made.add_row("active for a token", f"{found.sizes.active:,}", "")
    return made


def _layout_grid(groups: list[Group], page: Console) -> Table:
    """Names are indented under what they have in common."""
    made = grid(page, ("tensor",), ("count", "shape", "type"))
    section = ""
    for group in groups:
        begins = next((s for s in SECTIONS if group.name.startswith(s)), "")
        if begins != section:
            section = begins
            if begins:
                made.add_row(Text(f"{begins}…", "dim"), "", "", "")
        name = "  " * bool(begins) + group.name.removeprefix(begins)
        shape = " × ".join(str(extent) for extent in group.shape)
        made.add_row(name, f"{group.count:,}", shape, group.dtype)
    return made


def _file_lines(files: Files | None) -> Iterator[Text]:
    if files is None:
        yield Text("no weights in this folder", "yellow")
        return
    held = (
        f"{count(files.tensors, 'tensor')} in {count(files.shards, 'file')}, {amount(files.bytes)}"
    )
    differences = files.differences
    if not differences:
        yield Text(f"{held}: all that the configuration asks for", "green")
        return
    yield Text(f"{held}: they do not fit the configuration", "bold red")
    wrong = [f"{name}: {why}" for name, why in differences.wrong.items()]
    kinds = {"missing": differences.missing, "unknown": differences.unknown, "wrong": wrong}
    for kind, names in kinds.items():
        for name in names[:SHOWN]:
            yield Text(f"  {kind:<8} {one_line(name, 400)}")
        if len(names) > SHOWN:
            yield Text(f"  {'':<8} … {len(names) - SHOWN:,} more {kind}; --json names all", "dim")


def large(number: int) -> str:
    """A number of parameters: `2.9 M`, `31.7 B`, `1,026.4 B`."""
    unit, name = (10**9, "B") if number >= 10**9 else (10**6, "M")
    return f"{number / unit:,.1f} {name}"
