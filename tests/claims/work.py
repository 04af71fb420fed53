"""What tables and tools promise."""

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
