"""`openswarm k25 train`, `examine`, `export` and `curves`: a small model from nothing to files."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from openswarm.cli import k25_options as options
from openswarm.cli.exits import say
from openswarm.cli.result import print_json
from openswarm.core.errors import SettingsError, UserError

if TYPE_CHECKING:
    from openswarm.k25.parallel import Mode
    from openswarm.k25.recipe.runs import Run
    from openswarm.k25.training import Progress, Recipe

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
STEPS = {"tiny": 300, "mini": 700}
LENGTH = {"tiny": 512, "mini": 1024}


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module to `openswarm k25`."""
    for command in (train, examine, export, curves):
        app.command(command.__name__)(command)


def train(
    model: options.Model,
    out: options.Out,
    steps: options.Steps = 0,
    rate: options.Rate = 0.0025,
    rows: options.Rows = 8,
    length: options.Length = 0,
    vision: options.Vision = 0.3,
    vision_from: options.VisionFrom = 0.0,
    whole_until: options.WholeUntil = 0.5,
    qat_from: options.QatFrom = 0.8,
    extend_from: options.ExtendFrom = 0.9,
    balance_rate: options.BalanceRate = 1e-3,
    seed: options.Seed = 0,
    start: options.Start = None,
    bf16: options.Bf16 = True,
    checkpointing: options.Checkpointing = False,
    parallel: options.Parallel = "none",
    save_every: options.SaveEvery = 50,
    each: options.Each = 20,
) -> None:
    """Trains a small model on text and rendered pages that are generated here.

    \b
    Examples:
      openswarm k25 train mini --out runs/mini
      openswarm k25 train tiny --out runs/late --vision 0.2 --vision-from 0.8
      openswarm k25 train tiny --out runs/text --from runs/early --vision 0
      torchrun --nproc-per-node 2 -m openswarm k25 train tiny --out runs/two --parallel fsdp

    Ended at any time it goes on from its last checkpoint when it is called again. At the end
    FOLDER/model is a checkpoint that `openswarm run --model local/FOLDER/model` takes, and
    FOLDER/scores.json says what it can do.
    """
    _need_extra()
    from openswarm.k25.parallel import Mode
    from openswarm.k25.recipe.runs import Run
    from openswarm.k25.training import Recipe

    if model not in STEPS:
        raise UserError(f"{model!r} cannot be trained here: choose {' or '.join(STEPS)}")
    recipe = Recipe(
        steps=steps or STEPS[model],
        learning_rate=rate,
        balance_rate=balance_rate,
        qat_from=qat_from,
        extend_from=extend_from,
        bf16=bf16,
        checkpointing=checkpointing,
        save_every=save_every,
    )
    run = Run(rows=rows, length=length or LENGTH[model], vision=vision, seed=seed)
    run = replace(run, vision_from=vision_from, whole_until=whole_until)
    _train(model, recipe, run, out, start, _one_of(Mode, "--parallel", parallel), each)


def _train(
    model: str, recipe: "Recipe", run: "Run", out: Path, start: Path | None, mode: "Mode", each: int
) -> None:
    """Trains in this process and those beside it; the main one examines and writes."""
    from openswarm.k25 import parallel
    from openswarm.k25.config import preset
    from openswarm.k25.recipe import course

    ranks = parallel.start(mode)
    try:
        tell = _teller(recipe.steps)
        trained = course.train(preset(model), recipe, run, out, tell, start=start, ranks=ranks)
        if trained is not None:
            course.finish(trained, out, int4=recipe.qat_from < 1, each=each)
            say(f"{out / 'model'} is ready: openswarm run … --model local/{out / 'model'}")
    finally:
        ranks.finish()


def examine(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A checkpoint's folder.")],
    each: options.Each = 20,
    int4: Annotated[
        bool, typer.Option("--int4", help="Round experts to INT4 first: what that costs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Has a small model answer held-out cases of every skill, and counts what is right.

    \b
    Example:
      openswarm k25 examine weights/k25-mini
    """
    _need_extra()
    from openswarm.k25.checkpoint import load_model
    from openswarm.k25.recipe.course import examine as examined

    model = load_model(folder)
    for experts in model.experts():
        experts.qat = int4
    found = examined(model, each)
    if as_json:
        print_json(found)
        return
    from openswarm.cli.k25_curves import score_lines

    for line in score_lines(found):
        typer.echo(line)


def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A checkpoint's folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE.gguf", help="The file to write.")],
    dense: Annotated[str, typer.Option(metavar="bf16|f16|f32", help="Of dense weights.")] = "bf16",
    experts: Annotated[
        str, typer.Option(metavar="q4_0|q8_0|bf16|f16|f32", help="Of routed experts.")
    ] = "q4_0",
) -> None:
    """Writes a model's text part for llama.cpp (GGUF, deepseek2); INT4 experts stay exact.

    \b
    Example:
      openswarm k25 export weights/k25-mini --out k25-mini.gguf
    """
    _need_extra()
    from openswarm.k25.gguf_export import export_folder
    from openswarm.k25.gguf_layout import Form, Plain

    written = export_folder(
        folder,
        out,
        dense=_one_of(Plain, "--dense", dense),
        experts=_one_of(Form, "--experts", experts),
    )
    say(f"{out}: {written.tensors} tensors, {written.bytes / 1e6:.1f} MB")


def curves(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER…", help="Trainings.")],
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="The picture to draw.")],
) -> None:
    """Draws loss, expert load, logits and learning rate of trainings into one picture.

    \b
    Example:
      openswarm k25 curves runs/early runs/late --out fusion.png
    """
    from openswarm.cli.k25_curves import draw_curves

    draw_curves(folders, out)
    say(f"{out} is drawn")


def _teller(steps: int) -> Any:
    """Says how far it is: a line that changes at a terminal, a line every ten steps elsewhere."""

    def tell(progress: "Progress") -> None:
        left = (steps - progress.step - 1) * progress.seconds
        line = (
            f"step {progress.step + 1}/{steps}  loss {progress.loss:.3f}"
            f"  {progress.tokens / 1e6:.2f} M tokens  busiest expert {progress.imbalance:.1f} x"
            f"  about {left / 60:.0f} min left"
        )
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.write("\n" if progress.step + 1 == steps else "")
        elif progress.step % 10 == 9 or progress.step + 1 == steps:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return tell


def _one_of(kinds: Any, option: str, text: str) -> Any:
    """The text, as one of a `Literal`'s. Raises `UserError` that names the option."""
    if text not in get_args(kinds):
        raise UserError(f"{option} is one of {', '.join(get_args(kinds))}, not {text!r}")
    return text


def _need_extra() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("safetensors") is None:
        raise SettingsError("this needs PyTorch; install it with: pip install 'openswarm[model]'")
