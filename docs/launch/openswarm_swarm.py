"""A plugin of verifiers: the classes that it finds by the id `openswarm-swarm`.

`SWARM` names a function that gives an `openswarm.parl.export.verifiers.EndpointSwarm`.
"""

import os

from openswarm.parl.export.verifiers import plugin

_made = plugin(os.environ["SWARM"])
SwarmTaskset, SwarmEnv, SwarmHarness = _made.taskset, _made.environment, _made.harness

__all__ = ["SwarmEnv", "SwarmHarness", "SwarmTaskset"]
