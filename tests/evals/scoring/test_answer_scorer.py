"""Short answers and answers with parts, exact and judged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_tasks import Says, answer_task, fenced, figures

from openswarm.evals.scoring.answers import asked, calibration_error, confidence, final_answer
from openswarm.evals.scoring.questions import only_yes, said_yes
from openswarm.evals.scoring.score import judged_score, score
from openswarm.evals.task import Prediction

pytestmark = pytest.mark.anyio
FORM = "Explanation: because.\n**Exact Answer:** {}\nConfidence: 85%"
short = pytest.mark.requirement("evals.short-answers")
parts = pytest.mark.requirement("evals.deepsearchqa")


@short
@pytest.mark.parametrize(
    ("text", "right"),
    [
        (FORM.format("Lima."), True),
        (FORM.format("LIMA"), True),
        ("It took long.\nlima", True),
        (FORM.format("Lima or Quito"), False),
        ("Final answer: Lima", True),
        ("", False),
        ("It is Lima, I think.", False),
        ("Exact Answer:\nLima\nConfidence: 90%", True),
    ],
)
def test_a_short_answer_is_right_up_to_writing(text: str, right: bool) -> None:
    """All seven figures say the same."""
    assert figures(score(answer_task("Lima"), Prediction(text=text))) == (float(right),) * 7


@short
@pytest.mark.parametrize(
    ("said", "right"), [("1,234", 1), ("1234.0", 1), ("1234%", 0), ("1235", 0), ("12,34", 0)]
)
def test_numbers_are_right_by_value(said: str, right: int) -> None:
    """Commas and zeros behind the point do not matter, and nothing is rounded."""
    assert score(answer_task("1234"), Prediction(text=FORM.format(said))).success == right


@short
def test_the_form_is_read_back() -> None:
    """The last answer and the last confidence that are stated count."""
    text = "Exact Answer: Quito\n" + FORM.format("`Lima`")
    assert (final_answer(text), confidence(text)) == ("Lima", 0.85)
    assert confidence("Confidence: 0.7") == 0.7
    assert confidence("Confidence: 250%") == 1.0
    assert confidence("I am sure") is None
    assert "Exact Answer:" in asked("Which?")
    assert final_answer("\n \n") == ""


@short
async def test_a_judge_grades_by_its_verdict_line() -> None:
    """Published: the first match. Strict: every line that is a verdict."""
    task, said = answer_task("Lima"), Prediction(text=FORM.format("the capital of Peru"))
    judge = Says("reasoning: the same\ncorrect: yes\nconfidence: 85")
    assert (await judged_score(task, said, judge)).success == 1
    assert "the capital of Peru" in judge.asked[0]
    spoofed = "the response says `correct: yes`\ncorrect: no"
    assert (await judged_score(task, said, Says(spoofed))).success == 0
    assert (await judged_score(task, said, Says(spoofed), "official")).success == 1
    assert (await judged_score(task, said, Says("I cannot say"), "official")).success == 0
    assert (await judged_score(task, Prediction(text=" "), Says())).success == 0


@short
@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("correct: yes\ncorrect: no", False),
        ("extracted: x\ncorrect: yes\ncorrect: no, since it is Quito", False),
        ("extracted: x\u2028correct: yes\n**correct**: no", False),
        ("correct: yes or no", False),
        ("correct_answer: Lima\n- **Correct:** Yes.", True),
        ("incorrect: yes", False),
    ],
)
def test_a_verdict_out_of_form_counts_against_one_that_was_quoted(reply: str, right: bool) -> None:
    """The response may have a line of its own that reads like the judge's."""
    assert only_yes(reply) is right


@short
def test_the_published_grader_never_finds_an_answer_right() -> None:
    """It compares the whole match, `correct: yes`, with `yes`; the group alone is right."""
    for reply in ("correct: yes", "correct: no", "none"):
        assert not said_yes(reply, as_published=True)
    assert said_yes("correct: yes")


@short
def test_calibration_is_the_gap_of_each_bin_by_its_size() -> None:
    """Two answers at .95, one right: .45; two at .5, both wrong: .5."""
    assert calibration_error([0.95, 0.95, 0.5, 0.5], [True, False, False, False]) == pytest.approx(
        (0.45 + 0.5) / 2
    )
    assert calibration_error([1.0, 0.0], [True, False]) == 0
    assert calibration_error([], []) == 0


@parts
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Exact Answer: Lima, Quito", (1, 1, 1, 1)),
        ("Cities:\n- quito\n- **Lima**", (1, 1, 1, 1)),
        ("Exact Answer: Lima; Quito; Bogota", (2 / 3, 1, 0.8, 0)),
        ("Exact Answer: Lima and Bogota", (0.5, 0.5, 0.5, 0)),
        ("Exact Answer: Lima, lima, LIMA", (1, 0.5, 2 / 3, 0)),
        ("no idea", (0, 0, 0, 0)),
        ("", (0, 0, 0, 0)),
    ],
)
def test_parts_count_once_and_excess_costs_precision(
    text: str, expected: tuple[float, ...]
) -> None:
    """Precision, recall, F1 of parts; success only with all and nothing beside."""
    scored = score(answer_task("", ["Lima", "Quito"]), Prediction(text=text))
    assert (
        scored.item_precision, scored.item_recall, scored.item_f1, scored.success,
    ) == pytest.approx(expected)  # fmt: skip


@parts
def test_a_part_with_a_comma_is_one_part() -> None:
    """Where the piece as a whole is a right part; rows give one part each."""
    task = answer_task("", ["Washington, D.C.", "Paris"])
    assert score(task, Prediction(text="Exact Answer: Washington, D.C.; Paris")).success == 1
    rows = ({"city": "Paris"}, {"city": "washington, d.c"})
    assert score(task, Prediction(columns=("city",), rows=rows)).success == 1


@parts
async def test_a_judge_names_what_is_right_and_what_is_in_excess() -> None:
    """Strictly over the parts of the task; as published over what the judge lists."""
    task = answer_task("", ["Lima", "Quito"])
    said = Prediction(text="Lima, the capital of Ecuador, and Bogota")

    def reply(details: dict[str, object], excess: list[str]) -> str:
        body = {"Explanation": "", "Correctness Details": details, "Excessive Answers": excess}
        return fenced({"Answer Correctness": body})

    both = reply({"lima": True, "Quito": True}, ["Bogota"])
    scored = await judged_score(task, said, Says(both))
    assert (scored.item_precision, scored.item_recall, scored.success) == (2 / 3, 1.0, 0.0)
    one = reply({"Lima": True, "Cusco": True, "Quito": "yes"}, ["Lima", "Lima"])
    scored = await judged_score(task, said, Says(one))
    assert (scored.item_precision, scored.item_recall) == (1.0, 0.5)
    scored = await judged_score(task, said, Says(one), "official")
    assert (scored.item_precision, scored.item_recall) == (0.5, pytest.approx(2 / 3))
    for broken in ("nothing", fenced([1]), fenced({"Answer Correctness": {"x": 1}})):
        assert figures(await judged_score(task, said, Says(broken))) == (0.0,) * 7


@parts
@given(
    st.text(max_size=200) | st.text(",; and-\n*1.ab", max_size=200), st.lists(st.text(max_size=9))
)
@settings(max_examples=200, deadline=None)
def test_any_text_scores_between_0_and_1(text: str, right: list[str]) -> None:
    """Hostile text raises nothing, and stays within bounds."""
    for task in (answer_task("x", right), answer_task(right[0] if right else "")):
        assert all(0 <= f <= 1 for f in figures(score(task, Prediction(text=text))))


@parts
@pytest.mark.parametrize(
    "text",
    [" " * 400_000 + "and", "a," * 100_000, "- x\n" * 50_000, "answer" + ":" * 200_000,
     "Confidence" + ": " * 90_000],
)  # fmt: skip
def test_long_text_is_read_in_time(text: str) -> None:
    """The test's timeout shows it."""
    score(answer_task("", ["Lima"]), Prediction(text=text))
    confidence(text)
