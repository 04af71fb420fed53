"""Evals: tasks with known answers, scorers, a runner with budgets, and figures."""
