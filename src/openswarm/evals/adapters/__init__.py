"""The tasks of the evals for other harnesses, one module each, named after what it imports."""
