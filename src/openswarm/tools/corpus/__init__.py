"""The corpus of a task (`--over`): files, folders and web pages, read, indexed and searched."""
