"""Tasks as people write them, each with the mode and width that its writer thinks right.

A line is `MODE WIDTH WHERE | TEXT`; `\\n` stands for a new line. WHERE is `-` for no tools, or tools
and options joined with `+`: web, python, files, shell, over, attach, max=N, usd=X, wall=S.
The labels were written before any router had seen the texts. Nothing is trained on them; their
errors were seen while counting and words were worked on.
"""

# ruff: noqa: E501 - a phrasing is a line, however long it is

TEXTS = {
    "fact": r"""
instant 0 - | whats the boiling point of ethanol in celsius
instant 0 - | Who was the British PM during the Falklands war?
instant 0 web | how many grams in an ounce
instant 0 web+python | hey quick q: is "data" singular or plural these days?
instant 0 - | Wie heißt die Hauptstadt von Kasachstan?
instant 0 web | What does HTTP 418 mean
agent 0 web | is the elizabeth line running normally right now?
agent 0 web | Whats the current base rate of the Bank of England and when do they meet next
instant 0 - | can you list the noble gases
instant 0 - | ¿Cuántos huesos tiene el cuerpo humano adulto?
agent 0 web | who won the election in moldova last weekend, rough numbers are enough
instant 0 web | difference between affect and effect, one line each
""",
    "rewrite": r"""
instant 0 - | make this sound less angry: "I have asked three times now, each time you told me it'd be done by Friday. Every Friday I hear nothing. Just send me the list of open invoices, all of them."
instant 0 web+python | translate to german pls: The meeting on 12 March, the one on 14 March and all the others until April are cancelled.
instant 0 - | tl;dr this for my boss\n\nWe compared five vendors (Acme, Globex, Initech, Umbrella and Hooli) across cost, support, security and roadmap. Each vendor got a score from 1 to 10. Globex came out on top with 41 points, closely followed by Initech. Then we called references for each of them. Based on those calls we'd go with Initech because every customer we talked to praised their support team.
instant 0 - | fix grammar: me and him was going to the shop when it start raining, then we runned home
instant 0 files | Give me five catchier titles for a blog post called "How we moved our billing to Postgres"
instant 0 - | Turn this into bullet points: first wash the rice, then soak it for 30 minutes, then drain, then cook with 1.5 parts of water for 12 minutes, finally let it rest.
agent 0 files | README.md reads like it was written by a lawyer, please rewrite it so a student gets it. keep the headings
swarm 64 over | Translate every one of the 64 help articles in this folder into Spanish. Keep the markdown.
instant 0 - | Mach daraus eine höfliche Absage: Keine Zeit, kein Interesse, bitte nicht mehr anrufen.
thinking 0 - | write a sonnet about TCP handshakes where the first letters of the lines spell SYNACKSYNACKOK and the rhyme scheme is strictly shakespearean
instant 0 - | réécris ce mail en plus court : Bonjour à tous, je me permets de vous écrire car chacun d'entre vous a reçu la liste des participants, et il me semble que chaque groupe devrait la vérifier avant vendredi.
""",
    "reasoning": r"""
instant 0 - | 17% of 230?
thinking 0 - | Three friends split a bill: Ana paid 2/5, Ben paid 30 less than Ana and Cleo paid the remaining 54. what was the bill
thinking 0 - | prove that among any 13 people two have their birthday in the same month, and then generalise it to k people per month
thinking 0 - | A farmer has to bring a wolf, a goat, a cabbage and a lantern that only burns 14 minutes over a river. each crossing takes 2 minutes with one item and 1 minute empty. can he make it?
thinking 0 - | is the series sum (-1)^n n/(n^2+1) conditionally convergent? justify each step
agent 0 python | what's the 10001st prime, and how many primes below it end in 7
thinking 0 web | Five houses in a row, each a different colour. The Dane lives left of the green one, the red one is next to the baker's, ... the baker drinks tea, the Dane doesnt live at an end. The tea drinker lives at the far right. Which house is green if the red one is number 4?
thinking 0 - | If all bloops are razzies and some razzies are lazzies, must some bloops be lazzies? Explain carefully, my student keeps getting it wrong in three different ways
instant 0 - | 3/8 as decimal
thinking 0 - | Beweise, dass die Wurzel aus 2 plus Wurzel aus 3 irrational ist.
agent 0 python | Monte carlo the probability that 23 random people share a birthday given real world birth seasonality of about 8 % amplitude, 1e6 samples
""",
    "code": r"""
instant 0 - | why does this print None? def f(x):\n    x.sort()\n    return x.sort()\nprint(f([3,1,2]))
agent 0 files+shell | tests/test_parser.py::test_empty fails since yesterday, find out why and fix it
agent 0 files | rename the column user_mail to email in models.py and the migration, nothing else
instant 0 - | regex for iso dates pls
thinking 0 - | I need a lock-free single producer multi consumer queue in C++20, explain the memory orders for each operation and why they're enough
swarm 80 files+shell | We have ~80 React class components under src/legacy. Convert each of them to hooks, one commit per file, they don't depend on each other
agent 0 files+shell | add a --dry-run flag to cli.py. then update the docs and make sure all the tests pass
agent 0 shell+files | git bisect when the memory leak came in, good is v2.1, bad is HEAD
instant 0 - | sql: top 3 customers per country by revenue, table orders(customer,country,amount)
thinking 0 - | Our cron job and our queue worker both take locks A and B, once in a while everything hangs.\nworker: lock(B); x=load(); lock(A); save(x)\ncron: lock(A); for each item: if dirty: lock(B); flush(); unlock(B)\nIs it a deadlock and whats the smallest change that fixes it without losing updates?
swarm 25 files | there are 25 microservices in services/, for every one of them write a short SECURITY.md that says what secrets it reads and where from
""",
    "sequential": r"""
thinking 0 - | Start with 7. Double it, subtract 3, square the result, take the digit sum, then multiply by the number you started with. What do you get? Show each step.
agent 0 web | look up the population of the birth town of the current UN secretary general, then find the year in which that town got its charter and then who ruled the country in that year
agent 0 python | simulate: day 1 I have 1000 bacteria; every day they grow 12 % but when over 5000 half are removed. each day 30 are removed for tests. what do i have on each of the days 1 to 60
thinking 0 - | I need a plan: the kitchen has to be wired before plastering, plastering takes 3 days and needs 4 to dry, tiles after that (2 days), cabinets only when tiles are done, the worktop gets measured after cabinets and arrives 10 days later. The electrician is only free mondays. Earliest finish if today is thu 3 may?
agent 0 web+python | Take the ECB rate from yesterday, convert our 12 invoices (100, 250, 75, 80, 1200, 33, 47, 900, 15, 60, 210, 5 USD) one after the other with the running total deciding the fee tier: 2% up to 500, 1.5% up to 1500 and 1% above
agent 0 files+shell | set up the project: install the deps, then run the migrations, then seed the db with what the migration printed and finally start the server and tell me if /health answers
thinking 0 - | each of the following instructions works on the output of the one before: reverse the word "restaurant", delete the vowels, shift every letter by its position in the word, then sort. whats left
agent 0 web | Trace the chain of ownership: who owns the brand Volvic, who owns that owner, and so on until you get to something publicly listed
agent 0 over | Go through the meeting minutes in order, every meeting changes decisions of the earlier ones. Which decisions are valid at the end?
thinking 0 - | Wenn ich monatlich 250 Euro spare bei 2 % Zins p.a., nach 3 Jahren 5000 entnehme und danach die Rate jedes Jahr um 10 % erhöhe - wie viel habe ich nach 8 Jahren?
""",
    "document": r"""
agent 0 over | whats the notice period in this contract
agent 0 over | Does our lease say anything about subletting? quote the clause please
instant 0 attach | summarise the attached letter in 3 sentences
agent 0 over | On which page of the manual is the reset procedure and what are the steps
instant 0 - | Here's the email, when is my flight? "Dear guest, your booking ref KX33. Outbound 4 Oct LHR 07:15 BA 302, return 9 Oct CDG 21:05. Each passenger may take one bag."
agent 0 over | list all the dates that are mentioned in the expert opinion
agent 0 over+max=50 | In the 10-K, what does each risk factor about China say, and how does it differ from last years wording which is quoted in the appendix
thinking 0 attach | Read the attached ruling and tell me whether its reasoning would also apply to freelancers, step by step
swarm 38 over | The thesis has 38 chapters (yes, really), each around 40 pages. I need a half page summary of every chapter
agent 0 over | Steht im Protokoll, wer für die Heizung zuständig ist?
""",
    "multi-hop": r"""
agent 0 web | Which university did the director of the highest grossing film of 1994 go to?
agent 0 web | did the company that makes the sensors in the Curiosity rover's weather station ever get bought
agent 0 web | I read that some town in Belgium switched its street lights off at night and then reversed it. which one, when, and what did the police statistics say
thinking 0 - | Was the author of the novel behind Blade Runner older than the director when the film came out? By how much
agent 0 web+python | how much more CO2 per head does the country that hosted the 2014 winter olympics emit than the one that hosted in 2018
agent 0 web | who funded the study that is usually cited for "10,000 steps a day", was there a conflict of interest
agent 0 over | which of our suppliers is the sister company of the one that failed the audit in 2022? the answer is somewhere in the mails and the audit reports
agent 0 web | Quel musée expose aujourd'hui le tableau volé en 1985 au musée Marmottan et retrouvé en Corse ?
agent 0 web | where does the claim that we only use 10% of our brain come from. I want the earliest primary source you can get
agent 0 web | What's the maiden name of the mother of the mathematician after whom the largest crater near Plato is named?
""",
    "survey": r"""
swarm 8 web | Compare Notion, Coda, Obsidian, Logseq, Roam, Craft, Anytype and Capacities for a 20 person team: price, offline, api, export. with links
agent 0 web | iPhone 17 or Pixel 10, which one has the better battery? just check two reviews
swarm 15 web | I want to open a bakery in Lyon. find out what the 15 best rated bakeries there do differently, look at each one's site, menu, prices and reviews. be thorough
instant 0 - | pros and cons of renting vs buying a flat
swarm 6 web+python | what are the six big german insurers doing about heat pumps coverage? look in their terms, not in news
swarm 20 web | competitive landscape for AI note takers for doctors in europe. at least 20 vendors, funding, customers, certification
instant 0 web | Compare bubble sort, insertion sort and merge sort for a first-semester student, each in two sentences
swarm 10 web | landlord wants us to pick a heat meter. Techem, ista, Brunata, Minol, Kalo, BFW, Delta-t, Metrona, Qundis, Messwert - which ones let us read the data ourselves via radio? need proof for each
agent 0 web+usd=0.05 | quick and cheap: roughly compare AWS, GCP and Azure egress prices
swarm 7 web | Vergleiche die Rückgaberegeln von Zalando, Otto, About You, H&M, C&A, Zara und Amazon (Kleidung), mit Quelle.
instant 0 - | compare a table saw and a track saw
""",
    "given-table": r"""
swarm 9 web | for these: Bergen, Tromsø, Ålesund, Bodø, Narvik, Molde, Harstad, Alta, Kirkenes\ngive me inhabitants, distance to the next airport, number of hotels. table
instant 0 - | put this in a table: Anna 34 Berlin, Ben 29 Köln, Carla 41 Hamburg, Dieter 55 Bremen
swarm 14 web | CEO + year founded + headcount + last funding round for\nMistral\nAleph Alpha\nHelsing\nDeepL\nBlack Forest Labs\nPoolside\nLovable\nSynthesia\nElevenLabs\nIsomorphic Labs\nWayve\nQuantexa\nParloa\nn8n
swarm 11 over | Fill in for each of the projects Alpha, Birch, Cedar, Delta, Elm, Fir, Ginkgo, Hazel, Iris, Juniper, Kelp: budget, lead, end date, status. everything's in the status reports
instant 0 web | give me a table of Mercury, Venus, Earth, Mars with number of moons and mean radius
agent 0 web | opening hours tomorrow for Rijksmuseum and Van Gogh Museum
swarm 10 web | ISBN, publisher and current price at two shops for each: Solaris, Roadside Picnic, Ubik, Dune, Hyperion, Neuromancer, Blindsight, Diaspora, Permutation City, Anathem
swarm 5 web+max=5 | need contact person, mail and phone of the procurement departments: Graz, Linz, Salzburg, Innsbruck, Klagenfurt, Villach, Wels, St. Pölten, Dornbirn, Steyr, Feldkirch, Bregenz
swarm 8 web | Pour chaque ville : Nantes, Rennes, Brest, Angers, Le Mans, Tours, Orléans, Caen — prix moyen du m², nombre d'habitants, taux de chômage, avec la source.
instant 0 - | sort these alphabetically and number them: pear, apple, quince, fig, banana, cherry, medlar
""",
    "open-table": r"""
swarm 27 web | minimum wage in all EU countries, with the law it is based on and the date of the last change
swarm 50 web | I need the deadline for LLC annual reports, the fee and a link to the form for every US state
swarm 16 web | Alle Bundesländer: wie lange gilt die Kündigungsfrist für Kitaplätze? Link zur Satzung oder zum Gesetz
swarm 40 web | get me all DAX companies with their auditor, audit fees 2024 and how long they've had that auditor
instant 0 - | table of the planets with diameter and number of moons
instant 0 web | list the 12 months in Finnish with their literal meaning
swarm 20 web | top 20 ski resorts in the alps by lift capacity: day ticket price this season, number of lifts, highest point
swarm 54 web | mobile money regulation in every african country. who is the regulator, is interoperability mandated, since when
swarm 30 web | the thirty largest pension funds in the world w/ their coal exclusion policy, exact wording pls
swarm 100 web | a hundred public libraries in Scandinavia with makerspaces, name/city/what machines/website
instant 0 - | name all seven dwarfs
swarm 18 web | für jeden Verein der 1. Bundesliga: Stadion, Kapazität, Trikotsponsor, Umsatz letzte Saison
""",
    "corpus": r"""
swarm 120 over | 120 interview transcripts. For each one: role of the person, three biggest pain points, a quote per pain point
agent 0 over | is there any mention of asbestos in these files? where
swarm 45 over | pull vendor, total, VAT and due date out of all 45 invoices in ./inv
swarm 30 over | what did every one of our 30 franchisees write about the new ovens in their monthly report? I want sentiment and one quote each
agent 0 over | find the mail where Petra agreed to the discount
swarm 200 over | Go through the 200 abstracts one by one and code them: method, sample size, country, effect direction
swarm 60 over | Lies alle sechzig Bewerbungen und gib mir pro Person Abschluss, Jahre Erfahrung, Gehaltsvorstellung, frühester Start
agent 0 over+usd=0.3 | which report has the highest scrap rate, roughly? a quick search will do
swarm 24 over | For each of the 24 council meetings extract all motions with their result and who voted against
agent 0 over | who is the author of the oldest document here
swarm 80 over | risk review: ~80 supplier contracts, flag in every contract liability cap, termination for convenience, governing law, auto renewal
""",
    "monitoring": r"""
swarm 35 web | check the pages of our 35 resellers and tell me who still sells the recalled charger (model PX-4)
agent 0 web | tell me when the visa appointment page shows a free slot, check it now
swarm 12 web | what's new this week on the newsrooms of these 12 utilities: EnBW, E.ON, RWE, Vattenfall, EWE, MVV, N-Ergie, Stadtwerke München, Rheinenergie, Mainova, swb, Enercity
swarm 40 web | I follow 40 municipalities' procurement sites. anything about road salt tenders in the last 14 days?
instant 0 - | what's a good tool to monitor price changes on websites?
agent 0 web | has the status page of github reported anything in the last 2 hours?
swarm 25 web | price check for LEGO 10316 across 25 european shops, in stock y/n, shipping to Austria, total
swarm 9 web | look at job pages of Siemens, ABB, Schneider, Eaton, Legrand, Hager, Phoenix Contact, Weidmüller and Wago: how many openings mention "embedded rust"?
agent 0 python+files | parse access.log and tell me which IPs hit us more than 100 times per minute
swarm 30 web | collect today's lunch menus of about 30 canteens near the main station and tell me where there's something vegan under 9 euros
swarm 18 web | Prüfe bei allen 18 Landesverbänden auf der Website, ob das neue Logo schon verwendet wird
""",
}
"""The lines of each kind."""
