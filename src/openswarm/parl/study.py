"""The tests of several trainings in one file of results: what is there is kept, the rest is made.

`results.csv` has a line a rollout, `results.json` beside it says how they were made; results of
other settings are not mixed, and those of a policy that was trained anew are made anew. Files of
one manner can be joined, line after line, when the policies of both stand in one `results.json`.
Owns which rollouts are missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen
from openswarm.llm.policy.folder import load_policy
from openswarm.parl.arms import ARMS
from openswarm.parl.checkpoint import Training, limit_threads, policy_folder, weights_sha256
from openswarm.parl.course import Surroundings, profile_of
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.environment import Seat
from openswarm.parl.evaluate import evaluate
from openswarm.parl.results import Result, read_results, write_results

MAX_BYTES = 64 * 1024
OnTest = Callable[[str, str, int, int], None]
"""Gets the training, the test, and how many of its rollouts are done and wanted."""


class Manner(Frozen):
    """How results were made: those of one file have it in common."""

    sample: bool
    """Whether the tasks are of the small corpora that openswarm ships."""
    worker: str
    """SHA-256 of the frozen worker's figures."""
    temperature: float
    command: str
    """What was typed last."""
    policies: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the weights of each policy, such as `parl-0`."""
    corpora: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the documents of each corpus."""

    def fits(self, before: "Manner") -> bool:
        """Whether results of both can stand in one file, those of other policies left aside."""
        own = {"command", "policies", "corpora"}
        return self.model_dump(exclude=own) == before.model_dump(exclude=own) and all(
            self.corpora.get(name, known) == known for name, known in before.corpora.items()
        )

    def added_to(self, before: "Manner") -> "Manner":
        """This manner, with policies and corpora that only the file has."""
        return self.model_copy(
            update={
                "policies": {**before.policies, **self.policies},
                "corpora": {**before.corpora, **self.corpora},
            }
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A trained policy under test."""

    folder: Path
    arm: str
    seed: int
    seat: Seat

    @property
    def name(self) -> str:
        """Arm and seed, such as `parl-0`."""
        return f"{self.arm}-{self.seed}"


def subjects_of(folders: Sequence[Path]) -> list[Subject]:
    """The policies of some folders; a start is the arm `start`.

    Raises `UserError` for a folder without a finished training, an arm that there is not, and a
    seed of an arm that is there twice.
    """
    found: dict[tuple[str, int], Subject] = {}
    for folder in folders:
        training = Training.load(folder)
        policy = policy_folder(folder)
        arm = training.arm or "start"
        if training.arm and arm not in ARMS:
            raise UserError(f"{folder} was trained as {arm!r}, which is no arm")
        seat = ARMS[arm].seat if training.arm else Seat()
        if (arm, training.seed) in found:
            other = found[arm, training.seed].folder.parent
            raise UserError(f"{folder} and {other} are both seed {training.seed} of the arm {arm}")
        found[arm, training.seed] = Subject(policy, arm, training.seed, seat)
    return list(found.values())


def carry_out(
    subjects: Sequence[Subject],
    tests: dict[str, Curriculum],
    out: Path,
    around: Surroundings,
    *,
    budgets: Sequence[int],
    temperature: float = 0.0,
    tell: OnTest = lambda *_: None,
) -> list[Result]:
    """Tests each policy, and writes the results down after each test.

    Returns all that the file holds then. Raises `UserError` for a file that is none, that cannot be
    written, or whose results were made otherwise.
    """
    limit_threads(around.threads)
    profile = profile_of(around.profile)
    manner = Manner(
        sample=around.home is None,
        worker=profile.sha256,
        temperature=temperature,
        command=around.command,
        policies={subject.name: weights_sha256(subject.folder) for subject in subjects},
        corpora={
            name: documents.sha256
            for curriculum in tests.values()
            for name, documents in curriculum.corpora.items()
        },
    )
    results = _known(out, manner)
    for subject in subjects:
        model = None
        for name, curriculum in tests.items():
            missing = _missing(results, subject, name, curriculum, budgets)
            if not missing:
                continue
            model = model or load_policy(subject.folder)
            of, label = (subject.arm, subject.seed, name), subject.name
            results = [
                r for r in results if (r.arm, r.seed, r.test) != of or r.budget not in missing
            ]
            results += evaluate(
                model, subject.seat, {name: curriculum}, profile,
                arm=subject.arm, seed=subject.seed, budgets=missing, temperature=temperature,
                tell=lambda done, total, label=label, name=name: tell(label, name, done, total),
            )  # fmt: skip
            _write(out, results)
    return results


def _known(out: Path, manner: Manner) -> list[Result]:
    """What the file holds, but for policies that are others now; claims it for this manner.

    Results go before the claim: whenever it ends, none passes for one of another policy.
    """
    beside = out.with_suffix(".json")
    if beside == out:
        raise UserError(f"{out}: results are a CSV file; give another name")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        results = list(read_results(out)) if out.exists() else []
        before = manner.model_copy(update={"policies": {}, "corpora": {}})
        if results and beside.exists():
            with beside.open("rb") as file:
                before = Manner.model_validate_json(file.read(MAX_BYTES))
        if not manner.fits(before):
            raise UserError(
                f"the results in {out} were made otherwise ({beside.name}: corpora, worker or"
                " temperature); give another file"
            )
        others = {name for name, own in manner.policies.items() if before.policies.get(name) != own}
        kept = [result for result in results if f"{result.arm}-{result.seed}" not in others]
        if len(kept) < len(results):
            _write(out, kept)
        text = manner.added_to(before).model_dump_json(indent=1) + "\n"
        beside.write_text(text, encoding="utf-8")
    except ValidationError:
        raise UserError(f"{beside} says nothing of how results were made; remove it") from None
    except OSError as error:
        raise UserError(f"{out} cannot hold results: {error}") from None
    return kept


def _missing(
    results: Sequence[Result],
    subject: Subject,
    test: str,
    curriculum: Curriculum,
    budgets: Sequence[int],
) -> list[int]:
    """The budgets at which a policy has not done every task of a test."""
    wanted = {task.id for pool in curriculum.pools.values() for task in pool}
    of = (subject.arm, subject.seed, test)
    done = {(r.budget, r.task) for r in results if (r.arm, r.seed, r.test) == of}
    return [b for b in budgets if any((b, task) not in done for task in wanted)]


def _write(out: Path, results: Sequence[Result]) -> None:
    """Writes the file, whole or not at all."""
    fresh = out.with_name(f"{out.name}.new")
    try:
        write_results(fresh, results)
        fresh.replace(out)
    except OSError as error:
        raise UserError(f"{out} cannot hold results: {error}") from None
