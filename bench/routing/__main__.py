"""`python -m bench.routing WHAT`: what makes the router. The figures are `python -m bench routing`.

train: writes the weights of the package. tasks: prints the labelled tasks as JSON lines. plots:
draws the pictures of the documents. ask MODEL: asks a model about the tasks of the comparison.
"""

import argparse
import json
from pathlib import Path


def main() -> None:
    """Does what is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.routing", description=__doc__)
    parser.add_argument("what", choices=("train", "tasks", "plots", "ask"))
    parser.add_argument("model", nargs="?", default="local/qwen2.5-coder-1.5b")
    parser.add_argument("--anew", action="store_true", help="ask also what was asked before")
    options = parser.parse_args()
    match options.what:
        case "train":
            _train()
        case "tasks":
            _print_tasks()
        case "plots":
            from bench.routing.plots import draw

            draw()
        case _:
            from bench.routing.asking import ask_all
            from openswarm.modes.settings import home_folder

            ask_all(options.model, Path(home_folder()), anew=options.anew)


def _train() -> None:
    from bench.routing.held_out import final
    from bench.routing.train import TARGET, write

    weights = final()
    write(weights)
    print(f"{TARGET}: {len(weights.modes)} features, temperature {weights.temperature},")
    print(f"a model is asked below {weights.ask_below}; tasks {weights.data}")


def _print_tasks() -> None:
    from bench.routing.tasks import all_tasks

    for entry in all_tasks():
        shown = {"kind": entry.kind, "mode": entry.label.mode, "width": entry.label.width}
        print(json.dumps(shown | {"text": entry.task.text, "tools": entry.task.tools,
                                  "over": entry.task.over}, ensure_ascii=False))  # fmt: skip


if __name__ == "__main__":
    main()
