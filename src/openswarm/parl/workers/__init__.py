"""Frozen workers: how sub-agents behave, in figures, and how those are measured."""
