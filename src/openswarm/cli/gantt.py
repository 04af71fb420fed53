"""Who worked when, as a picture. The only module that imports matplotlib."""

from importlib.util import find_spec
from pathlib import Path

from openswarm.cli.followed import Followed, agent_label
from openswarm.cli.text import one_line
from openswarm.core.errors import SettingsError, UserError
from openswarm.core.events import ROOT

COLOURS = {
    "completed": "#3a923a",
    "partial": "#d9a400",
    "failed": "#c03d3e",
    "cancelled": "#888888",
    "empty": "#888888",
}
RUNNING, WAITING = "#3274a1", "#dddddd"
FORMATS = (".png", ".svg", ".pdf")
NAMED = 60
"""With more agents than this their names do not fit beside the bars."""


def draw_gantt(followed: Followed, path: Path) -> None:
    """Draws a bar an agent: grey while it waits, then in the colour of its outcome.

    Raises `UserError` for another suffix, `SettingsError` where matplotlib is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: cannot draw that; use {', '.join(FORMATS)}")
    if find_spec("matplotlib") is None:
        raise SettingsError(
            "drawing needs matplotlib; install it with: pip install 'openswarm[evals]'"
        )
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    view = followed.view
    agents = [agent for agent in view.agents.values() if agent.assigned_at]
    bar = max(0.06, min(0.24, 12 / max(1, len(agents))))
    figure = Figure(figsize=(10, max(2.0, 1.2 + bar * len(agents))), layout="constrained")
    axes = figure.subplots()
    for place, agent in enumerate(agents):
        begin = agent.started_at or view.last_at
        end = view.last_at if agent.path == ROOT else agent.ended_at or view.last_at
        colour = COLOURS.get(agent.outcome or "", RUNNING)
        axes.barh(place, begin - agent.assigned_at, left=agent.assigned_at - view.started_at,
                  color=WAITING, height=0.8)  # fmt: skip
        axes.barh(place, end - begin, left=begin - view.started_at, color=colour, height=0.8)
    if len(agents) <= NAMED:
        names = [one_line(agent_label(agent), 40) for agent in agents]
        axes.set_yticks(range(len(agents)), names, fontsize=7, parse_math=False)
    else:
        axes.set_ylabel(f"{len(agents)} agents")
    outcomes = dict.fromkeys(agent.outcome or "running" for agent in agents)
    handles = [Patch(color=COLOURS.get(name, RUNNING), label=name) for name in outcomes]
    axes.legend(handles=[*handles, Patch(color=WAITING, label="waits")], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the start")
    critical, total = followed.stages.critical_steps, followed.stages.total_steps
    axes.set_title(f"{view.run_id}: {critical} critical of {total} steps", fontsize=9)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another place") from None
