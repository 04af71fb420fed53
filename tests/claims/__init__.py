"""The claims of openswarm by what they are about: a line each, `room.behaviour: sentence`."""
