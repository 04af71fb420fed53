"""One agent: its loop, how its context is kept small, how it is steered and stopped."""
