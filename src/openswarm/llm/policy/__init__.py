"""The orchestrator as a small trained policy: it decides, and a frozen model does the words."""
