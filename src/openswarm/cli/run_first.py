"""A group of commands whose name alone means its command `run`: `openswarm eval elements …`."""

from typing import Any

from typer.core import TyperGroup


class RunFirst(TyperGroup):
    """A group whose first word may be an argument or option of `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `TyperGroup.parse_args`."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)
