"""The model boundary: one protocol, and the clients that speak it."""
