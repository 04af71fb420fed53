"""The router: which mode a task deserves, how wide, and why (`route`), and what is done in a run
where that is unsure (`settle`)."""

from openswarm.modes.routing.choice import Route
from openswarm.modes.routing.router import route
from openswarm.modes.routing.settle import Ask, is_unsure, settle

__all__ = ["Ask", "Route", "is_unsure", "route", "settle"]
