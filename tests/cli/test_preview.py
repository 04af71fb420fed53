"""What a dear run may cost is shown before it begins."""

import os
import pty
import subprocess
from pathlib import Path

import pytest
from command_line import Begin, Command, Script

from openswarm.cli.preview import estimate_line
from openswarm.core.limits import Limits
from openswarm.llm.model import ModelInfo, Price
from openswarm.modes.estimate import FACTOR, estimate
from openswarm.modes.routing import Route

pytestmark = pytest.mark.requirement("router.preview")
PRICED = ModelInfo(price=Price(0.6, 3.0, 0.1))
LIMIT_S = 20


def settle_on(home: Path, **settings: float) -> None:
    """Writes settings."""
    home.mkdir(parents=True, exist_ok=True)
    lines = (f"{name} = {value}\n" for name, value in settings.items())
    (home / "settings.toml").write_text("".join(lines))


def test_an_estimate_grows_with_width_and_stays_within_the_limits() -> None:
    small, large = (
        estimate(Route("swarm", "", width), Limits(usd=50), PRICED, PRICED) for width in (3, 300)
    )
    assert (small.sub_agents, large.sub_agents) == (3, 300)
    assert small.usd is not None and large.usd is not None
    assert large.usd > 20 * small.usd
    assert large.usd_high == pytest.approx(large.usd * FACTOR)
    capped = estimate(Route("swarm", "", 300), Limits(usd=0.1), PRICED, PRICED)
    assert (capped.usd, capped.usd_high) == (0.1, 0.1)
    slow = estimate(Route("swarm", "", 300), Limits(max_parallel=10), PRICED, PRICED)
    assert slow.wall_s > large.wall_s


def test_no_price_is_said_and_never_taken_for_nothing() -> None:
    unknown = estimate(Route("agent", ""), Limits(), ModelInfo(), ModelInfo())
    assert unknown.usd is None
    assert "no price is known" in estimate_line(unknown)
    half = estimate(Route("swarm", "", 5), Limits(), PRICED, ModelInfo())
    assert half.usd is None


def test_a_wide_run_is_shown_and_goes_on_where_nobody_can_answer(
    openswarm: Command, wide: str, home: Path
) -> None:
    settle_on(home, preview_subagents=2)
    items = "Chile, Peru, Laos"
    done = openswarm(
        "run", f"Find the capital of each: {items}", "--model", wide, "--mode", "swarm",
        "--columns", "country; capital; population (number)", "--plain",
    )  # fmt: skip
    assert "swarm: chosen by the user" in done.err
    assert "tokens · no price is known · about" in done.err
    assert done.code == 3  # one of three was not found


def test_a_small_run_begins_unseen(openswarm: Command, script: Script) -> None:
    model = script({"instant": [{"text": "Four."}]})
    done = openswarm("run", "What is two and two?", "--model", model, "--mode", "instant")
    assert (done.code, done.out) == (0, "Four.\n")
    assert "step ·" not in done.err.partition("completed")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("no\n", 130, "nothing was begun"),
        ("instant\n", 0, "At once."),
        ("what?\nyes\n", 0, "By a swarm."),
    ],
)
def test_a_person_can_say_no_or_choose_another_mode(
    begin: Begin, script: Script, home: Path, answer: str, code: int, said: str
) -> None:
    settle_on(home, preview_subagents=1)
    model = script({"orchestrator": [{"text": "By a swarm."}], "instant": [{"text": "At once."}]})
    task = "Find the capital of each of these countries: Chile, Peru, Laos, Chad"
    out = asked_at_a_terminal(begin, answer, "run", task, "--mode", "swarm", "--model", model)
    assert out[0] == code
    assert said in out[1]


def asked_at_a_terminal(begin: Begin, answer: str, *arguments: str) -> tuple[int, str]:
    """Exit code and all output of a command that asks at a terminal."""
    ours, theirs = pty.openpty()
    process = begin(*arguments, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    for line in answer.splitlines(keepends=True):
        while not seen.rstrip().endswith(b"[yes]:"):
            seen += os.read(ours, 1000)
        os.write(ours, line.encode())
        seen += b"\n"
    out, _ = process.communicate(timeout=LIMIT_S)
    while True:
        try:
            piece = os.read(ours, 10_000)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    return process.returncode, out + seen.decode()
