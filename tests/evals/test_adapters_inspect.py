"""The tasks as inspect_ai tasks: what models are shown, who solves them, how it is scored."""

import base64
import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

import anyio.to_thread
import inspect_double
import pytest
from adapter_cases import COUNT, HalfKnowing, known, row, table

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.adapters.attempt import Way, draw
from openswarm.evals.adapters.inspect import ATTEMPT, TASK, inspect_benchmark, inspect_tasks
from openswarm.evals.arms import named_arm
from openswarm.evals.runner import STEPS_OF_AN_AGENT
from openswarm.evals.scoring.judge import RecordedJudge, Verdict
from openswarm.evals.scoring.questions import grade_answer
from openswarm.evals.scoring.score import score
from openswarm.evals.task import EvalTask, Prediction

pytestmark = [pytest.mark.requirement("evals.inspect"), pytest.mark.usefixtures("played_inspect")]
ELEMENTS = draw("elements", "test", COUNT, 0, None)
REGISTRY = "openswarm.evals.adapters.inspect_registry"


@pytest.fixture
def played_inspect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the place of inspect_ai and of each of its parts."""
    for part in inspect_double.PARTS:
        name = f"inspect_ai.{part}" if part else "inspect_ai"
        monkeypatch.setitem(sys.modules, name, inspect_double)


@pytest.mark.anyio
@pytest.mark.parametrize("arm", ["single", "swarm"])
async def test_inspect_hands_a_sample_to_our_run_and_scores_it_strictly(arm: str) -> None:
    way = Way(named_arm(arm, HalfKnowing([*ELEMENTS.tasks]).model()), Path("unused"))
    made = inspect_tasks("elements", "test", COUNT, 0, way=way)
    assert [sample.id for sample in made.dataset] == [task.id for task in ELEMENTS.tasks]
    state, found = await inspect_double.solved(made, made.dataset[0])
    prediction = Prediction.model_validate(state.store.get(ATTEMPT)["prediction"])
    right = score(ELEMENTS.tasks[0], prediction)
    steps = 1 if arm == "single" else 3
    assert found.value == {
        "item_f1": right.item_f1, "row_f1": right.row_f1, "success": right.success,
        "critical_steps": steps,
    }  # fmt: skip
    assert found.metadata["item_recall"] == right.item_recall
    assert found.metadata["spawned"] == (0 if arm == "single" else len(ELEMENTS.tasks[0].gold))
    assert state.completed
    assert state.messages[-1].role == "assistant"


def test_a_sample_shows_its_model_the_question_alone() -> None:
    made = inspect_tasks("chain", "test", 2, 0)
    for sample in made.dataset:
        task = EvalTask.model_validate(sample.metadata[TASK])
        assert sample.target == task.answer
        assert task.question in sample.input
        assert "Exact Answer:" in sample.input


class Reading:
    """A model of inspect's: it makes calls, one a turn, and then writes the rows that it knows."""

    def __init__(self, task: EvalTask, calls: list[tuple[str, dict[str, Any]]]) -> None:
        self.task, self.calls = task, calls
        self.told: list[str] = []
        self.turns = 0

    async def __call__(self, state: Any, tool_calls: str) -> Any:
        """See inspect's `Generate`."""
        call = self.calls[self.turns] if self.turns < len(self.calls) else None
        self.turns += 1
        if call is None or tool_calls == "none":
            rows = [row(self.task, gold) for gold in self.task.gold if known(*gold.values())]
            return self.said(state, table(self.task, rows))
        tool = next(tool for tool in state.tools if tool.name == call[0])
        try:
            self.told.append(await tool.tool(**call[1]))
        except inspect_double.ToolError as error:
            self.told.append(f"refused: {error}")
        return self.said(state, "", [call])

    def said(self, state: Any, text: str, calls: Any = ()) -> Any:
        """The state after a reply."""
        state.output = inspect_double.ModelOutput.from_content("m", text, calls)
        state.messages.append(state.output.message)
        return state


@pytest.mark.anyio
async def test_a_model_of_inspects_reads_with_the_same_tools_and_has_the_same_scorer() -> None:
    task = ELEMENTS.tasks[0]
    made = inspect_tasks("elements", "test", COUNT, 0)
    outside = next(name for name in ELEMENTS.documents.texts if name not in task.scope)
    model = Reading(task, [
        ("search", {"queries": ["atomic weight"]}), ("open", {"document": task.scope[0]}),
        ("open", {"document": outside}), ("open", {"document": task.scope[0], "page": 0}),
    ])  # fmt: skip
    state, found = await inspect_double.solved(made, made.dataset[0], model)
    assert "## atomic weight" in model.told[0]
    assert f"{task.scope[0]}#1" in model.told[1]
    assert "refused: There is no document" in model.told[2]
    assert "refused: page:" in model.told[3]
    assert all(name in state.user_prompt.text for name in task.contract.names)
    assert found.value["critical_steps"] == 5
    assert 0 < found.value["item_f1"] < 1


@pytest.mark.anyio
async def test_a_model_that_only_reads_is_made_to_answer_at_the_limit_of_steps() -> None:
    task = ELEMENTS.tasks[0]
    model = Reading(task, [("open", {"document": task.scope[0]})] * 1000)
    made = inspect_tasks("elements", "test", COUNT, 0)
    state, found = await inspect_double.solved(made, made.dataset[0], model)
    assert found.value["critical_steps"] == STEPS_OF_AN_AGENT
    assert found.value["item_f1"] > 0
    assert state.tools == []


def written(folder: Path, name: str) -> Path:
    """A file in the form of a public benchmark, with one made task."""
    path = folder / f"{name}.csv"
    if name == "deepsearchqa":
        path.write_text('problem,answer,answer_type\nWhich?,"red, blue",Set Answer\n')
        return path
    key = hashlib.sha256(b"canary").digest()

    def secret(text: str) -> str:
        return base64.b64encode(
            bytes(b ^ key[i % 32] for i, b in enumerate(text.encode()))
        ).decode()

    path.write_text(f"problem,answer,canary\n{secret('Who?')},{secret('Nobody')},canary\n")
    return path


async def read(folder: Path, name: Any, **more: Any) -> Any:
    """The task of such a file."""

    def work() -> Any:
        return inspect_benchmark(name, written(folder, name), **more)

    return await anyio.to_thread.run_sync(work)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "says", "f1"),
    [
        ("browsecomp", "Exact Answer: nobody", 1.0),
        ("deepsearchqa", "Exact Answer: red, green", 0.5),
    ],
)
async def test_public_files_are_tasks_that_any_solver_can_do(
    name: Any, says: str, f1: float, tmp_path: Path
) -> None:
    made = await read(tmp_path, name)

    async def generate(state: Any, tool_calls: str) -> Any:
        state.output = inspect_double.ModelOutput.from_content("m", says)
        state.messages.append(state.output.message)
        return state

    state, found = await inspect_double.solved(made, made.dataset[0], generate)
    expected = score(EvalTask.model_validate(state.metadata[TASK]), Prediction(text=says))
    assert found.value["item_f1"] == expected.item_f1 == f1


@pytest.mark.anyio
async def test_a_judge_grades_where_one_is_given(tmp_path: Path) -> None:
    prompt = grade_answer("Who?", "It was no one.", "Nobody").prompt
    judge = RecordedJudge([Verdict(prompt, "correct: yes", "j")])
    made = await read(tmp_path, "browsecomp", judge=judge)
    state = inspect_double.State.of(made.dataset[0])
    state.output = inspect_double.ModelOutput.from_content("m", "It was no one.")
    assert (await made.scorer(state, "")).value["success"] == 1


@pytest.mark.anyio
async def test_a_sample_of_somebody_elses_is_refused() -> None:
    made = inspect_tasks("elements", "test", 1, 0)
    with pytest.raises(UserError, match="sample x is none of openswarm's"):
        await inspect_double.solved(made, inspect_double.Sample("x", "?", "", {}))


def test_the_options_of_inspects_command_line_make_the_same_tasks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, REGISTRY, raising=False)
    registry = importlib.import_module(REGISTRY)
    made = registry.tasks("elements", arm="swarm", model="local/x", count=2)
    assert [sample.id for sample in made.dataset] == [task.id for task in ELEMENTS.tasks[:2]]
    assert made.metadata == {"corpus": ELEMENTS.documents.sha256, "arm": "swarm"}
    public = registry.deepsearchqa(str(written(tmp_path, "deepsearchqa")), judge="ollama/x")
    assert (len(public.dataset), public.metadata["arm"]) == (1, "inspect")
    monkeypatch.delitem(sys.modules, REGISTRY)


def test_the_module_of_the_command_line_can_be_imported_without_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.delitem(sys.modules, REGISTRY, raising=False)
    registry = importlib.import_module(REGISTRY)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[inspect\]'"):
        registry.tasks("elements")
    monkeypatch.delitem(sys.modules, REGISTRY)
