"""A program: the twenty tasks as inspect_ai tasks, by our runs and by a model of inspect's.

Run by the interpreter of an environment that has inspect_ai; prints the figures as JSON.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import inspect_ai
from adapter_cases import ARMS, COUNT, FAMILIES, HalfKnowing, drawn
from inspect_ai.model import ChatMessageAssistant, ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.tool import ToolCall
from inspect_ai.util import registry_info

from openswarm.evals.adapters.attempt import Way
from openswarm.evals.adapters.inspect import inspect_tasks
from openswarm.evals.adapters.inspect_registry import tasks
from openswarm.evals.arms import named_arm
from openswarm.evals.task import EvalTask

TASKS = [task for each in drawn().values() for task in each.tasks]


@modelapi(name="halfknowing")
class HalfKnowingAPI(ModelAPI):
    """A model of inspect's; it reads a page before it answers, and asks for one that is not."""

    async def count_text_tokens(self, text: str) -> int:
        """Without the file of a tokenizer, which would be fetched."""
        return len(text) // 4

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        """One reply."""
        brief = next(message.text for message in input if message.role == "user")
        task = next(task for task in TASKS if task.question in brief)
        replies = sum(message.role == "assistant" for message in input)
        calls = steps(task)
        if replies < len(calls):
            name, arguments = calls[replies]
            call = ToolCall(id=f"c{replies}", function=name, arguments=arguments)
            message = ChatMessageAssistant(content="", tool_calls=[call])
            output = ModelOutput.from_message(message, stop_reason="tool_calls")
            output.model = self.model_name
            return output
        say = HalfKnowing(TASKS).say(brief, replies, set())
        return ModelOutput.from_content(self.model_name, say.text)


def steps(task: EvalTask) -> list[tuple[str, dict[str, Any]]]:
    """What is called before the answer."""
    return [
        ("search", {"queries": [task.question[:100]]}),
        ("open", {"document": task.scope[0]}),
        ("open", {"document": "there is none.md"}),
    ]


def figures(task: Any, folder: Path, model: Any) -> tuple[Any, dict[str, dict[str, float]]]:
    """The log of a task, and its figures by sample."""
    (log,) = inspect_ai.eval(task, model=model, log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    found = {}
    for sample in log.samples:
        assert sample.error is None, sample.error
        found[str(sample.id)] = sample.scores["openswarm_strict"].value
    return log, found


def main() -> None:
    """All families, each by two arms of ours and by inspect's model."""
    told: dict[str, Any] = {arm: {} for arm in (*ARMS, "inspect")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for family in FAMILIES:
            for arm in ARMS:
                way = Way(named_arm(arm, HalfKnowing(TASKS).model()), folder / "home")
                task = inspect_tasks(family, "test", COUNT, 0, way=way)
                log, found = figures(task, folder / "logs", None)
                told[arm] |= found
            told["metrics"] = sorted(log.results.scores[0].metrics)
            reader = inspect_tasks(family, "test", COUNT, 0)
            log, found = figures(reader, folder / "logs", get_model("halfknowing/x"))
            told["inspect"] |= found
        tools = [m for m in log.samples[0].messages if m.role == "tool"]
        told["read"] = tools[1].text
        told["refused"] = tools[2].error.message
    told["registered"] = registry_info(tasks(family="fact", count=1)).name
    print(json.dumps(told))


if __name__ == "__main__":
    sys.exit(main())
