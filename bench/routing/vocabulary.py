"""Words that fill the phrasings: names to list, sets with their sizes, texts to paste."""

COUNTRIES = (
    "Chile", "Peru", "Laos", "Chad", "Norway", "Estonia", "Kenya", "Ghana", "Vietnam", "Uruguay",
    "Portugal", "Morocco", "Nepal", "Finland", "Bolivia", "Jordan", "Mongolia", "Croatia", "Oman",
    "Iceland", "Togo", "Panama", "Latvia", "Rwanda", "Japan", "Cuba", "Zambia", "Ireland", "Fiji",
    "Malta", "Cyprus", "Qatar", "Benin", "Slovenia", "Ecuador", "Paraguay", "Tunisia", "Albania",
    "Cambodia", "Honduras", "Namibia", "Georgia", "Lithuania", "Sri Lanka", "Costa Rica", "Gabon",
)  # fmt: skip
CITIES = (
    "Porto", "Ghent", "Turin", "Malmö", "Leeds", "Basel", "Lodz", "Zagreb", "Bilbao", "Utrecht",
    "Aarhus", "Tampere", "Split", "Kraków", "Bergamo", "Nice", "Graz", "Brno", "Varna", "Cork",
    "Osaka", "Lima", "Quito", "Accra", "Hanoi", "Perth", "Austin", "Denver", "Tucson", "Boise",
)  # fmt: skip
COMPANIES = (
    "Stripe", "Adyen", "Klarna", "Spotify", "Zalando", "Ørsted", "Vestas", "Novo Nordisk", "ASML",
    "Bosch", "Nokia", "Ericsson", "Volvo", "Rimac", "Northvolt", "Infineon", "Ryanair", "Lufthansa",
    "Decathlon", "IKEA", "Nestlé", "Unilever", "Danone", "Maersk", "Airbus", "Safran", "Thales",
    "Arm", "Dyson", "Bayer", "Roche", "Sanofi", "Iberdrola", "Enel", "Orsted Wind", "Fortum",
    "HubSpot", "Datadog", "Snowflake", "Figma", "Canva", "Airtable", "Asana", "Monday.com", "Miro",
)  # fmt: skip
PRODUCTS = (
    "Bosch Serie 6", "Miele W1", "LG C4", "Sony A7 IV", "Canon R8", "Fairphone 5", "Pixel 9a",
    "ThinkPad T14", "Framework 13", "Dell XPS 13", "Brompton C Line", "VanMoof S5", "Kindle Scribe",
    "Garmin Fenix 8", "Sonos Era 100", "Roborock S8", "DJI Mini 4", "Weber Spirit", "Ooni Koda 16",
)  # fmt: skip
PEOPLE = (
    "Marie Curie", "Alan Turing", "Ada Lovelace", "Niels Bohr", "Rosa Luxemburg", "Frida Kahlo",
    "Miles Davis", "Wangari Maathai", "Emmy Noether", "Grace Hopper", "Nina Simone", "Ibn Khaldun",
    "Hannah Arendt", "Astrid Lindgren", "Fela Kuti", "Simone Weil", "Kurt Gödel", "Clara Schumann",
)  # fmt: skip
DRUGS = (
    "metformin", "ibuprofen", "warfarin", "sertraline", "lisinopril", "omeprazole", "tamoxifen",
    "amoxicillin", "naproxen", "losartan", "prednisone", "gabapentin", "clopidogrel", "digoxin",
)  # fmt: skip
LIBRARIES = (
    "polars", "pandas", "duckdb", "numpy", "requests", "httpx", "aiohttp", "pydantic", "attrs",
    "fastapi", "flask", "django", "celery", "dramatiq", "sqlalchemy", "peewee", "typer", "click",
)  # fmt: skip
NAMED = {
    "countries": COUNTRIES, "cities": CITIES, "companies": COMPANIES, "products": PRODUCTS,
    "people": PEOPLE, "drugs": DRUGS, "packages": LIBRARIES,
}  # fmt: skip
"""Things with names, by what they are called together."""

THINGS = (
    "suppliers", "competitors", "startups", "universities", "hospitals", "museums", "airlines",
    "municipalities", "law firms", "newspapers", "podcasts", "conferences", "open source projects",
    "vendors", "clinics", "breweries", "charities", "shops", "hotels", "grant programmes",
    "journals", "wineries", "research groups", "software tools", "apps", "ports", "power plants",
)  # fmt: skip
"""Things that are counted, without names."""

DOCUMENTS = (
    "annual reports", "contracts", "interview transcripts", "invoices", "papers", "court rulings",
    "support tickets", "CVs", "survey answers", "inspection reports", "lab reports", "leases",
    "tenders", "patents", "meeting minutes", "policies", "case files", "letters", "abstracts",
)  # fmt: skip

SETS = (
    ("EU member states", 27), ("EU countries", 27), ("member states of the EU", 27),
    ("US states", 50), ("states of the US", 50), ("G20 countries", 20), ("G7 countries", 7),
    ("NATO members", 32), ("OECD countries", 38), ("ASEAN members", 10), ("African countries", 54),
    ("South American countries", 12), ("countries of the world", 195), ("UN members", 193),
    ("Swiss cantons", 26), ("German states", 16), ("Canadian provinces", 10),
    ("Japanese prefectures", 47), ("Premier League clubs", 20), ("NBA teams", 30),
    ("NFL teams", 32), ("DAX companies", 40), ("FTSE 100 companies", 100), ("London boroughs", 32),
    ("CAC 40 companies", 40), ("French departments", 96), ("Italian regions", 20),
    ("Spanish provinces", 50), ("Ivy League universities", 8), ("Russell Group universities", 24),
    ("S&P 500 companies", 500), ("Fortune 500 companies", 500), ("US national parks", 63),
    ("Nordic countries", 5), ("Baltic states", 3), ("BRICS countries", 5),
    ("euro area members", 20),
)  # fmt: skip
"""Sets that are named and not listed, with their sizes."""

SMALL_SETS = (
    ("planets of the solar system", 8), ("continents", 7), ("months of the year", 12),
    ("days of the week", 7), ("noble gases", 6), ("colours of the rainbow", 7), ("vowels", 5),
    ("Beatles albums", 12), ("signs of the zodiac", 12), ("Great Lakes", 5), ("SI base units", 7),
)  # fmt: skip
"""Sets that everybody knows by heart."""

COLUMNS = (
    "revenue", "headcount", "year founded", "CEO", "website", "email", "price", "population",
    "opening hours", "licence", "emissions target", "market share", "rating", "address", "warranty",
    "deadline", "fee", "tax rate", "area", "last release", "maintainer", "side effects", "weight",
    "battery life", "board members", "latest funding round", "number of patents",
    "retention period",
)  # fmt: skip

TOPICS = (
    "heat pumps", "minimum wage", "data retention", "paid parental leave", "carbon pricing",
    "sodium-ion batteries", "school lunches", "e-scooter rules", "drug pricing", "water tariffs",
    "space debris", "remote work", "plastic taxes", "vaccine schedules", "rent control",
    "open access", "noise limits", "hydrogen subsidies", "pension age", "organic labels",
)  # fmt: skip

PASTED = (
    "The committee met on Tuesday. First, every member was asked for a report; then each region was"
    " compared with the year before. Sales in the north, the south, the east and the west all grew,"
    " although not by the same amount. All of the ten teams were thanked.",
    "Dear all, after the last release we received 14 complaints about the login page. Each of them"
    " was looked at by two people. Please find below the list of open points, the owners and the"
    " dates, and compare it with your own notes before Monday.",
    "Once upon a time there lived a miller who had three sons. Every son got a share: the mill, the"
    " donkey and the cat. Then the youngest, who thought that he had been cheated, found out that"
    " the cat could speak.",
    "We found that, for all countries in the sample, growth slowed after 2019. The effect is robust"
    " to each specification we tried. Using the results of the first stage, the second stage then"
    " estimates the elasticities, which are listed in table 3.",
    "Our product saves time. It is fast, cheap, simple and safe. Customers in over 40 countries use"
    " it every day. Compare it with any other tool on the market and you will see the difference.",
    "Guten Tag, wie besprochen sende ich Ihnen die Liste aller Termine. Jeder Teilnehmer bekommt"
    " vorab die Unterlagen. Danach vergleichen wir die drei Angebote, dann wird entschieden.",
    "Bonjour, chaque matin je vérifie tous les courriels, ensuite je compare les listes, et enfin"
    " j'envoie le résultat à mes collègues de Lyon, Nantes, Lille et Metz.",
    "Q3 was mixed: revenue 12.4m (+3 %), margin 41 %, churn 2.1 %, 8 new enterprise deals. Next"
    " steps are hiring, then the move, then the audit. Every department has to hand in its budget.",
    "The recipe: take 500 g flour, 10 g salt, 350 ml water and a little yeast. Knead, then let it"
    " rest for 12 hours, fold it, then bake at 230 degrees until each side is brown.",
    "It was a bright cold day and the clocks, all of them, were striking. He listed the things that"
    " he had lost: a coat, a watch, two friends, the habit of sleeping.",
)

CODE = (
    "def mean(xs):\\n    total = 0\\n    for x in xs:\\n        total += x\\n"
    "    return total / len(x)",
    "for (var i = 0; i < 3; i++) { setTimeout(() => console.log(i), 10) }",
    "SELECT name, COUNT(*) FROM orders WHERE total > 10;",
    'fn main() { let s = String::from("a"); let t = s; println!("{}", s); }',
    "class Node:\\n    def __init__(self, next=None, items=[]):\\n        self.items = items",
    "Traceback (most recent call last):\\n"
    "  File \\\"app.py\\\", line 12, in <module>\\nKeyError: 'id'",
    "public int[] twice(int[] a) { for (int x : a) { x = x * 2; } return a; }",
    "if x = 3:\\n    print('three')\\nelse if x == 4:\\n    print('four')",
)
FILES = (
    "utils.py", "src/app.ts", "parser.go", "main.rs", "models/user.rb", "Dockerfile", "config.yaml",
    "lib/cache.js", "checkout.php", "tests/test_api.py", "server.c", "router.ex", "Main.java",
)  # fmt: skip

NUMBER_WORDS = {
    3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten",
    11: "eleven", 12: "twelve", 15: "fifteen", 20: "twenty", 25: "twenty-five", 30: "thirty",
    40: "forty", 50: "fifty", 60: "sixty", 80: "eighty", 100: "a hundred", 200: "two hundred",
    300: "three hundred",
}  # fmt: skip

OPENINGS = (
    "", "", "", "", "", "Hi! ", "hey, ", "Please ", "Quick question: ", "I need some help. ",
    "Could you do this for me? ", "For my presentation on Monday: ", "My boss asks: ", "ok so ",
    "Context: I work in procurement. ", "Hello, I hope you are well. ", "Task: ", "@bot ",
)  # fmt: skip
ENDINGS = (
    ("", 1, 1), ("", 1, 1), ("", 1, 1), ("", 1, 1), (" Thanks!", 1, 1), (" thx", 1, 1),
    (" Take your time and be thorough.", 0.5, 0.5), (" I need it in five minutes.", 2.5, 1),
    (" asap please", 2.5, 1), (" Keep it cheap.", 0.8, 3), (" Money is no object.", 1, 0.3),
    (" A rough answer is enough.", 1.5, 2), (" Double-check everything.", 0.6, 0.6),
    (" Keep each point short.", 1, 1), (" It has to be complete and exact.", 0.7, 0.6),
    (" No need to rush.", 0.4, 1), (" dont spend much on it", 0.8, 3),
)  # fmt: skip
"""What people add, with what it does to the weights of time and money."""
