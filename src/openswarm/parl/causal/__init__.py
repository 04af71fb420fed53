"""Any causal model of Hugging Face as the orchestrator that is trained, over real conversations."""
