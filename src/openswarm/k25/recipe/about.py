"""(g) Greetings and what k25-mini is, (h) what it cannot know, and system prompts."""

import re
from functools import cache
from importlib.resources import files

from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, reply, user
from openswarm.k25.recipe.draws import Draw

SELF = "I am k25-mini, a small model of openswarm."
ABILITIES = (
    "I can answer short questions about a text, give values as JSON, add and sort, call tools,"
    " lead sub-agents and read small pages."
)
HELLO = "Hello! I am k25-mini. What can I do for you?"
UNKNOWN = "I do not know."

TALK: dict[str, tuple[str, ...]] = {
    HELLO: (
        "Hello", "Hi", "Hello!", "Hi!", "Hi there", "Good morning", "Good evening", "Hey", "hello",
        "Good day", "Hey there!", "hi", "Hello, k25-mini!", "Greetings", "Hello there",
    ),
    SELF: (
        "What are you?", "Who are you?", "What is your name?", "Which model are you?",
        "Tell me about yourself.", "Are you a model?", "what are you", "Introduce yourself.",
        "Who am I talking to?", "What model is this?", "What is k25-mini?",
    ),
    ABILITIES: (
        "What can you do?", "What are you good at?", "How can you help me?", "What do you do?",
        "Help", "What can I ask you?", "List what you can do.", "what can you do",
        "What tasks can you do?", "What are your abilities?",
    ),
    "You are welcome.": (
        "Thanks", "Thank you!", "Thank you", "thanks a lot", "Great, thank you.", "Thanks!",
    ),
    "Goodbye!": ("Bye", "Goodbye", "See you", "Bye!", "Good night"),
}  # fmt: skip
HELD_OUT_TALK: dict[str, tuple[str, ...]] = {
    HELLO: ("Hey!", "Hello k25-mini", "Good afternoon"),
    SELF: ("What model are you?", "Tell me who you are.", "What is your name"),
    ABILITIES: ("What can you do for me?", "Tell me what you can do.", "Which tasks can you do?"),
    "You are welcome.": ("Thanks a lot!", "Great, thanks!"),
    "Goodbye!": ("bye", "Goodbye!"),
}

UNKNOWABLE = (
    "What is the population of {name}?", "Who invented {name}?", "Where is {name}?",
    "What is the capital of {name}?", "When was {name} founded?", "How tall is the {name} tower?",
    "What does {name} cost today?", "What did I eat yesterday?", "What is my name?",
    "How many {word}s are on my desk?", "What will the price of {name} be tomorrow?",
    "What is the password of {name}?", "Which colour is my {word}?", "Who won the {name} cup?",
    "What is the {word} of {name}?", "What is in my {word}?",
)  # fmt: skip

SHORT_SYSTEMS = (
    "You are a helpful assistant.", "You are k25-mini.", "Answer briefly.", "Answer in English.",
    "You are Kimi, an AI assistant created by Moonshot AI.", "Be short and exact.",
    "You are a careful assistant. Answer with the value only.", "Use tools where they help.",
    "You help with small tasks.", "Do what the user asks.",
)  # fmt: skip
ANSWER_PROMPT = "answer"
"""The prompt that a run in the modes instant and thinking sends as its system message."""
LONGEST_PROMPT = 600
"""Characters: longer ones would leave little of a row to the conversation."""
_MARKUP = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def small_talk(draw: Draw) -> Case:
    """A greeting, thanks, or a question about the model."""
    talk = TALK if draw.split == "train" else HELD_OUT_TALK
    answer = draw.pick((HELLO, SELF, SELF, ABILITIES, ABILITIES, *list(talk)[3:]))
    thinking = draw.chance(0.15)
    reasoning = "A word of greeting or about me; I answer shortly." if thinking else ""
    said = reply(answer, reasoning)
    return Case("talk", (user(draw.pick(talk[answer])), said), thinking=thinking)


def unknowable(draw: Draw) -> Case:
    """A question about what does not exist or cannot be seen from here."""
    question = draw.subject(
        lambda: draw.pick(UNKNOWABLE).format(name=things.name(draw), word=things.word(draw))
    )
    thinking = draw.chance(0.15)
    reasoning = "Nothing tells me this." if thinking else ""
    return Case("unknown", (user(question), reply(UNKNOWN, reasoning)), thinking=thinking)


def system_prompt(draw: Draw, irrelevant: str) -> str:
    """None, a short one, the one of a run, or a long one that has nothing to do with the task."""
    kind = draw.weighted(
        (("none", 3.0), ("short", 2.5), ("run", 2.5), ("prompt", 1.0), ("long", 1.0))
    )
    if kind == "none":
        return ""
    if kind == "short":
        return draw.pick(SHORT_SYSTEMS)
    if kind == "run":
        return prompts()[ANSWER_PROMPT]
    if kind == "prompt":
        return draw.pick(sorted(prompts().values()))
    return irrelevant


@cache
def prompts() -> dict[str, str]:
    """The short ones of the agents' prompts that come with openswarm, without their markup."""
    folder = files("openswarm") / "agent" / "prompts"
    texts = {
        entry.name.removesuffix(".md"): _MARKUP.sub("", entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".md")
    }
    tidy = {name: re.sub(r"\n{2,}", "\n\n", text).strip() for name, text in texts.items()}
    return {name: text for name, text in tidy.items() if len(text) <= LONGEST_PROMPT}
