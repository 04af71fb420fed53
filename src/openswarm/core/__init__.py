"""The vocabulary of openswarm: data and pure rules, no I/O. Standard library and pydantic alone."""
