"""A training goes on where it ended, with the same tasks, draws and weights; its log is whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from parl_cases import (
    constant,
    curriculum,
    environment,
    profile,
    request,
    rollout,
    small_policy,
    wide_task,
)

from openswarm.k25.model import K25
from openswarm.k25.training_state import save_state
from openswarm.llm.policy.sampler import Sampler
from openswarm.parl.arms import ARMS
from openswarm.parl.curriculum import build_curriculum
from openswarm.parl.environment import Environment, RolloutRequest, Seat
from openswarm.parl.reward import Reward
from openswarm.parl.rollout import Rollout, Segment
from openswarm.parl.scale.policy_maker import PolicyMaker, weights_of
from openswarm.parl.trainer import LOG, Recipe, Trainer
from openswarm.parl.workers.profile import WorkerProfile, load_profile

SECONDS = ("rollout_s", "update_s")
TINY = Recipe(updates=4, tasks=2, rollouts=3, minibatches=1, save_every=2, rate=1e-3)


def trainer(
    folder: Path,
    arm: str = "parl",
    recipe: Recipe = TINY,
    seed: int = 0,
    stronger: WorkerProfile | None = None,
) -> Trainer:
    """A trainer over the lands."""
    env = environment(fail_rate=0.3)
    return Trainer(small_policy(seed), ARMS[arm], recipe, curriculum(), env, folder, stronger)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The log without what the clock says."""
    text = (folder / LOG).read_text("utf-8")
    values = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k not in SECONDS} for line in values]


@pytest.mark.requirement("parl.ray")
def test_rollouts_can_be_made_elsewhere(tmp_path: Path) -> None:
    """With the weights as they are, in bytes; the trainer learns from what comes back."""
    maker = PolicyMaker(environment(), Seat())
    sent: list[bytes] = []

    def elsewhere(model: K25, requests: Sequence[RolloutRequest]) -> list[Rollout]:
        sent.append(weights_of(model))
        return maker.make(requests, sent[-1])

    recipe = replace(TINY, updates=2)
    made = Trainer(
        small_policy(0), ARMS["parl"], recipe, curriculum(), environment(), tmp_path,
        elsewhere=elsewhere,
    )  # fmt: skip
    made.run()
    assert len(sent) == len(lines(tmp_path)) == 2
    assert sent[0] != sent[1]


class _Ended(Exception):
    """A process that ended."""


def ended_after(made: Trainer, updates: int) -> None:
    """Trains, and ends after so many updates."""

    def tell(_: object) -> None:
        if made.update == updates:
            raise _Ended

    with pytest.raises(_Ended):
        made.run(tell)


def weights(model: K25) -> list[torch.Tensor]:
    """All numbers of a model."""
    return [value.clone() for value in model.state_dict().values()]


def assert_same(one: Trainer, other: Trainer) -> None:
    """The same log and weights, but for the last digits of a sum, which depend on the machine."""
    for mine, its in zip(lines(one.folder), lines(other.folder), strict=True):
        assert mine == pytest.approx(its, abs=2e-4)
    for part, its_part in zip(weights(one.model), weights(other.model), strict=True):
        assert torch.allclose(part, its_part, rtol=0, atol=2e-4)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.requirement("parl.resume")
@pytest.mark.parametrize("arm", ["parl", "toggle"])
def test_a_training_that_was_ended_goes_on_exactly(arm: str, tmp_path: Path) -> None:
    """Four updates are three, an end in the middle, and the rest from the last checkpoint."""
    whole, parts = trainer(tmp_path / "whole", arm), trainer(tmp_path / "parts", arm)
    whole.run()
    ended_after(parts, 3)
    assert [line["update"] for line in lines(tmp_path / "parts")] == [0, 1, 2]
    again = trainer(tmp_path / "parts", arm, seed=9)
    assert again.resume()
    assert again.update == 2
    again.run()
    assert again.budgets == whole.budgets
    assert_same(again, whole)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.requirement("parl.resume")
def test_a_torn_line_of_the_log_is_dropped(tmp_path: Path) -> None:
    """With those of updates that are done again; the log goes on as one."""
    made = trainer(tmp_path, recipe=Recipe(3, 1, 2, 1, save_every=1))
    ended_after(made, 2)
    with (tmp_path / LOG).open("a", encoding="utf-8") as log:
        log.write('{"update": 1, "lambda_par')
    again = trainer(tmp_path, recipe=Recipe(3, 1, 2, 1, save_every=1))
    assert again.resume()
    again.run()
    assert [line["update"] for line in lines(tmp_path)] == [0, 1, 2]


@pytest.mark.requirement("parl.resume")
@pytest.mark.parametrize("ended", [1, 3])
def test_workers_become_stronger_at_the_same_update_after_an_end(
    ended: int, tmp_path: Path
) -> None:
    """Before the second half or in it: the same weights and lines as in one piece."""
    recipe = Recipe(updates=4, tasks=1, rollouts=2, minibatches=1, save_every=1)
    later = profile(extra_steps=constant(3))
    whole = trainer(tmp_path / "whole", recipe=recipe, stronger=later)
    used = [whole._environment([]).profile]
    whole.run(lambda _: used.append(whole._environment([]).profile))
    assert used == [whole.environment.profile] * 2 + [later] * 3
    ended_after(trainer(tmp_path / "parts", recipe=recipe, stronger=later), ended + 1)
    again = trainer(tmp_path / "parts", recipe=recipe, seed=9, stronger=later)
    assert again.resume()
    assert again.update == ended
    again.run()
    assert_same(again, whole)


@pytest.mark.requirement("parl.resume", "parl.toggle")
@pytest.mark.parametrize("written", [False, True])
def test_budgets_are_those_of_the_state_whenever_it_ends(
    written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before the state was written, and just after it."""
    made = trainer(tmp_path, "toggle")
    made.update, made.budgets = 2, {"a": 10}
    made.save()
    made.update, made.budgets = 4, {"a": 10, "b": 20}

    def ending(*given: Any) -> None:
        if written:
            save_state(*given)
        raise _Ended

    monkeypatch.setattr("openswarm.parl.trainer.save_state", ending)
    with pytest.raises(_Ended):
        made.save()
    monkeypatch.undo()
    again = trainer(tmp_path, "toggle")
    assert again.resume()
    assert (again.update, again.budgets) == ((4, made.budgets) if written else (2, {"a": 10}))
    again.update = 6
    again.save()
    assert [path.name for path in tmp_path.glob("toggle*")] == ["toggle-6.json"]


@pytest.mark.requirement("parl.resume")
@pytest.mark.parametrize("budgets", [{}, {"a": 10}])
def test_folders_of_before_go_on(budgets: dict[str, int], tmp_path: Path) -> None:
    """Their budgets have no update in their name, or there are none."""
    made = trainer(tmp_path, "toggle")
    made.update = 2
    made.save()
    (tmp_path / "toggle-2.json").unlink()
    if budgets:
        (tmp_path / "toggle.json").write_text(json.dumps(budgets))
    again = trainer(tmp_path, "toggle")
    assert again.resume()
    assert again.budgets == budgets
    again.save()
    assert [path.name for path in tmp_path.glob("toggle*")] == ["toggle-2.json"]


@pytest.mark.requirement("parl.toggle")
@pytest.mark.parametrize(("quality", "total"), [(0.65, 1.25), (0.75, 0.0)])
def test_toggle_looks_at_the_result_and_not_at_what_helps_to_explore(
    quality: float, total: float, tmp_path: Path
) -> None:
    """λ·r_parallel lifts no weak task over the threshold."""
    made = trainer(tmp_path, "toggle")
    made.budgets = {"t": 10}
    runs = [rollout(quality=quality, tokens=100)] * 2
    rewards = [Reward(quality, 1.0, 1.0, quality + 0.6)] * 2
    assert made._totals(runs, rewards) == pytest.approx([total] * 2)


@pytest.mark.requirement("parl.one-path")
def test_there_is_room_for_every_sub_agent_that_can_work_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each document of each rollout."""
    slots: list[int] = []

    def noting(*_: Any, slots_of: Any = slots, slots: int, tokens: int) -> Sampler:
        slots_of.append(slots)
        return Sampler(small_policy(), slots=1, tokens=tokens)

    monkeypatch.setattr("openswarm.parl.trainer.Sampler", noting)
    made = trainer(tmp_path, "start-workers")
    many = [request(wide_task(), seed=seed) for seed in range(100)]
    made._environment(many)
    assert slots == [100 * len(wide_task().scope)] == [1200]


@pytest.mark.requirement("parl.resume")
def test_an_empty_folder_is_a_beginning(tmp_path: Path) -> None:
    """There is nothing to go on from."""
    made = trainer(tmp_path)
    assert not made.resume()
    assert made.update == 0


@pytest.mark.requirement("parl.resume")
def test_what_an_update_draws_is_a_function_of_its_number(tmp_path: Path) -> None:
    """Tasks, seeds and budgets; another update or another seed draws others."""
    env = environment()

    def asked(seed: int, update: int) -> list[tuple[str, str, int, int | None]]:
        made = Trainer(
            small_policy(), ARMS["parl"], Recipe(seed=seed, tasks=3, rollouts=2), curriculum(),
            env, tmp_path,
        )  # fmt: skip
        made.update = update
        tasks = made.curriculum.draw(3, seed, update)
        requests = [made._request(task, p, n) for p, task in enumerate(tasks) for n in range(2)]
        return [(r.task.id, r.group, r.seed, r.critical_steps) for r in requests]

    assert asked(0, 5) == asked(0, 5)
    assert asked(0, 5) != asked(0, 6)
    assert asked(0, 5) != asked(1, 5)
    assert len({seed for _, _, seed, _ in asked(0, 5)}) == 6
    assert len({group for _, group, _, _ in asked(0, 5)}) == 3


@pytest.mark.requirement("parl.budget")
@pytest.mark.parametrize(
    ("arm", "limits"), [("parl", (True, False)), ("loose", (True, False)),
                        ("total-budget", (False, True))],
)  # fmt: skip
def test_an_arm_says_what_is_limited(arm: str, limits: tuple[bool, bool], tmp_path: Path) -> None:
    """Critical steps, next to nothing, or all steps."""
    made = trainer(tmp_path, arm)
    (task,) = made.curriculum.draw(1, 0, 0)
    asked = made._request(task, 0, 0)
    assert (asked.critical_steps is not None, asked.steps is not None) == limits
    tight = made.curriculum.budget(task)
    if arm == "loose":
        assert asked.critical_steps is not None
        assert asked.critical_steps > 2 * made.curriculum.alone(task) >= 2
    else:
        assert tight in {asked.critical_steps, asked.steps}


def decided(group: str, token: int, **changes: Any) -> Rollout:
    """A rollout of one decision between two tokens."""
    segment = Segment((300, token), (False, True), (0.0, -0.69), ((301, 302),))
    return rollout(group=group, segments=(segment,), **changes)


@pytest.mark.requirement("parl.objective")
def test_an_update_makes_what_was_better_likelier(tmp_path: Path) -> None:
    """Of two choices in a group, the one with the greater reward."""
    made = trainer(tmp_path, recipe=Recipe(minibatches=1, rate=1e-3))

    def likelihood() -> float:
        hidden = made.model.language_model(
            made.model.language_model.embed_tokens(torch.tensor([[300]]))
        )
        logits = made.model.language_model.lm_head(hidden[0, -1])[[301, 302]]
        return float(logits.detach().softmax(-1)[0])

    before = likelihood()
    made.learn([decided("g", 301), decided("g", 302)], [1.0, 0.0])
    better = likelihood()
    assert better > before
    made.learn([decided("g", 301), decided("g", 302)], [0.0, 1.0])
    assert likelihood() < better


@pytest.mark.requirement("parl.objective")
def test_groups_whose_rewards_are_equal_teach_nothing(tmp_path: Path) -> None:
    """Not a weight moves, and nothing is reported."""
    made = trainer(tmp_path, recipe=Recipe(minibatches=1, rate=1e-2))
    before = weights(made.model)
    assert made.learn([decided("g", 301), decided("g", 302)], [0.5, 0.5]) == []
    for mine, other in zip(weights(made.model), before, strict=True):
        assert torch.equal(mine, other)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.requirement("parl.annealing", "parl.frozen-workers")
def test_a_training_on_the_shipped_samples_ends_with_the_result_alone(tmp_path: Path) -> None:
    """λ in the log falls to exactly 0; workers and documents are what they were."""
    tasks = build_curriculum(None, ("elements", "fact"), pool=6)
    env = Environment(tasks.corpora, load_profile("strong"))
    before = [env.profile.sha256, *(d.sha256 for d in env.corpora.values())]
    recipe = Recipe(updates=5, tasks=2, rollouts=2, minibatches=1, save_every=5)
    made = Trainer(small_policy(), ARMS["parl"], recipe, tasks, env, tmp_path)
    made.run()
    lambdas = [(line["lambda_parallel"], line["lambda_finish"]) for line in lines(tmp_path)]
    assert lambdas[0] == (ARMS["parl"].schedule.parallel, ARMS["parl"].schedule.finish)
    assert lambdas[-2:] == [(0.0, 0.0), (0.0, 0.0)]
    assert [env.profile.sha256, *(d.sha256 for d in env.corpora.values())] == before
