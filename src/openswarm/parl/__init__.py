"""Parallel-Agent Reinforcement Learning: the orchestrator is trained, its sub-agents are frozen."""
