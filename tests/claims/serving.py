"""What the router, the server, its wires and the web view promise."""

SERVE = """
router.chosen: what the user fixed stays: mode, rows, contract, sub-agents switched off
router.predicts: items, sequence, tools, pages, time and money in the task change the choice
router.width: a swarm comes with an estimate of its sub-agents, 0 elsewhere
router.reason: one line that says what was found in the task, journalled and shown
router.cheap: the router works on the core install and asks, loads and fetches no model
router.unsure: in a run, and only there, one constrained call settles what the classifier cannot
router.command: route prints mode, width and reason
router.data: at least 1,200 labelled tasks of 12 kinds, held out by kind
router.preview: what a dear run may cost is shown before it begins, and the mode can be changed
modes.effort: how much the root agent reasons can be set, from low to max
modes.pictures: pictures can be attached to a run, whatever mode it takes
api.chat: chat completions, whole, as the official SDK reads them
api.chat-stream: chat completions streamed, with the usage last
api.chat-tools: tools of the client, one or several at once, streamed and not
api.reasoning: reasoning is apart from the answer, on the way out and back in
api.images: pictures and video go to the model as parts
api.sampling: sampling that K2.5 does not take is refused in strict mode, checked in lenient mode
api.tool-ids: ids of tool calls are functions.NAME:IDX and rise over the conversation
api.partial: an answer goes on from its beginning, and leaves it out
api.web-search: $web_search is declared, called and answered as Moonshot's is
api.schema: answers in JSON, by a schema or without
api.models: models are listed, and their names choose mode and backend
api.files: files are uploaded, listed, read and deleted
api.frames: frames are in order and whole, wherever the stream is cut
api.disconnect: a client that goes away stops the spending of its run within 2 s
api.swarm-events: clients that ask get the events of a run beside its text
api.vendor-verifier: the cases that Moonshot's vendor verifier checks
api.progress: a run streams its progress as reasoning, and its usage is the whole tree's
api.messages: Anthropic's messages, whole, as the official SDK reads them
api.messages-stream: messages streamed in Anthropic's order
api.messages-tools: tools, results and pictures in messages
api.count-tokens: tokens of a request are estimated without asking the model
api.signature: thinking comes with a signature, and goes back to the backend with its own
api.responses: the responses that Codex uses, as the official SDK reads them
api.responses-stream: responses streamed, each event numbered
api.clients: Claude Code, Codex, opencode and Kimi Code finish a task against the server
api.runs: runs are started, listed and deleted
api.snapshot: a run as it stands, with the number of its last event
api.events: the events of a run by SSE, replayed and then live, without a gap
api.last-event-id: a client that comes back gets what it missed, and nothing twice
api.control: steer, cancel and kill one agent, acknowledged by its run
api.approve: questions of a run are answered by id
api.edits: edits, their preview, undo, and questions about a run
api.export: a run's result as a file, in every format
api.openapi: the runs API is described by a document that cannot differ from it
api.errors: each wire's errors have its own shape
api.guard: names, token and size are checked before anything is read
api.limits: runs at once are limited, and who is refused is told when to come back
api.shutdown: a server that stops leaves runs that can be resumed
api.untrusted-folders: requests reach no file outside of the server's folders
api.serve-command: serve starts with one command, prints where and with which token
api.run-web: run --web watches a run in the browser
telemetry.tree: a run as a tree of OpenTelemetry spans
telemetry.names: names of the GenAI conventions, and the rest under swarm.*
telemetry.content: what was said is left out unless it is asked for
telemetry.every-run: every run is exported where a collector is named, and none fails for it
telemetry.command: a recorded run can be exported or printed
web.fold: the page folds events as the journal does
web.run: a run is started and watched in a real browser
web.control: one agent is steered, another killed, in the page
web.cells: a cell shows its source and quote, and is edited by hand
web.reload: a page that is loaded anew, or loses its connection, shows the same run
web.replay: an old run is replayed to any of its events
web.rate: 300 agents and 1,000 events a second leave no gap and no frame above 200 ms
web.accessible: axe finds no violation on any page, in light and dark
web.keyboard: everything can be reached and done with the keyboard
web.untrusted: what models wrote stays text, and the policy of the page allows nothing inline
web.screenshots: the pictures in the documents are made by the tests
"""
