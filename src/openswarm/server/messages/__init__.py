"""Anthropic's Messages format as a server: requests are parsed, answers encoded."""
