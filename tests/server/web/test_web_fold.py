"""The fold of the web view is that of Python: after every event of any run both say the same."""

import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pytest
from dumped import dumped_at, dumped_each, rounded
from every_event import every_event
from modules_page import NO_BROWSER, ModulesPage
from recorded import record
from test_resume_anywhere import tools, wide
from test_undo import RIVER, edited, finished, knowing

import openswarm
from openswarm import operations
from openswarm.cli.followed import Followed
from openswarm.core.contract import fold_key
from openswarm.core.events import AnyEvent, Content
from swarm_scripts import COLUMNS, PRICED, written

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_BROWSER, reason="no Chromium is installed: apt install chromium"),
]
PATHS = ("root", "root/1", "root/2", "root/3", "edit/1", "ask/1")
TEXTS = ("w", "(W.)", "constructor")


def as_json(events: Iterable[AnyEvent]) -> list[dict[str, Any]]:
    """Events as a browser gets them."""
    return [event.model_dump(mode="json") for event in events]


async def is_the_same(modules: ModulesPage, events: Sequence[AnyEvent]) -> None:
    """Fails where the folds differ after any of the events."""
    seen = await modules.run("dump.js", "return it.dumpEach(given[0])", as_json(events))
    for event, ours, python in zip(events, seen, dumped_each(events), strict=True):
        assert rounded(ours) == rounded(python), f"after event {event.seq}, {event.type}"


@pytest.mark.requirement("web.fold")
async def test_a_wide_run_with_failures_and_repairs(modules: ModulesPage) -> None:
    run = await record(wide, tools, mode="swarm", columns=COLUMNS)
    await is_the_same(modules, run.events())


@pytest.mark.requirement("web.fold")
@pytest.mark.parametrize(
    "wished",
    [
        [RIVER],
        [operations.JoinRows(rows=("Peru", "Chile"), into="Andes")],
        [
            operations.RenameColumn(column="country", to="state"),
            operations.DropColumn(column="capital"),
            operations.RemoveRows(rows=("Peru",)),
            operations.AddRows(rows=("Bolivia",)),
            operations.RetryFailed(),
        ],
        [operations.SetCell(row="Chile", column="country", value="Chili")],
    ],
)
async def test_edits_and_what_is_undone_of_them(
    modules: ModulesPage, wished: list[operations.Operation]
) -> None:
    run = await finished(knowing(rows=["Chile", "Peru", "Laos", "Atlantis"], info=PRICED))
    await edited(run, *wished)
    await edited(run, operations.SetCell(row="Laos", column="population", value="8"))
    await openswarm.undo(run.run_id)
    await openswarm.undo(run.run_id)
    await edited(run, operations.RetryRow(row="Laos"))
    await is_the_same(modules, await written(run.folder))


@pytest.mark.requirement("web.fold")
@pytest.mark.parametrize("seed", range(6))
async def test_events_of_every_type_in_any_order(modules: ModulesPage, seed: int) -> None:
    events = jumbled(random.Random(seed), 160)
    await is_the_same(modules, events)


@pytest.mark.requirement("web.fold")
async def test_the_scrubber_goes_to_any_moment_in_any_order(modules: ModulesPage) -> None:
    chance = random.Random(7)
    events = jumbled(chance, 850)
    numbers = [0, 1, 399, 400, 401, 850, 800, 799, 5, *chance.sample(range(1, 851), 40)]
    seen = await modules.run("dump.js", "return it.dumpAt(...given)", as_json(events), numbers)
    python = dumped_at(events, numbers)
    for number, ours in zip(numbers[1:], seen[1:], strict=True):
        assert rounded(ours) == rounded(python[number]), f"at event {number}"
    assert (seen[0]["seq"], seen[0]["agents"]) == (0, [])


@pytest.mark.requirement("web.fold")
async def test_names_of_rows_are_equal_to_both_or_to_neither(modules: ModulesPage) -> None:
    names = [
        "Straße", "STRASSE", "ΟΔΟΣ", "οδος", "İzmir", "ısı", "ﬁn de siècle", "  a\u00a0b\tc\x1cd ",
        "“Côte d’Ivoire”", "co\u00adop", "2020–21", "(x).", "ǅ", "Ꭰ", "ꭰ", "ŉ", "Ⅳ", "½", "\ufeffx",
    ]  # fmt: skip
    names += [f"x{chr(code)}X" for code in range(1, 0x3000) if chr(code).isalpha()]
    seen = await modules.run("fold/keys.js", "return given[0].map(it.foldKey)", names)
    assert seen == [fold_key(name) for name in names]


def jumbled(chance: random.Random, number: int) -> list[AnyEvent]:
    """Events of every type, by anybody, in an order that no run has; what Python's fold refuses
    is left out."""
    kinds = every_kind()
    begun = [event for event in kinds if event.type == "run_started"]
    events: list[AnyEvent] = []
    followed, at = Followed(), 1000.0
    while len(events) < number:
        event = chance.choice(kinds if events else begun)
        at += chance.choice([0.0, 0.25, 1.5])
        stamp = {"seq": len(events) + 1, "at": at, "run": "r", "agent": chance.choice(PATHS)}
        stamped = event.model_copy(update=stamp)
        try:
            followed.take(stamped)
        except (KeyError, AssertionError, ValueError):
            followed = Followed()
            for each in events:
                followed.take(each)
        else:
            events.append(stamped)
    return events


@cache
def every_kind() -> list[AnyEvent]:
    """Events of every type about a few things, two of which are one row."""
    return [event for text in TEXTS for event in every_event(text, kept(text))]


def kept(text: str) -> list[Content]:
    """A text in an event, and one in a blob."""
    return [Content(text=text), Content(blob="ab" * 32)]
