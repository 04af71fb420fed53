"""A browser for agents: one Chromium a run, a context an agent, one guarded door to the network."""
