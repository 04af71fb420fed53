"""The claim manifest: each behaviour that openswarm promises, where it is asked for, what shows it.

A claim is shown by the tests that carry `@pytest.mark.requirement("its.id")`, or by a program of
the repository that fails when it does not hold (`PROGRAMS`), or it has a stated gap (`GAPS`).
`test_requirements.py` checks all directions.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One behaviour."""

    id: str
    """`room.behaviour`."""
    source: str
    text: str
    program: str = ""
    """The program that shows it, by its path in the repository; '' when tests do."""
    gap: str = ""
    """Why nothing shows it yet."""


GAPS = {
    "journal.export": "training samples and OpenTelemetry come with the rooms that need them",
    "corpus.many": "bench/corpus.py measures it, and no bar was set for it",
    "swarm.redundancy": "near-duplicates are neither refused nor reported as redundancy",
}

PROGRAMS = {
    "house.install": ".ci/run",
    "demo.accuracy": "demo/factbook.py",
    "bars.fanout": "bench/fanout.py",
    "bars.width": "bench/fanout.py",
    "bars.streaming": "bench/streaming.py",
    "bars.capped": "bench/capped.py",
    "bars.broken": "bench/broken.py",
    "bars.resume": "bench/resume.py",
    "bars.budget": "bench/budget.py",
    "bars.import": "bench/imports.py",
    "bars.consistency": "bench/consistency.py",
    "bars.add-column": "bench/edits.py",
    "bars.large-table": "bench/large.py",
    "bars.fetch": "bench/fetching.py",
    "bars.sandbox": "bench/sandboxes.py",
    "bars.injection": "bench/injection.py",
    "bars.chaos": "bench/chaos.py",
}

HOUSE = """
house.layers: imports point down only, and a new folder has to take its place
house.sizes: no file over 400 lines, no function over 60, the median file is short
house.docstrings: every module says what it owns, everything public has a docstring
house.prompt-files: every tool has its prompt file, and every prompt file its tool
house.imports: `import openswarm` loads no SDK, no torch, nothing heavy
house.public-names: `__all__`, type checkers and attribute access agree
house.constraints: constraints.txt holds versions and nothing else
house.no-machine: nothing in the repository belongs to one machine
house.docs: every event and limit is documented, links lead somewhere, examples run
house.wheel: the wheel holds prompts and data, and runs alone in a clean environment
house.extras: a missing extra is named with the command that installs it
house.claims: every claim is shown by a test or a program or has a stated gap
house.install: `make install check test` succeeds in a fresh clone
"""

JOURNAL = """
journal.union: events are a closed, tagged, frozen union; what is none is refused
journal.envelope: each event is stamped with seq, at, run, agent, parent and version
journal.blobs: short text stands in the event, long text is a blob named by its hash
journal.durable: what was committed is on disk, and a reply is before anything acts on it
journal.group-commit: writers at the same time share one write
journal.torn-line: a torn last line is dropped on reading, and cut off on writing again
journal.damage: any other damage is an error that names the line
journal.newer: a journal of a newer format is refused with what to upgrade
journal.lock: a second process cannot write to a run that is alive
journal.tail: a follower gets what was, then what comes, and ends with the run
journal.memory: a run in memory has the same events and no disk
journal.index: runs are listed from an index that can be rebuilt
journal.show: any run can be shown: live, finished, interrupted, damaged at its end
journal.stranger: a run folder is a stranger's word: no blob name leads out of it
journal.ticks: text as it streams is never written
journal.fold: the view of a run is a fold over its events, live or read back
journal.export: samples for training and OpenTelemetry are folds too
"""

MODELS = """
llm.sse: the reader of server-sent events takes any fragments, line ends and comments
llm.fragments: tool calls in fragments and several at once are put together
llm.reasoning: reasoning is kept and sent back inside a tool loop
llm.usage: usage is read with cached tokens
llm.schema: an answer can be held to a JSON schema
llm.thinking: K2.5's switch of thinking is sent, and no sampling is
llm.encode-once: each entry of a conversation is encoded once
llm.anthropic: a client for Anthropic's messages stands behind the same protocol
llm.scripted: the scripted model is public, keyed by agent name, strict about leftovers
llm.proxies: proxies of the environment are honoured
llm.certificates: certificate bundles of the settings and the environment are honoured
llm.headers: extra headers of an endpoint go with every request
llm.prices: prices are a dated table, and the user's own go before it
llm.specs: models are named by provider, address, local name or script
llm.default: the first provider with a key is the default, without one the local model
llm.keys: a key goes to its provider's address and nowhere else
llm.faults: refusals, broken streams and stalls become errors named for what they mean
llm.bounds: what an endpoint sends is bounded and parsed strictly
pacing.no-ramp: everything starts at once until a resource refuses
pacing.learn: a refusal sets the capacity to what was admitted, which then grows steadily
pacing.retry-after: Retry-After is honoured
pacing.retry: what may pass is tried again for retry_s, anything else is not
pacing.stall: a stalled reply is tried again once
pacing.unreached: an address that never answered is given up soon
pacing.context: a call that waits keeps its agent's context and is journalled as requeued
"""

LOCAL = """
local.process: the local model runs in a process of openswarm's own, without a key or a service
local.batch: several sequences are decoded together
local.grammar: calls are held to the schemas of the tools and the contract
local.prefix: sub-agents share the prefix of their prompts
local.text-calls: calls that a model wrote as bare text are taken as calls
local.pull: models are fetched resumably, with progress, from a list of sources
local.checksum: a file whose SHA-256 is not the pinned one is refused
local.small: a 135M model carries the tests of the plumbing and is never the default
"""

AGENT = """
agent.loop: replies and tool calls alternate until the agent answers
agent.wrong-call: a wrong call becomes a text that says how to mend it
agent.broken-tool: a tool that breaks becomes a text, and the agent goes on
agent.order: the calls of a turn run at once and return in their order
agent.python-tools: typed functions are tools; a sync one runs in a thread
agent.steps: at its step limit an agent hands back what it has
agent.context: conversations are kept in the window: none, hide results, summarise, discard
agent.overflow: a conversation that is too long is shortened and tried again
agent.window: a model of which nothing is known is taken to have 256k tokens
agent.repeats: the same call three times in a row breaks the loop
agent.steer: what is said to a running agent reaches it at its next turn
agent.cancel: cancel asks for what there is, in one turn without other tools
agent.kill: kill ends an agent and its subtree at once
agent.stop-soon: a stop reaches the whole subtree within 2 s and is acknowledged
agent.shared-calls: equal read-only calls share one flight and its result
agent.approvals: effects are approved by the user
budget.reserve: an upper bound is reserved before a call and settled after it
budget.wait: what does not fit waits for others to settle, and is refused when none is left
budget.no-overshoot: any number of callers at once stays within each ceiling
budget.answer: sub-agents leave enough for the orchestrator to answer
budget.forced-answer: at the budget the answer is what there is, marked partial
budget.resume: a resumed run goes on from what was spent
"""

CORPUS = """
corpus.formats: text, Markdown, HTML, JSON, CSV, PDF and source code are read
corpus.index: documents are indexed once, with progress
corpus.update: files that changed, came or went are brought in by the next run
corpus.search: search finds the places that fit free text best
corpus.open: documents are opened page by page, smaller ones for small models
corpus.grep: lines are found by regular expressions, none of which can hold anything up
corpus.urls: web pages are fetched, bounded, kept, and lead into no private network
corpus.skip: what cannot be read is reported with the reason and skipped
corpus.fence: text of documents is put before models between marks that it cannot forge
corpus.item: the document about an item and its best passages are found
corpus.many: ten thousand files are indexed in a reasonable time
"""

SWARM = """
swarm.schemas: create_subagent and assign_task have the published fields, ours are optional
swarm.at-once: assignments of one turn run at once and come back in call order
swarm.batch: one call assigns a hundred items
swarm.all-or-none: all that a turn asks for is checked first; then all start, or none
swarm.unknown-agent: an unknown agent is refused with the registered ones
swarm.equal-briefs: a brief equal to another, case and white space aside, is refused
swarm.empty-batch: a batch without items, or without {{item}}, is refused
swarm.cap: more sub-agents than the run may start are refused
swarm.similar: briefs of one template are alike and not refused
swarm.queue: what is over max_parallel waits its turn
swarm.depth: sub-agents make no sub-agents
swarm.failure: a sub-agent that fails is a value, and its siblings never notice
swarm.missing: the orchestrator is told by name what is missing
swarm.short-report: a report that is too short is asked for once more
swarm.long-report: a report up to 4 kB arrives whole, a longer one is cut and kept
swarm.isolation: nothing of a sub-agent's conversation but its report goes up
swarm.outcomes: state and outcome are two fields, and completed means a valid report
swarm.time: a sub-agent whose time is up hands back, or is ended
swarm.declare: the orchestrator can declare a table once, before the first assignment
swarm.contract: a contract is frozen before the first call and word for word in each sub-agent
swarm.rows: rows are checked against the contract, with one repair
swarm.merge: rows are merged by key, whatever the order in which they come
swarm.provenance: every cell carries value, source, quote, sub-agent and state
swarm.quotes: a quote that does not stand in what was read is marked or replaced
swarm.conflicts: both values of a conflict are kept and settled by a stated rule
swarm.redundancy: near-duplicate assignments are reported as redundancy
swarm.compact: a small model leads with assign_batch over the items that it found
swarm.opened: the passages that fit an item stand before its sub-agent's first turn
swarm.resume: an interrupted run goes on without repeating what is recorded
swarm.lost-call: a call that may have taken effect is not repeated, and the model is told
swarm.critical-steps: stages and critical steps, plain and at k slots
swarm.critical-limit: a limit on critical steps is kept
modes.route: auto chooses the mode by rules, and says why
modes.four: instant, thinking, agent and swarm do what they say
modes.stream: a run can be followed event by event from Python
modes.partial: a partial run is returned, not raised
modes.python-tools: a run with Python tools names those that a resume lacks
modes.time: a run whose time is up hands back what it has
"""

TERMINAL = """
cli.live: the live view shows every agent, the budget and the critical path
cli.plain: where no terminal is, a run is plain lines
cli.ctrl-c: Ctrl-C once hands back what there is, twice kills
cli.result: answer, table, figures, what is missing, and where the run lies
cli.json: with --json standard output is one object and nothing else
cli.exit-codes: 0 completed, 1 error, 2 usage, 3 partial, 130 interrupted
cli.export: CSV, JSON, Markdown and XLSX with a sheet of sources, written whole
cli.formulas: what a spreadsheet would take for a formula is text
cli.control: watch, steer, cancel and kill work from another terminal
cli.show: show has views of agents, table, events and cost
cli.runs: runs are listed and removed, by a retention setting too
cli.doctor: doctor says what was found, and why the default model is what it is
cli.models: models list and models pull
cli.untrusted-text: nothing that a model wrote is obeyed by the terminal
"""

BAD_INPUT = """
bad.empty-task: an empty task
bad.path: a path that is not there
bad.unreadable: a file that is unreadable or binary
bad.model: a model that nobody knows
bad.key: a key that is missing or wrong
bad.endpoint: an endpoint that is down
bad.context: a conversation longer than the window
bad.empty-corpus: a corpus of zero files
bad.columns: a contract with duplicate columns, or a key that is none of them
bad.half-run: a run folder half written
bad.newer-run: a run folder from a newer version
bad.disk-full: a disk that is full
bad.clock: a clock that goes backwards
bad.language: a model that answers in no language of ours
"""

TABLE = """
swarm.normalise: a value takes the one form of its type, and what was written stays beside it
table.contract-sources: a contract comes from words, a JSON or YAML file, or a pydantic model
table.column-facts: columns have options, may be required, may need a source; sub-agents are told
table.schema: the report's schema is the contract's, options included
table.step: every cell carries the step that reported it
table.confidence: every cell carries a confidence by a stated rule, which a sub-agent can only lower
table.aliases: rows of stated other names of one thing are one row
table.policies: conflicts are settled by majority, first, keep-both or recheck, and journalled
table.recheck: a fresh sub-agent that sees both values and quotes settles a conflict
table.coverage: rows and cells that were expected, found and are missing are counted, per column
table.complete: what is missing is worked on once more, and once only
table.retry: a row, a cell, or all failed rows are worked on again
table.add-column: a new column is worked on alone, with the notes and pages of earlier work
table.columns-by-hand: columns are dropped and renamed without a model
table.rows-by-hand: rows are added, removed, split and joined
table.locked: a cell that was set by hand is locked, and no later work changes it
table.reword: the answer is written anew from the table
table.untouched: an edit changes nothing but the cells that it names
table.generations: each edit is a generation of the same run, and only its cells cost calls
table.undo: undo restores contract, table and answer exactly
table.diff: what an edit changed is shown
table.resume: an edit that was interrupted goes on, and pays for nothing twice
table.wish: a wish in words becomes operations, which are shown before they run
table.refusals: an edit that cannot be done says what there is instead, and nothing was done
table.fold: the journal folds to the live table, edits and undo included
table.citations: the answer names its cells, and each leads to its source and quote
table.unsupported: statements that no cell supports are marked
table.parquet: tables are written as Parquet, typed, with their evidence
table.start-from-file: a CSV with some columns filled is the start of a run that fills the rest
table.ask: a question is answered from the finished run, without new work of sub-agents
journal.share: a run is packed to share, secrets redacted, and opened elsewhere
"""

TOOLS = """
web.fetch: a page's main text with its tables, its links numbered, PDF text, page by page
web.kept: every page that was fetched is kept as it came, and a resumed run reads it from there
web.once: equal fetches of a whole swarm are one request
web.host-limit: a host is never asked more at once than its limit, and its Retry-After is heeded
web.robots: robots.txt is heeded, and a refusal says so
web.hostile: loops, wrong lengths, slow drips, bombs, resets, bad TLS: a clear error each
web.charset: text in any declared charset arrives as it was meant
web.private: private and metadata addresses are refused after resolution and each redirect
web.schemes: nothing but http and https is fetched, whoever asks
web.search: several queries at once over each of the six providers, in one form
web.search-keys: without a key the error names every variable that would do
browser.real: open, click, type, scroll, find and screenshot in a real Chromium
browser.guard: whatever a page makes the browser ask for obeys the rules of fetching
browser.missing: without playwright or Chromium the error says what to install
code.python: a persistent interpreter a sub-agent, its state kept from call to call
code.artifacts: figures and files come back as artifacts
code.shell: commands in the sub-agent's own scratch directory
code.limits: memory, processes, output and wall time are bounded
code.escapes: network, host files, others' scratch, bombs, symlinks, /proc, ptrace: all refused
code.no-leak: nothing survives the end of the runtime, however it ends
code.landlock: where namespaces are denied Landlock confines, and says what it cannot
code.refuses: where nothing confines, code is refused with what to do
code.unsafe: only --unsafe-no-sandbox runs without, and the run is marked
code.proxy: code reaches the web through the fetch proxy alone, and by its rules
code.doctor: doctor probes the sandbox and prints what is active
files.tools: read, write, edit, glob and grep inside declared roots
files.escapes: no symlink, .. or race leads out of a root
files.overlay: what a sub-agent writes, no other one sees before it is merged
files.merge: changes come back as patches, merged where others changed other lines
files.conflicts: a conflict leaves the file as it was and is reported with its patch
files.nothing-lost: no clean-up, failure or denial loses what was written
mcp.config: the usual JSON configuration, its mistakes named
mcp.stdio: tools of a server that is started, namespaced
mcp.http: tools of a server over streamable HTTP
mcp.shared: one session serves a hundred sub-agents at once, within the server's limit
mcp.restart: a server that dies is started again, and its open calls fail with a text
mcp.timeout: a call that takes too long ends, and the server is told
mcp.cancel: a cancelled call is cancelled at the server
mcp.untrusted: names, manuals and results of servers are checked and bounded
http.allow: only addresses on the allow list are asked, also after redirects
http.secrets: secrets go in by name, to their own hosts, and come back out redacted
http.redaction: no event of any type holds a secret, in any of its forms
policy.verdicts: allow, ask and deny by tool or pattern, the most exact rule first
policy.headless: where nobody can answer, a call is denied and that is recorded
policy.by-id: questions of many agents are answered by id, in any order, and never replaced
policy.narrow: a sub-agent's tools can be fewer than the orchestrator's, never more
policy.injection: text of a page does not reach a tool with effects unless the policy allows it
policy.terminal: approve and deny from another terminal, or with a key in the live view
resources.named: a tool's resource admits no more at once than the settings say
resources.fair: calls of one agent keep no other one waiting
tools.sets: --tools takes sets and names, and says what is missing for each
tools.plain: each built-in tool is also a plain function of its module
"""

BARS = """
bars.fetch: 100 sub-agents on one site fetch each page once, within its limit, near the floor
bars.sandbox: 100 sandboxed interpreters start fast and small, and leave no process behind
bars.injection: of a suite of injected pages none reaches a tool with effects
bars.chaos: on a site where everything breaks, all that can arrive does
bars.consistency: sub-agents that drift fill a table of one form, and without a contract they do not
bars.add-column: a column for 100 rows costs a fraction of the calls of a new run
bars.large-table: 1,000 rows × 8 columns: memory, time, a journal that grows linearly, a quick view
bars.fanout: 100 × 15 calls stay near the critical path and the bare loop, and in 80 MB
bars.width: 300 and 1,000 sub-agents take at most twice the bare loop's time
bars.streaming: a streamed reply of 100 pieces costs at most 4 ms of processor time
bars.capped: an endpoint that admits 20 serves all 100 near the ideal time
bars.broken: one sub-agent broken in any way leaves the other 99 whole
bars.resume: after kill −9 at most one call a sub-agent is repeated, and no paid reply lost
bars.budget: 100 concurrent callers overshoot no budget
bars.import: the import and the core install are small
demo.accuracy: the demo's table is right in at least 80 % of its cells
"""


def _claims(source: str, text: str) -> Iterator[Claim]:
    for line in text.strip().splitlines():
        id_, _, sentence = line.partition(": ")
        yield Claim(id_, source, sentence, PROGRAMS.get(id_, ""), GAPS.get(id_, ""))


CLAIMS: tuple[Claim, ...] = (
    *_claims("issue 2, item 1; DESIGN 9", HOUSE),
    *_claims("issue 2, item 2; DESIGN 4", JOURNAL),
    *_claims("issue 2, item 3; DESIGN 5 and 6", MODELS),
    *_claims("issue 2, item 4", LOCAL),
    *_claims("issue 2, item 5; DESIGN 5", AGENT),
    *_claims("issue 2, item 6", CORPUS),
    *_claims("issue 2, item 7; DESIGN 5", SWARM),
    *_claims("issue 2, item 8; DESIGN 6", TERMINAL),
    *_claims("issue 2, bad input: a clear error that says what to do, nothing lost", BAD_INPUT),
    *_claims("issue 3; DESIGN 5", TABLE),
    *_claims("issue 4", TOOLS),
    *_claims("DESIGN 8; issue 4; issue 2, item 9; issue 3, items 4, 5 and 9", BARS),
)
