"""The router costs next to nothing: no model, no extra, no network, small weights."""

import json
import subprocess
import sys
from importlib import resources

import pytest

from openswarm.core.task import Task
from openswarm.modes.routing import route
from openswarm.modes.routing.classifier import weights

pytestmark = pytest.mark.requirement("router.cheap")

ALONE = """
import builtins, json, socket, sys
extras = {"numpy", "torch", "xllamacpp", "matplotlib", "sklearn", "scipy", "openai", "anthropic"}
real = builtins.__import__
def without_extras(name, *args, **kwargs):
    if name.partition(".")[0] in extras:
        raise ImportError(name)
    return real(name, *args, **kwargs)
builtins.__import__ = without_extras
socket.socket = None
from openswarm.core.task import Task
from openswarm.modes.routing import route
chosen = route(Task(text="The tax of all EU countries, with the law", tools=("web",)), 1)
heavy = extras.intersection(sys.modules) | {"aiohttp"}.intersection(sys.modules)
print(json.dumps([chosen.mode, chosen.width, sorted(heavy)]))
"""


def test_it_works_on_the_core_install_and_opens_no_socket() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, timeout=50
    )
    assert json.loads(done.stdout) == ["swarm", 27, []]


def test_the_weights_are_small_and_complete() -> None:
    folder = resources.files("openswarm.modes.routing")
    size = sum(len((folder / name).read_bytes()) for name in ("weights.json", "cues.txt"))
    assert size < 300_000
    learned = weights()
    assert all(len(row) == 4 for row in learned.modes.values())
    assert learned.temperature > 0
    assert 0 <= learned.ask_below < 1


def test_the_same_task_has_the_same_route() -> None:
    task = Task(text="Compare Graz, Linz, Wels, Steyr and Krems: rents, sources", tools=("web",))
    assert route(task, 1) == route(task, 1)
