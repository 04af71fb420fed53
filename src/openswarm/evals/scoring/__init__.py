"""Scorers: how good a prediction is, as the published scorers say it and in a bounded form.

`score.score` and `score.judged_score` are the way in. Owns the arithmetic and the readers of the
public files; knows no runner, no budget and no journal.
"""
