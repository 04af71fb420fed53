"""The runs API: start, follow, steer, edit, ask and export runs; the web view speaks it alone.

`calls` is what a call of the API is, `routes` the table of all of them, `openapi` their document.
"""
