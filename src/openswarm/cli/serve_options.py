"""The options of `serve`, as types."""

from pathlib import Path
from typing import Annotated, Any

import typer

SERVER = "The server"
TOKEN_VARIABLE = "OPENSWARM_TOKEN"


def _option(text: str, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=SERVER, **more)


Host = Annotated[str, _option("The address to listen on.")]
Port = Annotated[int, _option("The port; 0 takes any.", min=0, max=65535)]
Also = Annotated[
    list[str] | None,
    _option("A further model, served as openswarm-MODE@SPEC.", metavar="SPEC"),
]
Token = Annotated[
    str,
    _option(
        "What requests have to show, as a bearer token or x-api-key.",
        envvar=TOKEN_VARIABLE,
        show_default="one that is made once and kept",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    _option("A further name by which the server may be called.", metavar="NAME"),
]
Folder = Annotated[
    list[Path] | None,
    _option(
        "Where documents and folders that requests name may lie.",
        show_default="the current folder",
        metavar="FOLDER",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse sampling and history that Kimi K2.5's API refuses.",
        rich_help_panel=SERVER,
    ),
]
MaxRuns = Annotated[int, _option("Runs at once.", min=1, max=1000)]
MaxBody = Annotated[int, _option("Megabytes of a request.", min=1, max=4096)]
