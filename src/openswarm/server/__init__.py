"""The server: OpenAI's and Anthropic's wire formats, the runs API, and the web view.

Needs the extra `serve`; everything but the terminal stands below it. A request becomes a
`chat.ChatRequest` or a run, whatever wire it came by; each wire is parsed and encoded by modules
of its own that know nothing of how the answer is made.
"""
