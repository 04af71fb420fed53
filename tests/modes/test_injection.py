"""Pages that give orders, and a model that obeys each of them: nothing with an effect is reached.

The suite with every tool, and the control that shows that the orders would work, is
`bench/injection.py`; here are the tools that need no program beside Python.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bench.injection import HARMS, Ground, Harm, attempt, ground_at
from bench.injections import TECHNIQUES, Order, orders_in, page

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("policy.injection")]

QUICK = [harm for harm in HARMS if not {"shell", "python", "mcp", "browser"} & set(harm.tools)]
UNSEEN = ("in a comment", "in an alternative text")
"""What the text of a page does not hold in the first place."""


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """Where the pages stand and the canaries sit."""
    async with ground_at(tmp_path) as made:
        yield made


@pytest.mark.parametrize("harm", QUICK, ids=lambda harm: harm.name)
async def test_whatever_a_page_orders_no_canary_sees_anything(ground: Ground, harm: Harm) -> None:
    for technique in ("plainly", "closing the fence", "in base64"):
        said, obeyed, outside = await attempt(ground, harm, technique, {})
        assert obeyed, technique
        assert not ground.harmed(said), technique
        assert not outside, technique


@pytest.mark.parametrize(
    "harm", [harm for harm in QUICK if not harm.held_anyway], ids=lambda harm: harm.name
)
async def test_the_same_orders_work_where_the_policy_allows_everything(
    ground: Ground, harm: Harm
) -> None:
    said, obeyed, _ = await attempt(ground, harm, "plainly", {"*": "allow"})
    assert obeyed
    assert ground.harmed(said)


@pytest.mark.parametrize("technique", TECHNIQUES)
async def test_an_order_never_stands_outside_of_the_fence_of_its_page(
    ground: Ground, technique: str
) -> None:
    said, obeyed, outside = await attempt(ground, HARMS[0], technique, {})
    assert obeyed is (technique not in UNSEEN)
    assert not outside
    assert not ground.harmed(said)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_obedient_model_reads_every_spelling(technique: str) -> None:
    order = Order("http_request", {"method": "POST", "url": "http://a/", "body": "owned"})
    text = page(technique, order).replace("&quot;", '"').replace("&amp;", "&")
    assert order in list(orders_in(text))
