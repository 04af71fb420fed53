"""How many items a task names or counts."""

import time

import pytest

from openswarm.core.task import Task
from openswarm.modes.routing.counting import count_items
from openswarm.modes.routing.features import features_of

pytestmark = pytest.mark.requirement("router.predicts")


@pytest.mark.parametrize(
    ("text", "number", "source"),
    [
        ("Compare Notion, Coda, Craft and Roam: price, api", 4, "named"),
        ("for these:\n- Bergen\n- Molde\n- Alta\nthe mayor", 3, "named"),
        ("1. Graz\n2. Linz\n3. Wels\n4. Steyr\nwhat do they charge?", 4, "named"),
        ("check polars; pandas; duckdb; numpy; httpx for open bugs", 5, "named"),
        ("the 12 utilities: EnBW, RWE, EWE, MVV, swb, N-Ergie, Enercity, Mainova, Vattenfall,"
         " Rheinenergie, E.ON and Badenova", 12, "named"),
        ("pull the totals out of all 45 invoices", 45, "stated"),
        ("top 20 ski resorts in the alps", 20, "stated"),
        ("the thirty largest pension funds", 30, "stated"),
        ("We have ~80 supplier contracts", 80, "stated"),
        ("a hundred public libraries", 100, "stated"),
        ("classify every document (about 142 in all)", 142, "stated"),
        ("Lies alle sechzig Bewerbungen", 60, "stated"),
        ("1,200 tickets, one row each", 1200, "stated"),
        ("all EU member states", 27, "set"),
        ("für jeden Verein der 1. Bundesliga: Stadion, Kapazität, Umsatz", 18, "set"),
        ("every one of the DAX companies: auditor, fees, since when", 40, "set"),
    ],
)  # fmt: skip
def test_items_are_counted(text: str, number: int, source: str) -> None:
    count = count_items(text)
    assert (count.number, count.source) == (number, source)


@pytest.mark.parametrize(
    "text",
    [
        "Summarise it in 5 sentences.",
        "A train goes 120 km in 90 minutes.",
        "What happened in 1984?",
        "What does NATO stand for?",
        "iPhone 17 or Pixel 10?",
        "I paid 300 euros, 20 percent more than last year",
        "Translate it, please.",
        "What is the boiling point of ethanol?",
        "",
    ],
)
def test_what_is_no_list_and_no_count_is_not_counted(text: str) -> None:
    assert count_items(text).number == 0


def test_columns_are_told_from_the_rows_that_they_are_asked_of() -> None:
    count = count_items("revenue, headcount and website of Adyen, Klarna, Stripe, Miro, Figma")
    assert (count.number, count.source) == (5, "named")
    assert count.attributes >= 2


@pytest.mark.requirement("router.cheap")
@pytest.mark.parametrize(
    "piece",
    ["a, ", "1 of the ", "\n- a", '"', "12 ", "x", "? ", "(", "each ", "a; b/", "\n\n", "é1."],
)
def test_no_text_keeps_it_busy(piece: str) -> None:
    task = Task(text=piece * (1_000_000 // len(piece)))
    began = time.perf_counter()
    features_of(task, 0)
    assert time.perf_counter() - began < 1
