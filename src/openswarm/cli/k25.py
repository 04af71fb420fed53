"""`openswarm k25`: the K2.5-shaped model. Here: what a model or its files are made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openswarm.cli import k25_train
from openswarm.cli.exits import Exit
from openswarm.cli.result import print_json

if TYPE_CHECKING:
    from openswarm.k25.config import K25Config
    from openswarm.k25.inspection import Inspection

k25_app = typer.Typer(
    no_args_is_help=True,
    help="A model of Kimi K2.5's shape: its files, its sizes, its training.\n\n"
    "Example: openswarm k25 inspect published",
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    k25_train.add_to(k25_app)
    app.add_typer(k25_app, name="k25", rich_help_panel="The model")


@k25_app.command("inspect")
def inspect(
    model: Annotated[
        str,
        typer.Argument(
            metavar="PATH|published|mini|tiny",
            help="The folder of a checkpoint, or a configuration that comes with openswarm.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Says what a model is made of: parameters, bytes, cache, tensors.

    \b
    Examples:
      openswarm k25 inspect published
      openswarm k25 inspect ./checkpoint --json

    Of a folder the configuration and the headers are read, never the weights, so its size does
    not matter. Exit code 1: tensors are missing, unknown, or of another shape.
    """
    from openswarm.k25.inspection import inspected

    found = inspected(*_configuration(model))
    if as_json:
        print_json(inspection_object(found))
    else:
        from openswarm.cli.k25_view import print_inspection

        print_inspection(found)
    is_broken = found.files is not None and bool(found.files.differences)
    return Exit.ERROR if is_broken else Exit.COMPLETED


def _configuration(model: str) -> "tuple[str, K25Config, Path | None]":
    """What is inspected, its configuration, and its folder if it has one."""
    from openswarm.k25.config import PRESETS, load_config, preset

    if model in PRESETS:
        return model, preset(model), None
    folder = Path(model)
    return model, load_config(folder), folder


def inspection_object(found: "Inspection") -> dict[str, Any]:
    """The one object of `--json`, with exactly these keys."""
    size, files = found.sizes, found.files
    return {
        "model": found.name,
        "config": found.config.model_dump(mode="json"),
        "parameters": {
            "parts": dict(size.parts),
            "text": size.text,
            "vision": size.parts["vision"],
            "total": size.total,
            "active": size.active,
        },
        "bytes": {"int4": found.int4_bytes, "bf16": found.bf16_bytes},
        "cache": {
            "token_bytes": size.cache_bytes,
            "plain_token_bytes": size.plain_cache_bytes,
            "tokens": found.tokens,
            "bytes": size.cache_bytes * found.tokens,
            "plain_bytes": size.plain_cache_bytes * found.tokens,
        },
        "layout": [
            {"name": g.name, "count": g.count, "shape": g.shape, "dtype": g.dtype}
            for g in found.groups
        ],
        "files": files
        and {
            "shards": files.shards,
            "tensors": files.tensors,
            "bytes": files.bytes,
            "missing": files.differences.missing,
            "unknown": files.differences.unknown,
            "wrong": files.differences.wrong,
        },
    }
