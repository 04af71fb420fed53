"""Kinds that mostly need a swarm: surveys, tables, corpora, many sites. Each has variants that do
not."""

# ruff: noqa: E501 - a phrasing is a line, however long it is

from bench.routing.forms import Kind, Variant

LOOK = {"memory": (0.05, 0.2), "thought": (0.08, 0.22), "single": (0.72, 0.9), "steps": (4, 8), "pages": (3, 8)}  # fmt: skip
LIGHT = {"memory": (0.1, 0.3), "thought": (0.12, 0.32), "single": (0.8, 0.93), "steps": (2, 4), "pages": (1, 3)}  # fmt: skip
BY_HEART = {"memory": (0.82, 0.92), "thought": (0.8, 0.93), "single": 0.92, "steps": 2, "pages": 1}
NEVER = {"memory": 0.0, "thought": 0.01, "single": (0.78, 0.93), "steps": (2, 4), "pages": (3, 9)}

SURVEY = Kind("survey", (
    Variant("web web web+python", LOOK, r"""
Compare {names}: {cols}.
Which of {names} is best for a small team? Look at {cols}, with sources.
Survey {n} {things} and what they do about {topic}.
market overview of {n} {things} in {country}: {cols}
I need a thorough comparison of {names} on {cols}; read the terms of each.
What do {n} leading {things} say about {topic}? Cite each.
{names} - who treats customers best? check reviews, prices and {col}
Find {n} {things} that offer {topic} and compare {cols}.
How do {names} differ in {col}?
Benchmark our offer against {n} competitors, look at each one's website
Vergleiche {names} nach {cols}, mit Quellen.
Compare les offres de {names} : {cols}.
Compara {names} en cuanto a {cols}.
we're choosing between {names}. dig deep into every one: {cols}
Literature review on {topic}: at least {n} papers, for each method and result
Ask yourself for {names} in turn what speaks for and against, with evidence from {year}
state of the art in {topic}, cover the {n} most important groups one by one
Who are the {n} biggest {things} in {country} and how do they deal with {topic}?
""", count=(4, 40), weight=1.5),
    Variant("web web+python", LIGHT, r"""
{company} or {company2}: which has the better {col}?
Is the {product} better than the {product2}? Two reviews are enough.
compare prices of {product} and {product2}
What do {country} and {country2} do differently about {topic}?
Quick check: do {company}, {company2} and {company3} have an office in {city}?
Vergleich {city} und {city2}: {col}?
which of the two is cheaper per month, {company} or {company2}
"""),
    Variant("- - web", BY_HEART, r"""
Compare Python, Java and Go for beginners.
Pros and cons of each: bus, train, car, plane.
compare all the sorting algorithms you know in a short list
Contrast {person} and {person2} in a paragraph.
What are the differences between cats and dogs as pets
List advantages of tea, coffee, mate and water, each in one line
Vergleiche Äpfel, Birnen und Quitten als Kuchenbelag.
general overview: which kinds of {word} are there, with one example each
"""),
    Variant("-", {"memory": (0.3, 0.5), "thought": (0.65, 0.8), "chain": 0.5}, r"""
Weigh renting against buying for someone with {num}000 euros and {pct} % inflation, with every assumption stated.
Which of three voting systems is fairest if {pct} % of voters rank A first? Compare them rigorously.
Think through whether {country} should introduce {topic}: strongest case for and against, and then decide.
""", weight=0.6),
))  # fmt: skip

GIVEN_TABLE = Kind("given-table", (
    Variant("web web web+python", LIGHT, r"""
For each of {names}: {cols}.
Make a table of {names} with {cols}.
{names}\n\nfor these, please find {cols}
Fill in {cols} for the following: {names}.
here's my list: {names}. I want {cols}, one row each, with link
Find the {col} of {names}.
table: rows {names}; columns {cols}
Give me {cols} for every one of these. {names}
Gib mir für {names} jeweils {cols}.
Tabelle mit {cols} für: {names}
Pour chacun : {names}, donner {cols}.
Para cada uno de {names}: {cols}.
attached is nothing, just use this list: {names}. add {cols}
{cols} of {names} pls
complete the sheet, names are {names}, missing is {cols}
What's the {col} at {names}? I need all of them
I need to know {cols} for {names}, respectively
Look these up one after another: {names}. Note {cols}.
""", count=(3, 60), weight=1.6),
    Variant("web", LOOK, r"""
{names}\nPlease read the last annual report of each of them and take out {cols}.
For {names}: find primary sources for {cols}, quote them word for word.
Research {names} in depth, each: {cols}, history, controversies.
Lies für {names} jeweils den Geschäftsbericht und notiere {cols}.
""", count=(4, 40)),
    Variant("over over+python", NEVER, r"""
Fill a table from these documents: rows {names}, columns {cols}.
What do the files say on {cols} of {names}?
For each of {names} look into the folder and take down {cols}.
Trage aus den Akten für {names} ein: {cols}.
""", count=(4, 40), weight=0.8),
    Variant("- - web", BY_HEART, r"""
Put this into a table: {list}, one column with the first letter of each.
Table of the {smallset} with one property each
Make a two-column table of {list} and their continents or "none"
sort these by length and number every one: {list}
Turn "{list}" into JSON, each as {{"name": ...}}
Alphabetisch sortieren bitte: {list}
Which of {list} start with a vowel?
For each of the words {word}, {word2} and {word3}: one rhyme
"""),
    Variant("web web+python", LIGHT, r"""
{col} of {city} and {city2}?
For {company} and {company2}, the {col} and the {col2}
opening hours for the main library in {city} and in {city2} tomorrow
""", weight=0.6),
    Variant("-", {"memory": (0.6, 0.8), "thought": (0.65, 0.82)}, r"""
For each of these {n} product names write a description of 50 words and five keywords: see the list in the shop.
I'll need {n} short biographies of invented characters, each with name, age, secret and a scene.
Write {n} quiz questions on {topic}, with four answers each and an explanation.
Erfinde {n} Kundenanfragen zu {topic}, jede mit Name, Anliegen und Antwort.
""", count=(20, 300), weight=0.6),
))  # fmt: skip

OPEN_TABLE = Kind("open-table", (
    Variant("web web web+python", LIGHT, r"""
{cols} of all {set}
For every one of the {set}: {cols}.
Table of the {set} with {cols}, with source for each cell
list the {set} and give {cols}
I need {cols} for each of the {set}
which of the {set} have rules on {topic}? law, year and link for each
Compare the {set} by {col}
Get me the top {n} {things} in {country} with {cols}
The {n} largest {things} worldwide: {cols}.
{n} examples of {things} in {city} and around, {cols}
Alle {set}: {cols}
Tabelle aller {set} mit {cols} und Quelle
Pour tous les {set} : {cols}
Todos los {set} con {cols}
collect {n} {things} that do something with {topic}; name, place, {cols}
find me {n} {things}, doesn't matter where, with {cols}
a spreadsheet of the {set}: {cols}. no gaps please
How does {topic} work in the {set}? one row per member
""", count=(8, 250), weight=1.6),
    Variant("web", LOOK, r"""
{topic} in the {set}: read the national law in each case and quote the article.
For the {set}, find who is responsible for {topic}, since when, and the text of the statute.
All {set}: dig out {cols} from primary documents, in detail
Die {n} größten {things} in {country}: {cols}, aus den Geschäftsberichten belegt
"""),
    Variant("web web+python", {**LIGHT, "items": (30, 150)}, r"""
Every {word} manufacturer in {country} with address and {col}.
all the {things} in {country}, {cols}
Make a complete list of the {things} that work on {topic}: {cols}
I want to know of each and every one of the {things} in {city} whether they offer {topic}
Sämtliche {things} in {country} mit {cols}
Who offers {topic} in {country}? all of them, with {cols}
"""),
    Variant("- - web web+python", BY_HEART, r"""
Table of the {smallset} with {k} columns
all {smallset}, each in {lang}
name all the {smallset} in order
the {smallset} and one interesting fact each
Alle {smallset} auf {lang}?
list of the {smallset} please, every one with its number
"""),
    Variant("-", {"memory": (0.55, 0.75), "thought": (0.6, 0.78), "items": (5, 20)}, r"""
Table of well-known {things} with their country, from memory is fine.
a list of famous {word} recipes with main ingredient and origin
Which countries border {country}? With capital each.
""", weight=0.6),
))  # fmt: skip

CORPUS = Kind("corpus", (
    Variant("over over over+python", NEVER, r"""
From each of the {n} {doc}: {cols}.
{n} {doc}. one row per file: {cols}
Go through all {n} {doc} and take out {cols}.
Extract {cols} from every one of the {n} {doc}
Read the {n} {doc} and tell me for each whether it mentions {topic}, with quote
code all {n} {doc} for theme, tone and {col}
Aus jedem der {n} Dokumente: {cols}
Lies alle {n} Dateien und notiere {cols} je Datei
Dans chacun des {n} fichiers, relever {cols}.
classify every document ({n} in all) by {topic} and {col}
what are the main complaints in each of the {n} {doc}? I need them one by one
Which risks do the {n} {doc} name? table per document
""", count=(6, 400), weight=1.6),
    Variant("over over+python", {**NEVER, "items": (25, 150)}, r"""
For every file in the folder: {cols}.
Take {cols} out of all the {doc}
Each of the {doc} has to be summarised in five lines
Go through all the {doc}, document by document, and note {cols}
Für jedes Dokument: {cols}
summarise them all, one paragraph per file
"""),
    Variant("over over+web over+python", {"memory": 0.01, "thought": 0.02, "single": (0.75, 0.92), "steps": (3, 6), "pages": (3, 10)}, r"""
Is {topic} mentioned anywhere in these {doc}?
Find the one that talks about {company}
which of the {doc} is the oldest
Where do the {doc} say something on {topic}? three examples will do
What is the general attitude to {topic} in here, roughly?
who wrote about {city}
In welchem Dokument steht etwas zu {topic}?
search the {doc} for "{word}" and show me the best hit
How many files are there and in which languages?
give me a feel for what is in this folder
Find the contract with {company} and tell me when it ends.
""", weight=1.2),
    Variant("over", {**NEVER, "pages": (2, 4)}, r"""
Compare the {doc} of {names}: {cols}.
For {names}, what is said in the {doc} about {topic}?
{cols} by office: {names}
Was steht in den Unterlagen zu {names}, jeweils {cols}?
""", count=(3, 25)),
))  # fmt: skip

MONITORING = Kind("monitoring", (
    Variant("web web web+python", LIGHT, r"""
Check the websites of {names} for news on {topic} this week.
Look at {n} {things} and tell me which of them changed {col} since last month
Go to the job pages of {names} and count the openings for {word}.
what's new at {names}?
Price of the {product} in {n} online shops, with stock and shipping
Daily digest: {n} news sites, anything about {topic}
Collect this week's events from the pages of {n} {things} in {city}
Which of the {set} updated their guidance on {topic} in the last 30 days?
see whether the sites of {names} are up, and what their banner says
Aggregate the {col} that {n} {things} publish on their pages into one figure, with a table of the parts
Prüfe die Webseiten von {names} auf Neues zu {topic}
Schau bei {n} Händlern nach, was {product} kostet
Surveille {names} : quoi de neuf sur {topic} ?
press releases of {names} since {year}: everything on {topic}
scan {n} procurement portals for tenders on {topic}
track what {names} charge for {product} today
Has any of our {n} {things} put something about {topic} on its page? check all
Watch {n} municipal sites for notices about {word}
""", count=(4, 150), weight=1.8),
    Variant("web web+shell", {"memory": (0.02, 0.08), "thought": (0.02, 0.08), "single": (0.8, 0.93), "steps": (3, 5), "pages": (2, 4)}, r"""
Check the status page of {company} now.
is there anything new on {company}'s blog about {topic}
look at this page and tell me if the price of the {product} dropped
Did {company} publish its report today?
Sind auf der Seite von {city} neue Termine frei?
any news on {topic} in {country} since yesterday? a few lines
Tell me when the newsroom of {company} mentions {person}; look now and give me the last three items.
Est-ce que le site de : {company} affiche une panne ?
"""),
    Variant("- - web files", {"memory": (0.78, 0.92), "thought": (0.85, 0.93), "single": 0.9, "steps": 3, "pages": 1, "chain": 1}, r"""
How would I set up alerts for {m} websites? Just the idea.
write a cron line that checks {k} URLs every hour
Which tools can monitor all my {things}' sites? Name a few from memory.
What's the difference between polling and webhooks for watching many pages?
Draft a message to {m} {things} that asks each of them to send us their {col}.
what does it mean if every site returns 503
"""),
    Variant("files+python shell+files", {"memory": 0.02, "thought": 0.03, "single": (0.75, 0.9), "steps": (4, 8), "pages": (2, 5), "chain": 0.7}, r"""
Parse the access log and list all IPs with more than {num} requests.
Aggregate the CSV by {col}, then plot every group.
Watch the log until the job ends, then tell me what failed.
Build a script that checks the {m} feeds in feeds.txt, run it once and show me the output.
""", weight=0.8),
))  # fmt: skip
