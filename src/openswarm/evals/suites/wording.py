"""How questions are worded.

Owns the templates and which split each is for: a wording of the tests is in no training task. A
form is what is asked (listed rows, a whole group, a chain); the families fill its blanks.
"""

import random
from dataclasses import dataclass

from openswarm.evals.task import Split


@dataclass(frozen=True)
class Form:
    """The wordings of one form, with blanks in braces."""

    train: tuple[str, ...]
    test: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The wordings of a split."""
        return self.test if split == "test" else self.train


FORMS: dict[str, Form] = {
    "listed": Form(
        train=(
            "For each of these {things}: {items}: find {facts}.",
            "Make a table of {items}. For every one of these {things} give {facts}.",
            "I need {facts} of the following {things}: {items}.",
            "Fill in a row for each of {items} with {facts}.",
            "Look up {facts} for these {count} {things}: {items}.",
        ),
        test=(
            "Here are {count} {things}: {items}. What is, for each, {facts}?",
            "A report on {items} lacks its figures. Complete it: {facts}, one line per {thing}.",
        ),
    ),
    "all": Form(
        train=(
            "For all the {things} in the documents find {facts}.",
            "Make a table of every {thing} that the documents cover, with {facts}.",
            "Go through the documents; for each {thing} in them note {facts}.",
            "List each {thing} that has a document, and give {facts}.",
        ),
        test=(
            "Which {things} are covered here, and what is {facts} of each?",
            "Summarise the whole collection in one table: a row per {thing}, with {facts}.",
        ),
    ),
    "group": Form(
        train=(
            "Of all {things} of {group} in the documents find {facts}.",
            "List the {things} of {group} that the documents cover, each with {facts}.",
            "Which {things} in the documents belong to {group}? Give {facts} of each.",
            "Make a table of {group}: every {thing} of it that has a document, with {facts}.",
        ),
        test=(
            "Pick out the {things} that belong to {group} and report {facts} for every one.",
            "Only {group} is of interest. What is {facts} of its {things} in this collection?",
        ),
    ),
    "condition": Form(
        train=(
            "Find every {thing} in the documents whose {condition}, and give {facts} of each.",
            "List all {things} in the documents whose {condition}, with {facts}.",
            "Make a table of the {things} whose {condition}. Columns: {facts}.",
            "Among the {things} that have a document, take those whose {condition}; note {facts}.",
        ),
        test=(
            "Leave out every {thing} but those whose {condition}. What is {facts} of the rest?",
            "Which {things} of this collection qualify, if the rule is that the {condition}?"
            " Report {facts} for each.",
        ),
    ),
    "change": Form(
        train=(
            "For each of {items}: find {facts}, in the edition of 2015 and in that of 2025, and the"
            " change from the first to the second.",
            "Compare the editions of 2015 and 2025 for these {things}: {items}. Give {facts} in"
            " both, and the later value minus the earlier.",
            "How did {facts} change between the two editions for {items}? Give both values and"
            " the difference.",
            "Make a table of {items} with {facts} in 2015, in 2025, and the difference.",
        ),
        test=(
            "Ten years lie between the two editions. Report, for {items}, {facts} before and after,"
            " and by how much it moved.",
            "Take {items}. What did the 2015 edition state as {facts}, what does the one of 2025"
            " state, and what is the latter minus the former?",
        ),
    ),
    "change-all": Form(
        train=(
            "For all the {things} in the documents compare both editions: {facts} in 2015, in 2025,"
            " and the difference.",
            "Make a table of every {thing} that the documents cover: {facts} in the edition of"
            " 2015, in that of 2025, and the change.",
            "Go through both editions and note for each {thing} how {facts} changed.",
            "List each {thing} with {facts} in 2015 and in 2025, and the later minus the earlier.",
        ),
        test=(
            "What moved in ten years? One row per {thing} of this collection: {facts} then, now,"
            " and the difference.",
            "Set the editions of 2015 and 2025 side by side for every {thing} here, with {facts} in"
            " each and the gap between them.",
        ),
    ),
    "chain": Form(
        train=(
            "Begin with the country {start}. {steps} What is the {fact} of the country that this"
            " leads to?",
            "Find the country {start}. {steps} Give the {fact} of the country at the end.",
            "Take the country {start} as the first. {steps} Name the {fact} of the last country.",
            "There is one country {start}. {steps} State the {fact} of where you arrive.",
        ),
        test=(
            "A trail starts at the country {start}. {steps} Where it ends, what is the {fact}?",
            "Which country is the one {start}? {steps} Having reached the last one, report its"
            " {fact}.",
        ),
    ),
    "join-most": Form(
        train=(
            "{setup} Which of these countries has the {extreme} {fact}?",
            "{setup} Compare them, and name the country with the {extreme} {fact}.",
            "{setup} Answer with the country whose {fact} is the {extreme}.",
            "{setup} One of them has the {extreme} {fact}. Which?",
        ),
        test=(
            "{setup} Rank them by their {fact}: which has the {extreme}?",
            "{setup} Where is the {fact} the {extreme}? Give the name of that country alone.",
        ),
    ),
    "join-sum": Form(
        train=(
            "{setup} What is the sum of the {fact} of them all?",
            "{setup} Add up the {fact} of each.",
            "{setup} Give the total that their {fact} make together.",
            "{setup} Their {fact}, added together: how much is it?",
        ),
        test=(
            "{setup} Report a single number: the {fact} of all of them put together.",
            "{setup} If the {fact} of every one were summed, what would come out?",
        ),
    ),
    "fact": Form(
        train=(
            "What is the {fact} of {item}?",
            "Find the {fact} of {item}.",
            "State the {fact} of {item}.",
            "Look up one thing: the {fact} of {item}.",
            "According to the documents, what is the {fact} of {item}?",
        ),
        test=(
            "I only want to know the {fact} of {item}.",
            "{item}: what does its document give as the {fact}?",
        ),
    ),
    "ledger": Form(
        train=(
            "Start with {first}. It names the ledger that continues it, and so does every ledger"
            " after it. Read {count} ledgers in all. What is the closing balance of the last?",
            "Open {first} and follow the ledgers from each to the next until you have read {count}."
            " Give the closing balance of the last one.",
            "The ledgers form a line that begins at {first}. What is the closing balance of ledger"
            " number {count} in this line, the first counted as 1?",
            "From {first} go on to the ledger that it is carried to, and on, {steps} times. State"
            " the closing balance that you find there.",
        ),
        test=(
            "Follow the trail of ledgers that {first} opens. The one at place {count}, with the"
            " opening one at place 1, closes with which balance?",
            "{first} hands over to another ledger, that one to a third, and so on. After {steps}"
            " handovers, what closing balance do you read?",
        ),
    ),
    "register": Form(
        train=(
            "Read these registers in this order: {items}. Enter the first with the number {value};"
            " each turns the number that you enter with into the one for the next. Which number"
            " does the last give?",
            "Begin with {value}. Look it up in {first}, look up what you get in the next register,"
            " and so on through {items}. What does the last register give?",
            "The number {value} passes through the registers {items}, each of which replaces it."
            " With which number does it leave the last?",
            "Take {value} and exchange it in each of these registers in turn: {items}. Give the"
            " number that you end with.",
        ),
        test=(
            "Someone hands {value} to {first} and carries the answer from register to register:"
            " {items}. What number is in hand after the last?",
            "Convert {value} step by step, in this order: {items}. What is the outcome?",
        ),
    ),
}


def worded(form: str, split: Split, rng: random.Random, **blanks: object) -> tuple[str, str]:
    """A template's name, such as `listed-test-1`, and the question with its blanks filled."""
    wordings = FORMS[form].of(split)
    number = rng.randrange(len(wordings))
    text = wordings[number].format(**blanks)
    return f"{form}-{split}-{number + 1}", text[0].upper() + text[1:]


CLUES: dict[str, Form] = {
    "name": Form(train=("named {value}", "called {value}"), test=("that goes by {value}",)),
    "capital": Form(
        train=("whose capital is {value}", "that is governed from its capital {value}"),
        test=("that has {value} as its capital",),
    ),
    "internet code": Form(
        train=("whose internet country code is {value}", "with the internet code {value}"),
        test=("to which the internet code {value} belongs",),
    ),
    "highest point": Form(
        train=("whose highest point is {value}", "in which nothing is higher than {value}"),
        test=("that is topped by {value}",),
    ),
}
"""By what a chain says of the country that it starts with."""

STEPS: dict[str, Form] = {
    "longest border": Form(
        train=(
            "Go on to the neighbour with which it shares its longest land border.",
            "Take the country across its longest border.",
            "Move to whichever neighbour its longest border is with.",
        ),
        test=("Cross the longest of its land borders.",),
    ),
    "shortest border": Form(
        train=(
            "Go on to the neighbour with which it shares its shortest land border.",
            "Take the country across its shortest border.",
            "Move to whichever neighbour its shortest border is with.",
        ),
        test=("Cross the shortest of its land borders.",),
    ),
    "top export partner": Form(
        train=(
            "Go on to the country that takes the largest share of its exports.",
            "Take its first export partner.",
            "Move to the country that it exports most to.",
        ),
        test=("Follow its exports to their main destination.",),
    ),
    "top import partner": Form(
        train=(
            "Go on to the country that has the largest share of its imports.",
            "Take its first import partner.",
            "Move to the country that it imports most from.",
        ),
        test=("Follow its imports back to their main origin.",),
    ),
}
"""By the edge that a step walks."""

SETUPS: dict[str, Form] = {
    "": Form(
        train=("Consider {items}.", "These countries are given: {items}."),
        test=("The field is {items}.",),
    ),
    "longest border": Form(
        train=(
            "For each of {items} find the neighbour with which it shares its longest land border.",
            "Take the countries across the longest border of {items}, one each.",
        ),
        test=("Cross the longest land border of each of these: {items}.",),
    ),
    "shortest border": Form(
        train=(
            "For each of {items} find the neighbour with which it shares its shortest land border.",
            "Take the countries across the shortest border of {items}, one each.",
        ),
        test=("Cross the shortest land border of each of these: {items}.",),
    ),
    "top export partner": Form(
        train=(
            "For each of {items} find the country that takes the largest share of its exports.",
            "Take the first export partner of each of {items}.",
        ),
        test=("Note the main destination of the exports of each of these: {items}.",),
    ),
    "top import partner": Form(
        train=(
            "For each of {items} find the country that has the largest share of its imports.",
            "Take the first import partner of each of {items}.",
        ),
        test=("Note the main origin of the imports of each of these: {items}.",),
    ),
}
"""By the edge that leads to what a join compares; '' compares the countries that are named."""
