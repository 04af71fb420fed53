"""The router, measured: labelled tasks of twelve kinds, training, and figures on kinds held out."""

from bench.routing.figures import run

__all__ = ["run"]
