"""Waiting for what is scarce: one adaptive limiter per named resource, and the budget's gate."""
