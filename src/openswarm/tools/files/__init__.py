"""Files of the user's folders, and a working copy of them for each sub-agent.

Owns how a file is opened without ever leaving its root, what an agent's copy looks like on disk,
and how what it changed goes back.
"""
