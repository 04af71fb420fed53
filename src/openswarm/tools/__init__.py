"""Capabilities: what agents can do, each as NAME.py with its prompt text in NAME.md."""
