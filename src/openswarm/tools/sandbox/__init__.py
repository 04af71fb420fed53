"""The sandbox that code of a model runs in: what confines here, the jail, its processes."""
