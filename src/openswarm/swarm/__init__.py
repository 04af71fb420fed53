"""The swarm: an orchestrator is an agent whose tools assign work to sub-agents that run at once."""
