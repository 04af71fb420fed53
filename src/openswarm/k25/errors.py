"""The error of a model's files and inputs."""

from openswarm.core.errors import UserError


class ModelFileError(UserError):
    """A file of a model, or a picture or text given to it, that cannot be used.

    The message names the file and the field, tensor or token that is wrong.
    """
