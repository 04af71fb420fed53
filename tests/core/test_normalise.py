"""Values in one form each: what is read, what is refused, and that nothing is guessed."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.contract import Column
from openswarm.core.normalise import Normal, is_nothing, normalise, same_value

pytestmark = pytest.mark.requirement("swarm.normalise")

UNITS = ("", "km2", "million people", "USD bn", "%", "°C", "kg", "m", "per 100,000", "h", "1000 t")
OPTIONS = ("in progress", "Closed", "on-hold", "unknown")
COLUMNS = [
    *(Column(name="x", type="number", unit=unit) for unit in UNITS),
    *(Column(name="x", type=kind) for kind in ("text", "date", "url", "boolean")),
    Column(name="x", type="enum", options=OPTIONS),
]
WRITTEN = st.text(alphabet="0123456789.,-+ '%$€eExX^×²½/:()~kmMbtKCFhginyatTZé\u00a0", max_size=24)
SAID = """5 1,234 2024 -0.5 19.6 3e7 2.5 million bn km2 km² sq mi kg of USD $ € % people (2024) May
1 31 12/05 https://a.B:443/ HTTP://x?q no unknown Closed in about °F K days - as (5) per"""
WORDS = st.lists(st.sampled_from(SAID.split()), max_size=5).map(" ".join)
ANY = st.one_of(st.text(max_size=60), WRITTEN, WORDS)


def column(kind: Any, unit: str = "", **more: Any) -> Column:
    """A column of a type."""
    return Column(name="x", type=kind, unit=unit, **more)


def number(raw: str, unit: str = "") -> str:
    """A number that has to be read without a problem."""
    value, problem = normalise(raw, column("number", unit))
    assert not problem
    return value


def problem(kind: Any, raw: str, unit: str = "") -> str:
    """What is wrong with a value, which has to be kept as it is."""
    value, said = normalise(raw, column(kind, unit))
    assert value == " ".join(raw.split())
    assert said
    return said


@given(ANY, st.sampled_from(COLUMNS))
def test_what_is_normal_stays_as_it_is(raw: str, column: Column) -> None:
    normal = normalise(raw, column)
    if normal.problem:
        assert normal.value == " ".join(raw.split())
    else:
        assert normalise(normal.value, column) == normal
        assert same_value(normal.value, normal.value, column)


@given(ANY, st.text(max_size=20) | WRITTEN | WORDS)
def test_any_unit_of_a_column_is_taken(raw: str, unit: str) -> None:
    asked = column("number", unit)
    normal = normalise(raw, asked)
    assert normal.problem or normalise(normal.value, asked) == normal


@given(st.sampled_from(COLUMNS), st.sampled_from(COLUMNS))
def test_any_values_can_be_compared(one: Column, other: Column) -> None:
    for raw in ("sNaN", "1e999999999999", "\ud800", "9" * 10_000, "1" + "0" * 5000 + ".5"):
        assert same_value(raw, raw, one)
        assert not same_value(raw, "other", other)


@pytest.mark.parametrize(
    "piece",
    ["1", "1,", "1 ", "a", "(", "((1", "[1]", ".", "-", "1-", "e", "\ud800", "\x00", "٣", "²", "½",
     " x10^", "m ", "https://", "May ", "\u0301\u0327", "ﷺ", "1 000", "1.000", "in 2024 ", "1/"],
)  # fmt: skip
def test_texts_of_ten_thousand_characters_are_read_at_once(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    begun = time.process_time()
    for column in COLUMNS:
        for raw in (text, text[:400], f"https://{text}"):
            normalise(raw, column)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "raw",
    ["", " ", "null", "N/A", "n.a.", "Unknown", "not found.", "not available", "not given", "-",
     "–", "—", "--", "Not stated", "(not stated)", "[]", "...", "…", "?", "no data", "TBD"],
)  # fmt: skip
def test_a_text_may_say_that_there_is_none(raw: str) -> None:
    assert is_nothing(raw)
    assert all(normalise(raw, asked) == Normal("") for asked in COLUMNS if raw != "Unknown")


@pytest.mark.parametrize(
    "raw", ["0", "none", "None", "na", "nil", "no", "A-", "-1", "*", "null set"]
)
def test_what_may_be_a_value_is_not_nothing(raw: str) -> None:
    assert not is_nothing(raw)
    assert normalise(raw, column("text")) == Normal(raw)


@pytest.mark.parametrize("kind", ["number", "date", "url", "boolean"])
@pytest.mark.parametrize("raw", ["none", "None", "NaN", "na"])
def test_outside_of_texts_more_words_say_that_there_is_none(raw: str, kind: str) -> None:
    assert normalise(raw, column(kind)) == Normal("")


def test_a_text_has_its_white_space_folded() -> None:
    assert normalise("  San\n\u00a0tiago\t", column("text")) == Normal("San tiago")


@pytest.mark.parametrize(
    ("raw", "value"),
    [("Yes", "yes"), ("TRUE", "yes"), ("y", "yes"), ("1", "yes"),
     ("no.", "no"), ("False", "no"), ("N", "no"), ("0", "no")],
)  # fmt: skip
def test_a_boolean_is_yes_or_no(raw: str, value: str) -> None:
    assert normalise(raw, column("boolean")) == Normal(value)


@pytest.mark.parametrize("raw", ["partly", "-1", "yes and no", "2"])
def test_other_words_are_no_boolean(raw: str) -> None:
    assert problem("boolean", raw) == f"{raw!r} is not a boolean; write yes or no"


@pytest.mark.parametrize(
    ("raw", "value"),
    [("In Progress", "in progress"), ("IN_PROGRESS", "in progress"),
     ("inprogress", "in progress"), ("in-progress.", "in progress"), ("closed", "Closed"),
     ("on hold", "on-hold"), ("Unknown", "unknown"), ("n/a", ""), ("", "")],
)  # fmt: skip
def test_an_option_is_written_as_the_contract_writes_it(raw: str, value: str) -> None:
    assert normalise(raw, COLUMNS[-1]) == Normal(value)


def test_a_value_that_is_no_option_is_told_the_options() -> None:
    said = normalise("done", COLUMNS[-1]).problem
    assert said == f"'done' is none of its options; write one of: {', '.join(OPTIONS)}"


def test_options_that_differ_in_a_mark_alone_are_told_apart() -> None:
    asked = column("enum", options=("re-sign", "resign"))
    assert normalise("Re-sign", asked) == Normal("re-sign")
    assert normalise("re sign", asked).problem


@pytest.mark.parametrize(
    ("raw", "value"),
    [(" HTTPS://Gob.CL/ ", "https://gob.cl"), ("http://a.b:80/X", "http://a.b/X"),
     ("https://a.b:443", "https://a.b"), ("https://a.b:8443/", "https://a.b:8443"),
     ("https://a.b?q=1", "https://a.b/?q=1"), ("https://a.b/#part", "https://a.b/#part"),
     ("https://a.b/c/", "https://a.b/c/"),
     ("https://münchen.de/Straße", "https://münchen.de/Straße"),
     ("http://[::1]:80/", "http://[::1]"), ("<https://a.b>", "https://a.b"),
     ("http://localhost:8000/x", "http://localhost:8000/x")],
)  # fmt: skip
def test_a_url_has_one_form(raw: str, value: str) -> None:
    assert normalise(raw, column("url")) == Normal(value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [("chile.cl", "'chile.cl' is not a url; begin it with https://"),
     ("ftp://a.b", "begin it with https://"), ("https://", "it has no host"),
     ("https:///path", "it has no host"), ("https://...", "it has no host"),
     ("https://a b", "white space"), ("https://a.b/\x00", "white space"),
     ("https://me:secret@a.b", "leave the user name and password out"),
     ("https://[nowhere]", "is not a url"), ("https://a.b:99999", "is not a url")],
)  # fmt: skip
def test_what_cannot_be_opened_is_no_url(raw: str, said: str) -> None:
    assert said in problem("url", raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("2024", "2024"), ("2024-05", "2024-05"), ("2024-05-01", "2024-05-01"),
     ("2024/5/1", "2024-05-01"), ("2024/5", "2024-05"), ("01.05.2024", "2024-05-01"),
     ("1.2.24", "2024-02-01"), ("1.2.68", "2068-02-01"), ("1.2.69", "1969-02-01"),
     ("1 May 2024", "2024-05-01"), ("May 1, 2024", "2024-05-01"),
     ("1st of May 2024", "2024-05-01"), ("May 2024", "2024-05"), ("Sept. 2024", "2024-09"),
     ("2024 May 1", "2024-05-01"), ("1-May-24", "2024-05-01"),
     ("18 September 1810", "1810-09-18"), ("2024-05-01T10:00:00Z", "2024-05-01"),
     ("2024-05-01 10:00:00.5-05:00", "2024-05-01"), ("1 May 2024, 10:00 am", "2024-05-01"),
     ("Wednesday, 1 May 2024", "2024-05-01"), ("Dienstag, den 3. März 2024", "2024-03-03"),
     ("1er août 2024", "2024-08-01"), ("miércoles 1 de mayo de 2024", "2024-05-01"),
     ("déc. 2024", "2024-12"), ("05/13/2024", "2024-05-13"), ("13/05/2024", "2024-05-13"),
     ("05/05/2024", "2024-05-05"), ("29.02.2024", "2024-02-29"), ("c. 1810", "1810"),
     ("1810 (disputed)", "1810"), ("(1810)", "1810"), ("٢٠٢٤-٠٥-٠١", "2024-05-01")],
)  # fmt: skip
def test_a_date_is_iso_as_far_as_it_is_said(raw: str, value: str) -> None:
    assert normalise(raw, column("date")) == Normal(value)


@pytest.mark.parametrize("raw", ["05/06/2024", "05-06-2024", "24-05-01", "2011/12"])
def test_a_date_that_may_be_two_is_not_guessed(raw: str) -> None:
    said = problem("date", raw)
    assert said == f"{raw!r} may be two dates; write YYYY-MM-DD, or YYYY-MM"


@pytest.mark.parametrize("raw", ["2024-02-30", "31 April 2024", "30/02/2024", "2024-13", "0000"])
def test_a_day_that_never_was_is_no_date(raw: str) -> None:
    assert problem("date", raw) == f"{raw!r} is not a day of the calendar; write YYYY-MM-DD"


@pytest.mark.parametrize(
    "raw",
    ["long ago", "44 BC", "-44", "100 v. Chr.", "1990s", "Q1 2024", "19th century", "before 1810",
     "1810-1818", "1-3 May 2024", "May", "May 24", "2024-", "3:45", "-2024-05-01", "12"],
)  # fmt: skip
def test_other_words_are_no_date(raw: str) -> None:
    assert problem("date", raw) == f"{raw!r} is not a date; write YYYY-MM-DD, YYYY-MM or YYYY"


@given(st.dates())
def test_every_day_is_read_in_every_clear_form(day: Any) -> None:
    month, iso = day.strftime("%B"), day.isoformat()
    forms = (iso, f"{iso}T00:00", f"{day.day}.{day.month}.{day.year:04}",
             f"{day.day} {month} {day.year:04}", f"{month} {day.day}, {day.year:04}")  # fmt: skip
    assert {normalise(form, column("date")) for form in forms} == {Normal(iso)}


@pytest.mark.parametrize(
    ("raw", "value"),
    [("19,658,839 people", "19658839"), ("19 658 839", "19658839"), ("19.658.839", "19658839"),
     ("19\u00a0658\u202f839", "19658839"), ("19’658’839", "19658839"), ("12,34,567", "1234567"),
     ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1,234", "1234"), ("1,5", "1.5"),
     ("1.234", "1.234"), ("0,123", "0.123"), ("1234,567", "1234.567"), (".5", "0.5"),
     ("12.50", "12.5"), ("0012", "12"), ("-0", "0"), ("1.9e7", "19000000"), ("10^6", "1000000"),
     ("1.9 × 10⁷", "19000000"), ("1.2 million", "1200000"), ("1.2M people", "1200000"),
     ("3 bn", "3000000000"), ("4.5 thousand", "4500"), ("2 trillion", "2000000000000"),
     ("5k", "5000"), ("2 hundred thousand", "200000"), ("3 Mio. Einwohner", "3000000"),
     ("0.1 million", "100000"), ("−5", "-5"), ("- 5", "-5"), ("minus 5", "-5"), ("-$5", "-5"),
     ("$-5", "-5"), ("USD5", "5"), ("~5", "5"), ("about 5", "5"), ("approx. 5", "5"),
     ("c.5", "5"), ("19,658,839 (2024 est.)", "19658839"), ("19.6 million in 2024", "19600000"),
     ("2024: 5 million", "5000000"), ("as of 1 May 2024, 5", "5"), ("founded in 1810", "1810"),
     ("1,234[2]", "1234"), ("12.3 %", "12.3"), ("No. 5", "5"), ("5 (5)", "5"),
     ("(2024)", "2024"), ("1,234 million", "1234000000"), ("٥٬٠٠٠٫٥", "5000.5"),
     ("True value: 5", "5"), ("5 tonnes of CO2", "5"), ("1e50", "1e50"),
     ("2.50E-40", "2.5e-40")],
)  # fmt: skip
def test_a_number_is_a_plain_decimal(raw: str, value: str) -> None:
    assert number(raw) == value


@pytest.mark.parametrize(
    "raw", ["many", "covid-19", "CO2", "no data for 2019", "not known, 5?", "x"]
)
def test_words_are_no_number(raw: str) -> None:
    assert problem("number", raw) == f"{raw!r} is not a number; write it in digits"


@pytest.mark.parametrize(
    "raw",
    ["10-20", "10–20", "10 to 20", "between 10 and 20", "5-5", "1/2", "½", "5½", "5²", "1,234,5",
     "3 lakes and 500 rivers", "5 ft 11 in", "2024-05-01", "1 2", "5 km 5 m", "1.2.3", "five (5)",
     "1,234 567", "from 1950 to 2000", "9" * 61],
)  # fmt: skip
def test_what_is_not_one_number_is_not_guessed(raw: str) -> None:
    assert "is not one number; write one number alone" in problem("number", raw)


@pytest.mark.parametrize("raw", ["1e100", "1e-200", "1e999"])
def test_a_number_beyond_all_measure_is_a_problem(raw: str) -> None:
    assert "too extreme" in problem("number", raw)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1e12, max_value=1e12)
)
def test_the_ways_to_write_a_number_come_to_one(value: Decimal) -> None:
    plain = number(str(value))
    assert Decimal(plain) == value
    english = f"{value:,}"
    german = english.translate(str.maketrans(",.", ".,"))
    spaced = english.replace(",", "\u2009")
    marked = english.replace(",", "'")
    forms = (english, spaced, marked, german, f"{value:E}", f"about {english} m2")
    assert {number(form) for form in forms} == {plain}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=1e6))
def test_multipliers_are_exact(value: Decimal) -> None:
    assert Decimal(number(f"{value} million")) == value.scaleb(6)
    assert Decimal(number(f"{value} bn people", "million people")) == value.scaleb(3)


@pytest.mark.parametrize("unit", ["km2", "km²", "km^2", "sq km", "square kilometres"])
@pytest.mark.parametrize(
    "raw",
    ["756,102", "756102 km2", "756,102 km²", "756 102 km^2", "756,102 sq. km", "756102 SQ KM",
     "756,102 square kilometers", "75,610,200 ha", "756,102 (km2)", "756,102 km² (291,930 sq mi)",
     "756,102,000,000 m²", "0.756102 million km²", "291,930 sq mi (756,102 km²)"],
)  # fmt: skip
def test_an_area_is_the_same_however_it_is_written(raw: str, unit: str) -> None:
    assert number(raw, unit) == "756102"


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [("5 mi", "km", "8.04672"), ("3 ft", "m", "0.9144"), ("5 in", "cm", "12.7"),
     ("5 in total", "cm", "5"), ("5m", "km", "0.005"), ("5 nmi", "km", "9.26"),
     ("1 acre", "ha", "0.40468564224"), ("2 pounds", "kg", "0.90718474"),
     ("5 tons", "kg", "5000"), ("5 Mt", "t", "5000000"), ("5 gal", "l", "18.92705892"),
     ("1 m³", "L", "1000"), ("90 min", "h", "1.5"), ("2 weeks", "days", "14"),
     ("6 months", "years", "0.5"), ("10 m/s", "km/h", "36"),
     ("60 miles per hour", "km/h", "96.56064"), ("5 GiB", "GB", "5.36870912"),
     ("5 B", "kB", "0.005"), ("5 MWh", "kWh", "5000"), ("1 hp", "W", "745.699871582"),
     ("98.6 °F", "°C", "37"), ("32 F", "C", "0"), ("300 K", "°C", "26.85"),
     ("-40 degrees Celsius", "°F", "-40"), ("1 yd", "mi", "0.000568181818182"),
     ("5 ‰", "%", "0.5"), ("12.3 %", "percent", "12.3"), ("12.3 % of GDP", "% of GDP", "12.3"),
     ("5 per 100,000", "per 100,000", "5"), ("5 kg per capita", "kg per capita", "5"),
     ("5 kg per person", "kg", "5"), ("5 people per km2", "people/km2", "5"),
     ("5k", "°C", "5000"), ("1.2 million tonnes", "kt", "1200"), ("5", "furlongs", "5"),
     ("5 widgets", "kg", "5"), ("5 kt", "1000 t", "5")],
)  # fmt: skip
def test_a_number_comes_in_the_unit_of_its_column(raw: str, unit: str, value: str) -> None:
    assert number(raw, unit) == value


@pytest.mark.parametrize(
    ("raw", "unit", "said"),
    [("5 kg", "km2", "'5 kg' is in kg, not in km2"), ("5 km", "km2", "is in km, not in km2"),
     ("5 km2 per year", "km2", "is in km2 per year, not in km2"),
     ("5 kg/m3", "kg", "is in kg per m3, not in kg"), ("5 kW", "kWh", "is in kW, not in kWh"),
     ("2 months", "days", "is in months, not in days"), ("5 %", "km2", "is in %, not in km2"),
     ("5 %", "people", "is in %, not in people"), ("$5", "km2", "is in $, not in km2"),
     ("5 kg", "USD", "is in kg, not in USD"), ("£5", "USD", "is in £, not in USD"),
     ("C$5", "USD", "is in C$, not in USD"), ("5 Japanese yen", "USD", "is in yen, not in USD"),
     ("5 EUR", "million USD", "is in EUR, not in million USD"),
     ("5m", "", "'m' is unclear; write digits alone"),
     ("5 mil", "people", "'mil' is unclear; write digits alone, in people"),
     ("5 nm", "km", "'nm' is unclear; write digits alone, in km"),
     ("5 MT", "t", "'MT' is unclear")],
)  # fmt: skip
def test_another_unit_is_a_problem(raw: str, unit: str, said: str) -> None:
    assert said in problem("number", raw, unit)


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [("19.6", "million people", "19.6"), ("19.6 million", "million people", "19.6"),
     ("19,658,839", "million people", "19658839"), ("1.2 billion", "million people", "1200"),
     ("19,658,839 people", "million people", "19.658839"), ("19.6M", "million people", "19.6"),
     ("$19.6bn", "USD bn", "19.6"), ("USD 19.6 billion", "USD bn", "19.6"),
     ("19.6", "$bn", "19.6"), ("$19,600,000,000", "USD bn", "19.6"),
     ("5 USD million", "USD bn", "0.005"), ("1.5 trillion dollars", "US$ billion", "1500"),
     ("5m", "USD m", "5"), ("$5t", "USD", "5000000000000"), ("5", "thousands", "5"),
     ("5k", "thousands", "5"), ("5 million", "thousands", "5000"), ("5 pounds", "GBP", "5"),
     ("(5)", "USD", "-5"), ("$(5)bn", "USD bn", "-5"), ("(5)", "km", "5"),
     ("5 pesos", "CLP", "5"), ("$5", "CLP", "5"), ("$5 per kg", "USD", "5")],
)  # fmt: skip
def test_a_multiplier_is_part_of_the_unit(raw: str, unit: str, value: str) -> None:
    assert number(raw, unit) == value


@pytest.mark.parametrize(
    ("raw", "unit"), [("19.6 people", "million people"), ("$19.6", "USD bn"), ("5 t", "1000 t")]
)
def test_a_unit_named_without_its_multiplier_is_not_guessed(raw: str, unit: str) -> None:
    said = problem("number", raw, unit)
    assert said == f"{raw!r} leaves its multiplier open; write the number alone, in {unit}"


@given(st.integers(0, 10**9), st.sampled_from(["mm", "cm", "m", "km", "ft", "mi", "nmi", "yd"]))
def test_a_length_that_is_converted_shows_no_binary_noise(value: int, unit: str) -> None:
    there = number(f"{value} {unit}", "km")
    assert len(Decimal(there).as_tuple().digits) <= 12
    back = Decimal(number(f"{there} km", unit))
    assert abs(back - value) <= Decimal(value) * Decimal("1e-11")


@pytest.mark.parametrize(
    ("kind", "a", "b", "same"),
    [("number", "12.50", "12.5", True), ("number", "1e50", "10e49", True),
     ("number", "0.1000000000000000000000000000001", "0.1", False),
     ("number", "5", "-5", False), ("number", "Many", "many", True),
     ("text", "The “Hague”", 'the "hague"', True), ("text", "Peru", "Chile", False),
     ("date", "2024", "2024-05", False), ("url", "https://a.b", "https://a.b", True),
     ("boolean", "yes", "no", False)],
)  # fmt: skip
def test_two_values_are_one_by_the_rules_of_their_type(
    kind: Any, a: str, b: str, same: bool
) -> None:
    assert same_value(a, b, column(kind)) is same
    assert same_value(b, a, column(kind)) is same


def test_a_problem_shows_a_long_value_shortened() -> None:
    assert len(problem("number", "word " * 2000)) < 200
