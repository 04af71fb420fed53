"""What is measured, and has a bar."""

BARS = """
bars.router: the router regrets less than always-swarm, always-agent, rules and a prompt, in 5 ms
bars.streams: 200 streams at once cost little more than a bare endpoint's
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
