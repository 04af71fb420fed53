"""Kinds that mostly need one reply: facts, rewriting, reasoning. Each has variants that need more."""

# ruff: noqa: E501 - a phrasing is a line, however long it is

from bench.routing.forms import Kind, Variant

EASY = {
    "memory": (0.88, 0.97),
    "thought": (0.9, 0.98),
    "single": (0.9, 0.97),
    "steps": 3,
    "pages": 2,
}
FRESH = {"memory": (0.05, 0.25), "thought": (0.05, 0.25), "single": (0.75, 0.92), "steps": (3, 5), "pages": (2, 5)}  # fmt: skip

FACT = Kind("fact", (
    Variant("- - web web+python files", EASY, r"""
What is the capital of {country}?
who wrote "{book}"
When was {person} born?
what does {acronym} stand for
How many {unit} are in a {unit2}?
Which language do they speak in {country}
Is {country} landlocked?
Name the {smallset}.
list the {smallset} pls
Define "{word}" in one sentence.
What's another word for {word}?
In which year did {country} become independent?
what is each of the {smallset} called in {lang}
Explain in two lines what {package} is for
Why is the sky blue? One paragraph.
Wie viele Einwohner hat {country} ungefähr?
Was bedeutet das Wort "{word}"?
Quelle est la capitale de : {country} ?
¿Quién fue {person}?
Chi era {person}, in una frase?
give me a short list of things {person} is known for
What is the difference between {word} and {word2}?
how do you spell {word} in {lang}, and is every letter pronounced?
which continent is {city} on
Does {drug} need to be taken with food, generally?
remind me, what's the keyboard shortcut for find and replace
For every litre of water, how much does it weigh?
Can all birds fly?
"""),
    Variant("web web+python web+files", FRESH, r"""
What is {company}'s share price right now?
is it raining in {city} at the moment
Who is the current minister of finance of {country}?
how much is a train ticket from {city} to {city2} tomorrow morning
latest version of {package}?
What did the central bank of {country} decide this week?
who won the match in {city} yesterday
Is the museum in {city} open today?
Was kostet {product} aktuell?
Wie ist das Wetter morgen in {city}?
what's the newest model of the {product} and when did it come out
Has {company} announced layoffs this month?
Quel est le taux de change aujourd'hui pour {country} ?
find me the phone number of the tax office in {city}
current CEO of {company}? cite the source
what is the population of {city} according to the most recent census, with link
"""),
    Variant("-", {**FRESH, "memory": (0.2, 0.4), "thought": (0.2, 0.42)}, r"""
who is CEO of {company} these days
What is the price of a {product}?
How big was {company}'s revenue last year?
what time zone is {city} in and what time is it there now
""", weight=0.4),
    Variant("- web", {"memory": (0.4, 0.6), "thought": (0.8, 0.92), "single": (0.8, 0.92), "steps": 4, "pages": 3}, r"""
Why did the {country} currency crisis happen, and what would have prevented it? Argue both sides.
What would happen to the tides if the moon were twice as far away? Reason it through.
Explain why {word} and {word2} cannot both be maximised at once, with a careful argument.
Is it possible that everyone in {city} knows at most {k} others and the graph is still connected? Why?
why do mirrors swap left and right but not up and down, really think about it
"""),
))  # fmt: skip

PASTE = {"memory": (0.82, 0.95), "thought": (0.84, 0.96), "single": (0.85, 0.95), "steps": 2, "pages": 0.5}  # fmt: skip
REWRITE = Kind("rewrite", (
    Variant("- - web web+python files", PASTE, r"""
Translate into {lang}: {paste}
Make this shorter: {paste}
Summarise the following in {k} bullet points.\n\n{paste}
fix the grammar and spelling please: {paste}
Rewrite it for a ten-year-old: {paste}
Turn this into a list: {paste}
make it sound more professional\n---\n{paste}\n---
{paste}\n\nGive me a one-sentence summary of each paragraph.
Here is a text. Put every sentence into the past tense. "{paste}"
what would be a good headline for this? {paste}
Put the following into a table with two columns: {paste}
Extract all the names and dates from this text: {paste}
Übersetze das bitte ins {lang}: {paste}
Kürze den Text auf die Hälfte: {paste}
Traduis en {lang} : {paste}
Reescribe esto en un tono más amable: {paste}
Write a birthday card for a colleague who likes {word}.
Draft a short email to {company} to ask for an offer for {k} chairs.
write me a tweet about {topic}, {k} variants
Suggest {k} names for a cafe in {city}
Write a limerick about {topic}.
is there a nicer way to say "{word} is not my job, compare the list I sent to all of you"?
sort this list: {list}
Turn {list} into a comma separated list in lower case, each in quotes.
Improve the flow: {paste} {paste}
proofread: {paste} {paste} {paste}
What's the tone of each of these two messages? {paste} /// {paste}
"""),
    Variant("files files+shell", {"memory": 0.02, "thought": 0.02, "single": (0.75, 0.9), "steps": (3, 6), "pages": (1, 4)}, r"""
Translate {file2} into {lang} and save it beside the original.
shorten the introduction of {file2}, leave the rest as it is
{file2} is far too formal; rewrite it so that customers like it
Correct all the typos in {file2}.
Put the changes since the last tag into {file2}, one line each.
Überarbeite {file2}: kürzere Sätze, keine Fremdwörter.
"""),
    Variant("over over+files files", {"memory": 0.01, "thought": 0.01, "single": (0.75, 0.92), "steps": (2, 4), "pages": (3, 8)}, r"""
Translate all {n} {doc} into {lang}.
Write a summary of half a page for each of the {n} {doc}.
Every one of our {n} product pages has to be rewritten in plain language.
shorten each of the {n} {doc} in the folder to 100 words
Überarbeite jeden der {n} Texte: einfache Sprache, höchstens 150 Wörter.
There are {n} help pages here. Translate each one into {lang}, keep the links.
""", weight=0.8),
    Variant("-", {"memory": (0.3, 0.55), "thought": (0.75, 0.9), "chain": 1}, r"""
Write a poem on {topic} in which every line has exactly one word more than the line before, {k} lines.
Rewrite this without using the letter e, and keep the meaning: {paste}
Make a crossword clue for {word} that is also an anagram and fits in {k} words.
write a palindromic sentence about {word} and check it letter by letter
Schreibe ein Akrostichon zu "{word}", streng im Versmaß, und prüfe jede Silbe.
""", weight=0.7),
))  # fmt: skip

HARD = {"memory": (0.2, 0.5), "thought": (0.75, 0.93), "single": (0.7, 0.9), "steps": (3, 6), "chain": (0.8, 1.0)}  # fmt: skip
REASONING = Kind("reasoning", (
    Variant("- - web python", {**EASY, "pages": 0.5, "chain": 1}, r"""
What is {num} plus {num2}?
{pct} percent of {num}
convert {num} miles to km
Is {num} even or odd?
Round {num}.{num2} to one decimal place.
How many minutes are there in {k} hours?
which is bigger, {pct}/100 or 1/{k}
Wie viel ist {num} minus {num2}?
what's half of {num}
"""),
    Variant("- - - web files", HARD, r"""
Prove that there are infinitely many primes of the form {k}n+{k2}, or explain why not.
Show that the sum of the first n odd numbers is n squared, by induction.
A train leaves {city} at 9:{pct} at {num} km/h, another leaves {city2} an hour later, twice as fast. When do they meet?
Alice, Bob, Carol and Dan each own a different pet. Alice is allergic to fur. Bob's pet cannot fly. Carol lives next to the fish. Who owns the dog?
I have {k} red and {k2} blue marbles and draw three without putting them back. Probability that all are the same colour?
Solve for x: {k}x^2 - {num}x + {num2} = 0, and show each step
{m} people shake hands with everybody else. Each shake takes 3 seconds, and nobody can do two at once. How long does it take at least?
There are {m} lockers and {m} students. Student i toggles every i-th locker. Which ones are open at the end?
In how many ways can {k} rooks be placed on a board so that none attacks another? Derive it.
Find the flaw: all {things} are useful; this is useful; therefore this is one of the {things}.
Which of these statements follow? 1) All A are B. 2) Some B are C. 3) Every C is A or D. Explain each.
Is the language of all words with as many a as b regular? Prove it.
What is the expected number of throws of a die until each face has come up?
derive the formula for compound interest with monthly payments, {pct} % and {k} years
Two clocks, one loses {k} minutes a day and one gains {k2}. When do they show the same time again?
Beweise, dass jede Primzahl größer als 3 von der Form 6k+1 oder 6k-1 ist.
Löse das Rätsel: {k} Zwerge, jeder sieht die Hüte aller anderen. Wie viele können sich sicher retten?
Démontre que la racine de {k} est irrationnelle.
Estimate how many piano tuners work in {city}. Reason step by step.
If every {word} is a {word2} and no {word2} is green, can a green thing be a {word}? think carefully
A knight stands on a1. What is the least number of moves to reach each of the four corners?
Rank {list} by age given: the first is older than the third, the last is the youngest, the second is twice the third. Is the order unique?
minimax this by hand: {k}, {k2}, {num}, {num2} as leaves of a depth 2 tree, max to move
Given {num} = a*b and {num2} = a+b, are a and b integers?
Is this argument valid? "{paste}" Lay out the premises first.
"""),
    Variant("python python+files", {"memory": (0.03, 0.15), "thought": (0.1, 0.3), "single": (0.85, 0.95), "steps": (3, 5), "chain": 0.9, "pages": 0.5}, r"""
What is the {num}th digit of pi?
Compute the determinant of a random {num} x {num} matrix with seed {k}, to six digits.
How many primes lie between {num}000 and {num2}00000?
simulate {num}0000 games of blackjack with the basic strategy, give me the house edge with error bars
Fit a logistic curve to these: {num}, {num2}, 118, 240, 371, 455, 480. What is the limit?
find all pythagorean triples below {num2}0, how many?
Integriere numerisch sin(x)/x von 0 bis {num}, auf acht Stellen.
Enumerate every magic square of order 3 and count those with {k} in a corner
brute force: shortest tour through 12 random points, seed {num}
"""),
    Variant("- python", {"memory": (0.3, 0.5), "thought": (0.7, 0.9), "single": 0.9, "steps": 4}, r"""
Solve each of the {n} independent exercises below and show the working: 1) {num}x = {num2}; 2) ... as in the sheet.
Here are {n} separate logic puzzles, they have nothing to do with each other. Solve all of them.
I have {n} word problems from an exam, one per line. Give me a full solution for each.
Mark these {n} proofs, one by one, each on its own: is it right, and where is the first gap?
""", count=(8, 150), weight=0.6),
))  # fmt: skip
