"""What the router is compared with: always one mode, keyword rules, and a model that is asked.

None of them knows a width; all are given the router's, so that the comparison is about modes.
"""

from collections.abc import Mapping

from bench.routing.asking import Known, answered
from bench.routing.by_hand import Written
from bench.routing.held_out import Chooser
from bench.routing.keyword_rules import mode_by_keywords
from bench.routing.oracle import Choice, Mode
from bench.routing.tasks import Labelled
from openswarm.core.task import Task
from openswarm.modes.routing.classifier import weights, width_of
from openswarm.modes.routing.features import features_of


def always(mode: Mode) -> Chooser:
    """The same mode for every task."""

    def choose(task: Task, num_tools: int) -> Choice:
        return with_width(mode, task, num_tools)

    return choose


def keywords(task: Task, num_tools: int) -> Choice:
    """The rules of a router that looks for a few words."""
    return with_width(mode_by_keywords(task, num_tools), task, num_tools)


def asked(entries: list[Labelled] | list[Written], known: Known) -> Chooser:
    """What the model answered; for tasks that it was asked about."""
    found: Mapping[str, Choice | None] = {
        entry.task.model_dump_json(): answered(entry, known) for entry in entries
    }

    def choose(task: Task, num_tools: int) -> Choice:
        choice = found[task.model_dump_json()]
        assert choice is not None, "the model was not asked about this task"
        return choice

    return choose


BASELINES: Mapping[str, Chooser] = {
    "always swarm": always("swarm"),
    "always agent": always("agent"),
    "keyword rules": keywords,
}


def with_width(mode: Mode, task: Task, num_tools: int) -> Choice:
    """A mode with the width that the router's regression gives."""
    if mode != "swarm":
        return Choice(mode)
    return Choice("swarm", width_of(features_of(task, num_tools), task, weights()))
