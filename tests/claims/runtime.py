"""What the runtime promises: house rules, journal, models, agents, swarm, terminal."""

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
modes.route: auto chooses the mode and says why
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
