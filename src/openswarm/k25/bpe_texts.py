"""What the small vocabulary is learned from: Python's own documentation, and samples of calls.

Owns the choice of texts and their weights; knows nothing of tokens. The same Python gives the same
texts in the same order.
"""

import json
from collections.abc import Iterator

from openswarm.k25.python_texts import docstrings, topics

SAMPLES = 40
"""How often the samples are repeated: so much do they weigh beside some megabytes of prose."""
MAX_BYTES = 2_000_000
"""A longer source file is data, not documentation."""
SKIPPED = (
    "test tests site-packages idlelib lib2to3 turtledemo encodings email tkinter curses distutils"
    " turtle.py _pydecimal.py doctest.py pickletools.py"
)
"""Files and folders that are no documentation, or whose words nothing else has."""

NAMES = (
    "create_subagent assign_task assign_batch declare_table report web_search open_page search"
    " browser python shell read_file write_file edit_table look_up get_weather convert calculate"
    " translate add_event lookup list_files send_message"
)
FIELDS = (
    "name system_prompt agent prompt prompt_template items query queries url path content text"
    " title description columns rows row column value values key id city country location date"
    " time unit language number amount price currency year type status result error source quote"
    " answer question limit count code command table file message summary"
)
PROSE = (
    "You are a helpful assistant.",
    "You are k25-mini, a small model of openswarm. I can answer questions, call tools and read"
    " pages.",
    "Find the answer in the text. Answer with the value only. If the text does not say it, say"
    " that you do not know.",
    "What is the capital of the country? What colour is it? How many are there? Which one is"
    " larger? Sort the words. Reverse the list. Count the items. Add the numbers.",
    "The answer is yes. The answer is no. I do not know. Let me think step by step. First, then,"
    " next, so the result is",
    "Give each item to a sub-agent at once, then put the results together in one table.",
    "The red circle is on the left, the blue square on the right, the green triangle at the top,"
    " the yellow star at the bottom. The page has a title, a body and a table.",
    "January February March April May June July August September October November December Monday"
    " Tuesday Wednesday Thursday Friday Saturday Sunday",
    "The people of the country live in the city near the river, the mountain and the sea. A small"
    " house, a large tree, a long road, an old school, a new book, a good friend, a great day.",
    "which what when where who why how many much more most less least first last next before after"
    " between because although however while since until again also always never often sometimes",
    "give take make find show tell ask answer read write open close start stop begin end keep help"
    " think know see look want need use work play run move turn change call try come go",
    "capital language currency population area continent Europe Asia Africa America Australia"
    " France Germany Italy Spain Japan China India Brazil Canada Paris Berlin Rome Madrid Tokyo"
    " London",
    "planet Earth Mars Venus moon star sun water fire air animal bird fish dog cat horse apple"
    " bread price weight height length width size colour shape circle square triangle corner left"
    " right top bottom middle",
    "user assistant system tool model agent sub-agent swarm task stage report contract table row"
    " cell column document source quote evidence result value key item list record field",
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty hundred",
    "red orange yellow green blue purple pink brown black white grey",
)


def texts() -> Iterator[str]:
    """All texts, the heavier ones repeated."""
    yield from topics()
    yield from docstrings(SKIPPED.split(), MAX_BYTES, coroutines=True)
    samples = tuple(_samples())
    for _ in range(SAMPLES):
        yield from samples


def _samples() -> Iterator[str]:
    """Calls, results, declarations and numbers, as conversations with tools have them."""
    yield from PROSE
    for index, name in enumerate(NAMES.split()):
        yield f"functions.{name}:{index}"
        yield f"## Return of functions.{name}:{index}\n"
        yield (
            "# Tools\n\n## functions\nnamespace functions {\n// Gives the work to a tool.\n"
            f"type {name} = (_: {{\n  // The text to work on.\n  query: string,\n"
            '  items?: Array<string>,\n  limit?: number,\n  unit?: "a" | "b",\n'
            "  flag?: boolean,\n  data?: { [k: string]: any }\n}) => any;\n}\n"
        )
    fields = FIELDS.split()
    for index, field in enumerate(fields):
        other = fields[(index + 7) % len(fields)]
        record = {field: "text", other: index, "list": ["a", "b"], "inner": {field: True}}
        yield json.dumps(record)
        yield json.dumps({field: f"The {other} of the {field}", other: [1, 2]})
        yield json.dumps({field: "value", other: "value"}, separators=(",", ":"))
        yield f"| {field} | {other} |\n| --- | --- |\n- {field}: {other}\n**{other}**\n"
    yield from (f"{number} {number:02d}:00:00.000" for number in range(100))
