"""Lets the folders of the wires share the test kit of the server."""
