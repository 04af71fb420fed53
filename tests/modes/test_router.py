"""Which mode a task gets, how wide, and the reason that is given for it."""

import pytest

import openswarm
from openswarm.core.columns import parse_columns
from openswarm.core.limits import Limits
from openswarm.core.table import Cell, Row
from openswarm.core.task import Task
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.routing import Route, route

CONTRACT = parse_columns("country; capital", ["country"])
NAMES = ("Chile", "Peru", "Laos", "Chad", "Norway", "Kenya", "Ghana", "Nepal", "Oman", "Togo",
         "Latvia", "Rwanda")  # fmt: skip
NAMED = f"For each of {', '.join(NAMES)}: the minimum wage and the law that it is based on."


def routed(text: str, *tools: str, over: bool = False, **limits: float) -> Route:
    """The route of a task with tools and perhaps documents."""
    documents = ("documents",) if over else ()
    task = Task(text=text, tools=tools, over=documents, limits=Limits(**limits))
    return route(task, len(tools))


# what the user fixed


@pytest.mark.requirement("router.chosen")
@pytest.mark.parametrize(
    ("task", "tools", "mode", "by", "why"),
    [
        (Task(text="For each.", mode="thinking", contract=CONTRACT), 1, "thinking", "user", "user"),
        (Task(text=NAMED, mode="instant", tools=("web",)), 1, "instant", "user", "user"),
        (Task(text="Hello?", mode="swarm"), 0, "swarm", "user", "user"),
        (Task(text="What are they?", contract=CONTRACT), 0, "swarm", "rules", "a table is asked"),
        (Task(text="A table.", contract=CONTRACT, limits=Limits(max_subagents=0)), 0, "agent",
         "rules", "switched off"),
        (Task(text=NAMED, tools=("web",), limits=Limits(depth=0)), 1, "agent", "rules", "off"),
    ],
)  # fmt: skip
def test_what_the_user_fixed_stays(task: Task, tools: int, mode: str, by: str, why: str) -> None:
    chosen = route(task, tools)
    assert (chosen.mode, chosen.by, chosen.confidence) == (mode, by, None)
    assert why in chosen.why


@pytest.mark.requirement("router.chosen", "router.width")
def test_rows_that_are_given_are_work_where_a_cell_is_empty() -> None:
    cells = [("Chile", ""), ("Peru", "Lima"), ("Laos", "")]
    rows = tuple(
        Row(cells={"country": Cell(value=name), "capital": Cell(value=capital)})
        for name, capital in cells
    )
    chosen = route(Task(text="Fill it.", mode="agent", contract=CONTRACT, rows=rows), 0)
    assert (chosen.mode, chosen.width, chosen.by) == ("swarm", 2, "rules")


# what it predicts from the task


@pytest.mark.requirement("router.predicts")
@pytest.mark.parametrize(
    ("text", "tools", "over", "mode"),
    [
        ("What is the capital of Peru?", (), False, "instant"),
        ("What is the capital of Peru?", ("web",), False, "instant"),
        ("Translate into French: each of the twelve lists was compared with all the others, and"
         " then the results were put into a table. Nobody found it. It was lost.", (), False,
         "instant"),
        ("Prove that the square root of 7 is irrational.", (), False, "thinking"),
        ("Find out where Emmy Noether studied, then who led that institute, then what became of"
         " him, using the result of each step for the next.", ("web",), False, "agent"),
        ("What does the contract say about subletting?", (), True, "agent"),
        ("Is it raining in Porto right now?", ("web",), False, "agent"),
        (NAMED, ("web",), False, "swarm"),
        ("From each of the 80 invoices: vendor, total and date.", (), True, "swarm"),
        ("Die Mindestlöhne aller EU-Länder mit Quelle", ("web",), False, "swarm"),
        ("Check the sites of 40 shops for the recalled charger.", ("web",), False, "swarm"),
    ],
)  # fmt: skip
def test_the_task_itself_says_which_mode_it_deserves(
    text: str, tools: tuple[str, ...], over: bool, mode: str
) -> None:
    chosen = routed(text, *tools, over=over)
    assert (chosen.mode, chosen.by) == (mode, "classifier")
    assert chosen.confidence is not None and 0.25 <= chosen.confidence <= 1
    assert (chosen.width >= 2) == (mode == "swarm")


@pytest.mark.requirement("router.predicts")
def test_the_number_of_items_makes_the_difference() -> None:
    few = routed("Opening hours of the libraries in Graz and Linz?", "web")
    many = routed(
        "Opening hours, address and website of the libraries in Graz, Linz, Wels, Steyr, Bregenz,"
        " Villach, Krems, Baden, Leoben, Traun, Lustenau, Hallein, Kufstein and Telfs?", "web",
    )  # fmt: skip
    assert (few.mode, many.mode) == ("agent", "swarm")


@pytest.mark.requirement("router.predicts")
def test_without_tools_there_is_nothing_to_look_up_with() -> None:
    text = "Compare Graz and Linz in a paragraph."
    assert routed(text).mode == "instant"
    assert routed("Which of these papers is the oldest?", over=True).mode == "agent"


@pytest.mark.requirement("router.predicts", "router.width")
def test_limits_cap_the_width_and_can_rule_the_swarm_out() -> None:
    assert 2 <= routed(NAMED, "web", max_subagents=5).width <= 5
    assert routed(NAMED, "web", max_subagents=1).mode != "swarm"
    assert route(Task(text=NAMED, contract=CONTRACT, limits=Limits(max_subagents=1)), 0).width == 1


@pytest.mark.requirement("router.predicts")
def test_documents_are_never_left_to_a_reply_that_cannot_see_them() -> None:
    for text in ("Hello", "Translate this into French: a b c", "What is 2 + 2?", "Prove it."):
        assert routed(text, over=True).mode in ("agent", "swarm")


@pytest.mark.requirement("router.predicts")
@pytest.mark.parametrize(
    "text", ["Add.", "Book the room", "Hello?", "What is the capital of Peru?"]
)
def test_tools_that_the_user_wrote_are_left_to_somebody_who_can_call_them(text: str) -> None:
    assert route(Task(text=text), 1).mode == "agent"
    assert route(Task(text=text, tools=("mcp",)), 1).mode == "agent"
    assert route(Task(text=text), 0).mode == "instant"


# width and reason


@pytest.mark.requirement("router.width")
@pytest.mark.parametrize(
    ("text", "width"),
    [
        (NAMED, 12),
        ("The thirty largest pension funds: assets, coal policy, with source for each", 30),
        ("Capital gains tax in all US states, with link to the law", 50),
        ("For each of the 7 museums below: opening hours, fee, director, address, collection,"
         " sources and quotes in detail", 7),
        ("Table of 400 shops that sell bread flour: address, owner, phone, website", 400),
    ],
)  # fmt: skip
def test_the_width_is_the_number_of_items_where_the_task_says_it(text: str, width: int) -> None:
    chosen = routed(text, "web", max_subagents=1000, usd=100)
    assert chosen.mode == "swarm"
    assert width / 1.5 <= chosen.width <= width


@pytest.mark.requirement("router.width")
def test_the_width_of_an_unnamed_set_is_an_estimate() -> None:
    chosen = routed("All the breweries in Estonia: address, owner, founded", "web")
    assert chosen.mode == "swarm"
    assert 10 <= chosen.width <= 300
    assert f"by estimate {chosen.width}" in chosen.why


@pytest.mark.requirement("router.reason")
@pytest.mark.parametrize(
    ("text", "tools", "why"),
    [
        (NAMED, ("web",), "12 items are named, each needs pages of its own"),
        ("Capital gains tax in all US states", ("web",),
         "“US states” stands for about 50 items, each needs pages of its own"),
        ("Check the pages of 40 shops for the recalled charger.", ("web",),
         "40 shops are asked about, each needs pages of its own"),
        ("What is the capital of Peru?", (), "one question that needs no tools"),
        ("Is it raining in Porto right now?", ("web",), "it asks for what is current"),
        ("Prove that the square root of 7 is irrational.", (), "proof"),
    ],
)  # fmt: skip
def test_the_reason_says_what_was_found(text: str, tools: tuple[str, ...], why: str) -> None:
    assert why in routed(text, *tools).why


@pytest.mark.requirement("router.reason")
def test_the_reason_is_one_line_whatever_the_task_is() -> None:
    odd = "For each of 12 \x1b[31mshops\n\n\n" + "x" * 5000 + ": the price of 99 " + "y" * 500
    chosen = routed(odd, "web")
    assert len(chosen.why) < 200
    assert "\n" not in chosen.why and "\x1b" not in chosen.why


@pytest.mark.anyio
@pytest.mark.requirement("modes.route", "router.reason")
async def test_a_run_says_which_mode_it_took_and_why() -> None:
    model = ScriptedModel({"instant": [Say("A monoid.")]})
    result = await openswarm.run("What is a monad?", model=model)
    assert (result.mode, result.mode_reason) == ("instant", "one question that needs no tools")
