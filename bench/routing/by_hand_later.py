"""More tasks as people write them, in the form of `by_hand_texts`: those that stay untouched.

They were written when features, word lists and weights were done, and nothing was changed for them.
"""

# ruff: noqa: E501 - a task is a line, however long it is

TEXTS = {
    "fact": r"""
instant 0 - | in what order do the mohs minerals go again, just the names
agent 0 web | has the pope said anything about the ceasefire yet?
instant 0 web+python | whats a good latin word for 'together', one is enough
agent 0 web | cheapest direct flight from Vienna to Tirana on the 14th?
""",
    "rewrite": r"""
instant 0 - | shorten to max 160 chars, it's a text message: Hi Mrs Baker, this is the garage, your car is ready, we replaced all four brake pads and each of the discs, the total comes to 612, you can pick it up until 6 today or from 8 tomorrow
agent 0 files | the changelog mixes past and present tense, make it consistent (CHANGELOG.md)
swarm 90 files | localise the app: 90 string files, one per screen, into Portuguese. each has maybe 40 strings
instant 0 web | reword as a question: "Nobody compared all the offers before signing."
""",
    "reasoning": r"""
thinking 0 - | Can you tile a chessboard with two opposite corners removed using dominoes? convince a sceptical friend
instant 0 - | 12 squared minus 44
agent 0 python | sum of all numbers below 5 million that are palindromes in base 2 and base 10
thinking 0 web | Three switches outside, one bulb inside, one visit. And now generalise: n switches, k visits, each bulb stays warm for a while. How many can you tell apart?
""",
    "code": r"""
instant 0 - | css to center a div both ways
agent 0 shell+files | ci is red on the arm runner only, have a look and make it green please
swarm 33 files+shell | 33 lambda functions, all still on node 16. bump each of them, run its own tests, report which ones need manual work
thinking 0 - | we store events append only and want exactly-once effects downstream with at-least-once delivery. argue which of outbox, dedup table or transactional producer is sound under a crash at any point
""",
    "sequential": r"""
thinking 0 - | 3 jugs, 8, 5 and 3 litres, the 8 is full. get 4 litres. list the pours, each one starting from where the last left off
agent 0 web | find the oldest restaurant in Lisbon that is still open, then its founder, then the ship the founder came on, then what became of that ship
agent 0 python+files | run migrate.py on the copy, look at what it complains about, fix that row, run again and so on until it is clean
agent 0 over | these are 14 amendments to one contract, every one of them modifies the text as left by the one before. what does clause 7 say now?
""",
    "document": r"""
agent 0 over | how many vacation days do i get according to the handbook, im in my second year
instant 0 attach | who's the sender of the attached letter
thinking 0 attach | the attached spec contradicts itself somewhere about time zones, think it through and find where
agent 0 over | combien coûte l'option 3 dans le devis ?
""",
    "multi-hop": r"""
agent 0 web | the guy who invented the pop-up toaster: is the factory where he worked still standing
agent 0 web | in which town was the mother of the current prime minister of New Zealand born, and who is mayor there
agent 0 over+web | our minutes mention "the Aalborg precedent". what is that, and does it apply to what we voted on in March
thinking 0 - | could Beethoven have used a metronome for the Eroica premiere? work it out from what you know
""",
    "survey": r"""
swarm 12 web | get me quotes conditions from a dozen movers in Rotterdam, what they insure, what they don't, min. price
agent 0 web | which is closer to the beach, Hotel Miramar or Hotel Sol in Nerja
instant 0 - | oil paint vs acrylic for someone just starting out
swarm 9 web | Welche von diesen Banken bieten ein kostenloses Gemeinschaftskonto: DKB, ING, Comdirect, N26, C24, Consorsbank, Santander, Norisbank, 1822direkt? Mit Bedingungen und Link.
""",
    "given-table": r"""
swarm 16 web | zip code, mayor, population, url\nHornbach\nAltrip\nSpeyer\nDahn\nKandel\nAnnweiler\nBellheim\nRülzheim\nHaßloch\nEdenkoben\nLandau\nGermersheim\nWörth\nPirmasens\nZweibrücken\nNeustadt
instant 0 - | make csv of: bob - 3 apples, kim - 2 pears, lou - 9 plums
swarm 10 over | what did Meyer, Schulz, Arslan, Novak, Rossi, Dubois, Kowalski, Jensen, Popescu and Silva each say about the merger? it's in the interview files
agent 0 web | street address of the Uruguayan and the Paraguayan embassy in Oslo
""",
    "open-table": r"""
swarm 47 web | for each prefecture of Japan the tallest building, its height, when finished
swarm 25 web | the 25 busiest ferry routes in Europe: operator, passengers a year, crossing time, since when
instant 0 web | name the oceans with their average depth
swarm 20 web | Elenca tutte le regioni italiane con il presidente attuale, partito e scadenza del mandato, con fonte
""",
    "corpus": r"""
swarm 150 over | 150 exit interviews, code the main reason for leaving, tenure, would they come back, plus a verbatim
agent 0 over | do we have anything on file about the well on the north field?
swarm 26 over | one page summary of every one of the 26 grant applications and a score for feasibility
agent 0 over | who first mentions the leak, and on what date
""",
    "monitoring": r"""
swarm 22 web | go over the event calendars of the 22 libraries in the county and pull everything for kids under 6 this weekend
agent 0 web | is the ferry at Horgen back in service
swarm 8 web | any recalls this month from Graco, Chicco, Cybex, Joie, Britax, Maxi-Cosi, Nuna or Stokke?
instant 0 - | how do changelog trackers for websites work in general
""",
}
"""The lines of each kind."""
