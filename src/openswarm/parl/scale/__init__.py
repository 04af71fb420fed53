"""Rollouts on several machines: requests out, rollouts back, whatever dies in between.

Owns who makes which rollout and what is made again. Knows no environment and no trainer: a factory
is named by its place, and weights are bytes. Ray is imported in `ray_cluster` alone.
"""
