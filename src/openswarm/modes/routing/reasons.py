"""The reason for a choice, in a line made of what was found in the task."""

from openswarm.core.task import Task
from openswarm.modes.routing.choice import RoutedMode
from openswarm.modes.routing.features import WIDE, Features, is_chained

SHOWN = 40
"""Characters of the task's own words that are repeated."""


def reason(mode: RoutedMode, width: int, features: Features, task: Task) -> str:
    """Why this mode, in words that hold whatever the classifier weighed."""
    match mode:
        case "swarm":
            return f"{items(features, width)}, {_work_of_each(features, task)}"
        case "agent":
            return _for_one_agent(features, task)
        case "thinking":
            return _for_thinking(features)
        case _:
            return _for_one_reply(features)


def items(features: Features, width: int) -> str:
    """What was counted, or the estimate."""
    count = features.count
    match count.source:
        case "named":
            return f"{count.number} items are named"
        case "stated":
            what = "items" if count.what == "in all" else count.what[:SHOWN]
            return f"{count.number} {what} are asked about"
        case "set":
            return f"“{count.what[:SHOWN]}” stands for about {count.number} items"
        case _ if features.cues["each"] or features.cues["all"]:
            return f"an unnamed number of items is meant, by estimate {width}"
        case _:
            return f"the work has parts of its own, by estimate {width}"


def _work_of_each(features: Features, task: Task) -> str:
    if task.over:
        return "each with passages of its own in the documents"
    if features.where == "web":
        return "each needs pages of its own"
    return "each is work of its own" if features.where != "bare" else "each can be done apart"


def _for_one_agent(features: Features, task: Task) -> str:
    if is_chained(features.cues):
        return "its steps seem to need each other's results: one agent takes them in turn"
    if features.count.number >= WIDE and _are_treated_alike(features):
        return f"{items(features, 0)}, but one agent can do them in turn"
    if task.over:
        return "there are documents to read, but no list of items"
    if features.where == "web" and features.cues["fresh"]:
        return "it asks for what is current: there is something to look up"
    if features.where == "web":
        return "there is something to look up, but no list of items"
    if features.where in ("work", "own"):
        return "there are tools to use, but no list of items"
    return "it is worked on step by step"


def _are_treated_alike(features: Features) -> bool:
    """Whether what was counted seems to be work, and not only to be mentioned."""
    told = any(features.cues[name] for name in ("each", "all", "compare", "table", "extract"))
    return told or features.count.source == "named"


def _for_thinking(features: Features) -> str:
    if features.cues["prove"]:
        return "it asks for a proof or a judgement: reasoning, and nothing to look up"
    if is_chained(features.cues):
        return "its steps need each other's results, and nothing has to be looked up"
    if features.cues["reason"] or features.cues["compute"]:
        return "it has to be reasoned out, and nothing has to be looked up"
    return "one reply can do it, after some reasoning"


def _for_one_reply(features: Features) -> str:
    if "pasted" in features.values:
        return "the text to work on stands in the task"
    if "code in it" in features.values:
        return "the code that is asked about stands in the task"
    if features.where == "bare":
        return "one question that needs no tools"
    return "one reply can do it, without the tools"
