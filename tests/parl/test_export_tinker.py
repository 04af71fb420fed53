"""Datums for Tinker: shifted by one, with advantages on the policy's tokens alone."""

import json
import subprocess
from pathlib import Path

import pytest
from compacted_rollout import compacted
from hypothesis import given
from hypothesis import strategies as st
from sound_rollouts import rollouts

from openswarm.core.errors import SettingsError
from openswarm.parl.export.tinker import datum_fields, to_datums
from openswarm.parl.rollout import Rollout, Segment

SOURCE = Path(__file__).parents[2] / "src"
PYTHON = "OPENSWARM_TINKER_PYTHON"
CONTRACT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from compacted_rollout import compacted
from openswarm.parl.export.tinker import to_datums
print(json.dumps([
    {
        "input": datum.model_input.to_ints(),
        **{
            key: [value.dtype, value.to_numpy().tolist()]
            for key, value in datum.loss_fn_inputs.items()
        },
    }
    for datum in to_datums([compacted()], [0.5])
]))
"""
FIRST = {
    "model_input": [10, 11, 12, 13, 14],
    "loss_fn_inputs": {
        "target_tokens": [11, 12, 13, 14, 15],
        "logprobs": [0.0, -0.5, -0.25, 0.0, -1.0],
        "advantages": [0.0, 0.5, 0.5, 0.0, 0.5],
        "mask": [0.0, 1.0, 1.0, 0.0, 1.0],
    },
}


@pytest.mark.requirement("parl.export-tinker")
def test_each_segment_is_a_datum_that_is_shifted_by_one_token() -> None:
    """Targets, log-probabilities, advantages and mask stand at the token that is predicted."""
    first, second = datum_fields([compacted()], [0.5])
    assert first == FIRST
    assert second["loss_fn_inputs"]["advantages"] == [0.0, 0.5]


@pytest.mark.requirement("parl.export-tinker")
@given(st.data())
def test_only_tokens_that_the_policy_chose_have_an_advantage(data: st.DataObject) -> None:
    """All of them the one of their rollout; everything else has none, and no log-probability."""
    drawn = data.draw(st.lists(rollouts(), max_size=3))
    advantages = [float(i + 1) for i in range(len(drawn))]
    datums = datum_fields(drawn, advantages)
    inputs = [datum["loss_fn_inputs"] for datum in datums]
    assert sum(sum(each["mask"]) for each in inputs) == sum(rollout.length for rollout in drawn)
    paid = sum(sum(each["advantages"]) for each in inputs)
    assert paid == sum(a * r.length for a, r in zip(advantages, drawn, strict=True))
    for datum, each in zip(datums, inputs, strict=True):
        assert {len(column) for column in each.values()} == {len(datum["model_input"])}
        for chosen, advantage, logprob in zip(
            each["mask"], each["advantages"], each["logprobs"], strict=True
        ):
            assert chosen or (advantage == 0 and logprob == 0)


@pytest.mark.parametrize(
    ("many", "advantages", "says"),
    [
        ([compacted()], [], "1 rollouts, 0 advantages"),
        ([compacted()], [float("nan")], "not finite"),
        ([compacted(quality=float("nan"))], [1.0], "wide-1"),
    ],
)
def test_what_does_not_fit_is_refused(
    many: list[Rollout], advantages: list[float], says: str
) -> None:
    """Before any datum is made."""
    with pytest.raises(ValueError, match=says):
        datum_fields(many, advantages)


def narrow() -> Rollout:
    """A rollout whose log-probabilities are over a few allowed tokens."""
    segment = Segment((1, 2, 3), (False, False, True), (0.0, 0.0, -0.7), ((3, 4),))
    return compacted(segments=(segment,))


@pytest.mark.requirement("parl.export-tinker")
def test_a_policy_that_chose_among_a_few_tokens_is_refused() -> None:
    """The service computes log-probabilities over the whole vocabulary."""
    with pytest.raises(ValueError, match=r"'wide-1'.*whole vocabulary"):
        datum_fields([compacted(), narrow()], [1.0, 1.0])


def test_without_tinker_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "tinker", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[tinker\]'"):
        to_datums([], [])


@pytest.mark.slow
@pytest.mark.requirement("parl.export-tinker")
def test_tinkers_own_types_take_the_datums(outer_environment: dict[str, str]) -> None:
    """In an environment that has the client: token ids as int64, the rest as float32."""
    if not (python := outer_environment.get(PYTHON)):
        pytest.skip(f"{PYTHON} names no interpreter that has the tinker package")
    done = subprocess.run(
        [python, "-c", CONTRACT, str(Path(__file__).parent)], check=True, capture_output=True,
        text=True, env={"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    first, second = json.loads(done.stdout)
    expected = FIRST["loss_fn_inputs"]
    assert first == {
        "input": FIRST["model_input"],
        "target_tokens": ["int64", expected["target_tokens"]],
        "logprobs": ["float32", expected["logprobs"]],
        "advantages": ["float32", expected["advantages"]],
    }
    assert second["input"] == [10, 20]
