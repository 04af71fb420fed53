"""Benches that anyone can run: `python -m bench`. Each prints ratios measured inside one run."""
