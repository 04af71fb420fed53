"""Rollouts in the forms of other trainers, one form a module.

Knows `parl.rollout` alone. verl, Tinker's client and verifiers are imported by the one function of
their module that needs them, and never at import.
"""
