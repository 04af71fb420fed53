"""Kinds that mostly need one agent: code, sequences, a document, several hops. Each has variants
that need less, or more."""

# ruff: noqa: E501 - a phrasing is a line, however long it is

from bench.routing.forms import Kind, Variant

AT_WORK = {"memory": (0.02, 0.1), "thought": (0.05, 0.15), "single": (0.65, 0.85), "steps": (6, 14), "pages": (2, 8)}  # fmt: skip

CODE = Kind("code", (
    Variant("- - web files", {"memory": (0.8, 0.93), "thought": (0.85, 0.95), "single": 0.9, "steps": 3, "pages": 0.5, "chain": 1}, r"""
What's wrong here? {code}
fix this: {code}
Explain what each line does: {code}
write a regex that matches every {word} followed by a number
How do I reverse a list in {lang2}?
one-liner to count all the lines of all files in a folder, bash
{code}\n\nwhy doesn't this work
Convert to {lang2}: {code}
give me a {lang2} function that returns the n-th Fibonacci number
Was macht dieser Code? {code}
sql query: for each customer the last order
what's the big O of looking up every element of one list in another
add type hints: {code}
"""),
    Variant("files+shell files shell+files+python", {**AT_WORK, "chain": (0.7, 1.0)}, r"""
{file} crashes when the list is empty. Find out why and fix it.
the tests in {file} fail since this morning, please repair
Add a --verbose option to the command in {file}, with a test.
There is a race condition somewhere in {file}; find it and fix it
Rename the function {word} to {word2} in {file} and wherever it is called.
Upgrade {package} to the latest version and fix what breaks.
make {file} pass the linter, all the warnings
Refactor {file}: split the big function, then run the tests, then update the changelog.
profile {file} and make the slowest part twice as fast
Warum schlägt der Build fehl? Bitte beheben.
Schreibe Tests für {file}, jede Funktion soll abgedeckt sein.
implement the TODO in {file}
Why does the container restart every {num} minutes? Look at the Dockerfile and the logs.
bisect which commit broke {file}
The user list in {file} is sorted wrong, each name with an umlaut comes last. Fix that.
"""),
    Variant("- -", {"memory": (0.25, 0.5), "thought": (0.78, 0.92), "chain": 1}, r"""
Design an algorithm that merges k sorted streams with at most {k} in memory, and prove its complexity.
Is this lock-free stack correct under ABA? Argue about every interleaving. {code}
How would you shard a table with {num} million rows so that each tenant can be moved without downtime? Weigh the options.
Find the invariant of this loop and show that it terminates: {code}
There is a subtle deadlock in here, walk through every order of events: worker takes A then B, the reaper takes B then A, only if the queue is full.
Write a type-level {word} in TypeScript that works for recursive unions, and explain why it terminates.
"""),
    Variant("files+shell files over+files", {"memory": 0.01, "thought": 0.02, "single": (0.7, 0.88), "steps": (5, 9), "pages": (2, 6)}, r"""
Migrate all {n} test files from unittest to pytest; they are independent of each other.
Each of the {n} modules under plugins/ needs a docstring and type hints.
Add a health check endpoint to every one of our {n} services, each is a folder of its own.
Port the {n} examples to the new API, one by one, they share nothing.
In jedem der {n} Pakete die Lizenzköpfe prüfen und fehlende Tests nennen.
review every file in this pull request, {n} files, for security problems, a report for each
We have {n} stored procedures. Document what each one reads and writes.
translate each of the {n} shell scripts in tools/ to Python
""", count=(6, 120)),
))  # fmt: skip

LINKED = {"memory": (0.02, 0.15), "thought": (0.05, 0.2), "single": (0.6, 0.82), "steps": (5, 9), "pages": (3, 7), "chain": (0.85, 1.0)}  # fmt: skip
SEQUENTIAL = Kind("sequential", (
    Variant("- - web", {"memory": (0.2, 0.45), "thought": (0.75, 0.92), "single": (0.7, 0.85), "steps": 5, "pages": 1, "chain": 1}, r"""
Take {num}, add {num2}, divide by {k}, round down, then multiply the result by itself. What is it?
First reverse "{word}", then replace every vowel by the next one, then sort the letters. Result?
Start at 0. For each number in {k}, {k2}, {num}, {num2}: add it if the total is even, otherwise subtract it. Where do you end?
Plan my day: gym only after work, work from 9 to 5, shopping before dinner, dinner after the gym, the shop closes at 7. Each takes an hour.
The stack starts empty. push {k}, push {k2}, pop, push {num}, dup, add, then swap. What's on it after each step?
Schedule {k} machines: job B needs A, C needs B, D needs A and C, each takes {k2} days. When are we done?
I have {num} euros, lose {pct} % each month, and top up {num2} after every third month. How much is left after {k} years?
Follow the recipe backwards: what must be ready before the dough, and before that, and so on, if we eat at 8?
Setze die Zahl {num} ein, ziehe die Quersumme ab, nimm das Ergebnis mal {k}, und dann dasselbe noch einmal. Was kommt heraus?
walk through this program by hand and tell me what it prints after each iteration: {code}
Who moves when? Ann goes after Bill, Bill after the one who goes first, {list} wait until both are through.
Convert {num} from base {k} to base 10, then the result to base 16, then read it as ASCII.
"""),
    Variant("web web+python python+files files+shell", LINKED, r"""
Find out where {person} studied, then who led that institution at the time, and then what that person published last.
Look up the head office of {company}; take the mayor of that city; find the party; find when the party was founded.
Download the latest CSV from the statistics office of {country}, clean it, fit a trend, then use the trend to project {k} years ahead.
First install the dependencies, then migrate the database, then start the server with what the migration printed.
Get the exchange rate, convert {num} with it, then use the result to find the cheapest hotel in {city} that fits, and then a train that arrives before check-in.
Who bought {company}'s former parent, who then bought the buyer, and so on up to today?
Using the result of each query to decide on the next, narrow down when {file} got slow.
Begin with {list}; every one owes the next one a percentage of what it got from the one before. Read the rates from the file and compute what the last one gets.
Process these in order, each depends on the balance left by the one before: {list}.
Erst die Adresse von {company} heraussuchen, danach das zuständige Gericht, danach dessen Aktenzeichen-Format, und damit das Formular ausfüllen.
Read step 1 in the runbook, do it, and only then go on with the step that it names, until it says done.
play the text adventure in ./game until you reach the end; each room tells where to go
Work through the {m} exercises in order; each uses the value that you found in the one before.
Follow the links: open the page of {company}, take the first partner named there, open its page, and so on, {k} times. Where do you end up?
Optimise the config by hill climbing: change one value, run the benchmark, keep it if better, {m} rounds.
Trouvez le brevet, puis son inventeur, puis son employeur actuel, et enfin le siège de celui-ci.
""", weight=1.4),
    Variant("over over+python", {**LINKED, "memory": 0.01, "thought": 0.02, "single": (0.65, 0.85)}, r"""
Read the {doc} in the order of their dates; each changes what was decided before. What holds at the end?
Follow the money through these {doc}: from the first payment to wherever it ends.
Reconstruct the story: which of the {doc} answers which, and what was known when?
Each letter refers to the one before. Where does the disagreement begin?
Lies die Protokolle der Reihe nach; jeder Beschluss ändert den vorigen. Was gilt heute?
"""),
))  # fmt: skip

ONE_DOC = {
    "memory": 0.02,
    "thought": 0.03,
    "single": (0.82, 0.95),
    "steps": (3, 6),
    "pages": (3, 10),
}
DOCUMENT = Kind("document", (
    Variant("over over over+python", ONE_DOC, r"""
What does the contract say about {word}?
find the paragraph on {topic} and quote it
Who signed this, and when?
Summarise chapter {k} of the book.
What is the total in the last table of the report?
Does the manual mention {product}? On which page?
List all the deadlines in this document.
What are all the defined terms, each with its definition?
Welche Frist gilt laut Vertrag für die Kündigung?
Steht in dem Bericht etwas über {topic}?
Que dit le règlement sur {topic} ?
according to the paper, what was the sample size and how was every participant recruited
How many times is {company} named in the annual report?
what changed between section {k} and section {k2}, and does every exception still apply
give me the three most important points of the report
Is the warranty of the {product} void if it is opened? Look it up in the attached terms.
compare the two tables in the appendix
"""),
    Variant("- - web", {"memory": (0.8, 0.93), "thought": (0.85, 0.95), "single": 0.9, "steps": 2, "pages": 1}, r"""
{paste}\n\nWhat was decided?
"{paste}" Who is meant by "them"?
Read this and tell me how many are mentioned: {paste}
Here is the mail: {paste} When do I have to answer?
From the text below, list each name. {paste}
{paste} -- is that good or bad news for us?
Beantworte nur mit dem Text: Wer bekam was? {paste}
"""),
    Variant("attach", {"memory": (0.45, 0.6), "thought": (0.8, 0.93), "single": 0.85, "steps": 3, "pages": 3}, r"""
Does the attached ruling support our position? Argue carefully from its wording.
Check the attached proof for gaps.
Is the calculation in the attached sheet right? Go through every step.
Read the attachment and find the contradiction between its clauses.
Prüfe die Rechnung im Anhang, jede Position, und begründe.
"""),
    Variant("attach attach+web", {"memory": (0.85, 0.95), "thought": (0.87, 0.95), "single": 0.9, "steps": 2, "pages": 2}, r"""
Summarise the attached file.
what is the attachment about?
Translate the attached letter into {lang}.
Give me the key figures of the attached one-pager, each in a line.
Worum geht es im Anhang?
"""),
    Variant("over", {**ONE_DOC, "steps": (2, 4), "pages": (12, 25)}, r"""
The handbook has {n} chapters of some {k}0 pages. Summarise each chapter on half a page.
For every one of the {n} articles of the treaty: what does it oblige members to do?
This book has {n} chapters. For each: theses, evidence, weak points. In detail.
Gehe alle {n} Kapitel des Gutachtens durch und fasse jedes einzeln zusammen.
""", count=(6, 60), weight=0.6),
))  # fmt: skip

HOPS = {"memory": (0.05, 0.25), "thought": (0.1, 0.35), "single": (0.6, 0.85), "steps": (6, 12), "pages": (4, 10), "chain": (0.5, 0.9)}  # fmt: skip
MULTI_HOP = Kind("multi-hop", (
    Variant("web web web+python", HOPS, r"""
Which school did the architect of the town hall of {city} go to?
Who is the spouse of the person who founded {company}, and what do they do?
In which country was the director of the film that beat {book} at the awards born?
What is the source of the claim that {topic} cut costs by {pct} %?
which company made the engines of the ferry that sank near {city}, and does it still exist
Did the politician who introduced {topic} in {country} own shares in the industry?
How old was the author of the novel behind the series shot in {city} when it came out?
find the paper that first measured {word} in {country} and what later became of its first author
Who owns the building in which {company} has its head office in {city}?
What was the name of the ship on which {person} emigrated, and where was it built?
Quel architecte a construit la gare de la ville natale de : {person} ?
Wer leitete das Institut, an dem {person} promovierte, zu der Zeit?
I remember a podcast about a village near {city} that banned {word}. What was it called, and did the ban last?
How much did the stadium cost in which {country} lost its last final?
Is the quote about {word} really by {person}? Find the earliest source.
Which of {company}'s suppliers was fined in {country}, and for what?
Check whether the grant behind the {topic} study came from {company}.
what became of the two founders of the startup that {company} bought in {year}
"""),
    Variant("-", {**HOPS, "memory": (0.3, 0.5), "thought": (0.65, 0.8)}, r"""
Was {person} alive when {country} became independent? Work it out.
Which came first: the birth of {person} or the first railway in {country}? Explain how you know.
Who was head of state where {person} was born, in the year of birth? Think it through.
Did {person} and {person2} live at the same time, and could they have met in {city}?
"""),
    Variant("over over+web", {**HOPS, "memory": 0.01, "thought": 0.02}, r"""
Which of our {things} is connected to the one that failed in {year}? It is somewhere in the {doc}.
Who approved the exception that is mentioned in the audit, and was that person entitled to?
find out from these {doc} why the {city} office was closed
Does what {company} told us in the mails contradict the {doc}?
Wer hat laut Akten zuerst von dem Mangel gewusst?
"""),
    Variant("web web+python", {**HOPS, "chain": (0.0, 0.15), "steps": (7, 12), "pages": (8, 14), "single": (0.7, 0.85)}, r"""
Look into {topic} from {n} independent angles (law, money, technology, people and so on), each in depth with primary sources.
Investigate the {n} open questions on {topic} separately and thoroughly, then write one report.
Due diligence on {company}: {n} areas, from litigation to patents, each researched on its own with sources.
I want a deep report on {topic} in {country}: {n} sections that do not depend on each other, at least ten sources each.
""", count=(3, 9), weight=0.5),
))  # fmt: skip
