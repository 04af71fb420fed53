"""The claim manifest holds in all directions: no claim without proof, no proof without a claim."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from requirements import CLAIMS, GAPS, PROGRAMS, Claim

TESTS = Path(__file__).parent
REPO = TESTS.parent

pytestmark = pytest.mark.requirement("house.claims")


@cache
def markers() -> dict[str, list[str]]:
    """Where each id is marked: on a test, or for all tests of a module by its `pytestmark`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "requirement":
                place = f"{path.relative_to(REPO)}:{node.lineno}"
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), f"{place}: write the id out"
                    found[str(argument.value)].append(place)
    return found


def test_ids_are_unique_and_well_formed() -> None:
    """`room.behaviour`, and a sentence."""
    ids = [claim.id for claim in CLAIMS]
    assert len(ids) == len(set(ids))
    assert not [claim for claim in CLAIMS if not re.fullmatch(r"[a-z]+\.[a-z0-9-]+", claim.id)]
    assert not [claim for claim in CLAIMS if not claim.text or not claim.source]


def test_gaps_and_programs_are_those_of_claims() -> None:
    """Nothing is left over from a claim that is gone."""
    ids = {claim.id for claim in CLAIMS}
    assert not (GAPS.keys() | PROGRAMS.keys()) - ids


def test_every_marker_names_a_claim() -> None:
    """A test cannot show what nobody claims."""
    ids = {claim.id for claim in CLAIMS}
    assert {id_: places for id_, places in markers().items() if id_ not in ids} == {}


def test_every_claim_is_shown() -> None:
    """By a test, by a program that is there, or it states its gap."""
    shown = markers()
    bare = [c.id for c in CLAIMS if not (shown.get(c.id) or c.program or c.gap)]
    assert not bare
    assert not [claim.id for claim in CLAIMS if claim.program and not is_there(claim)]


def is_there(claim: Claim) -> bool:
    """Whether the program of a claim exists."""
    return (REPO / claim.program).is_file()


def test_no_gap_is_stated_where_none_is() -> None:
    """A gap that was closed is taken out of the list."""
    shown = markers()
    assert not [claim.id for claim in CLAIMS if claim.gap and shown.get(claim.id)]
