"""Exit codes, and how an error becomes one line on standard error."""

import os
import sys
import traceback
from enum import IntEnum

from openswarm.cli.text import one_line
from openswarm.core.errors import ContractError, OpenswarmError, UserError
from openswarm.core.result import Outcome

DEBUG = "OPENSWARM_DEBUG"


class Exit(IntEnum):
    """What the shell is told."""

    COMPLETED = 0
    ERROR = 1
    USAGE = 2
    """What was typed cannot be used, and nothing was started."""
    PARTIAL = 3
    INTERRUPTED = 130


class Interrupted(Exception):
    """The user stopped the command before there was anything to hand back.

    Its text says how to go on, where that can be.
    """


OF_OUTCOME: dict[Outcome, Exit] = {
    "completed": Exit.COMPLETED,
    "partial": Exit.PARTIAL,
    "failed": Exit.ERROR,
    "empty": Exit.ERROR,
    "cancelled": Exit.INTERRUPTED,
}


def report_error(error: BaseException) -> Exit:
    """Says on standard error what went wrong and what to do; returns the exit code."""
    error = first_cause(error)
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    match error:
        case BrokenPipeError():
            # who read the output left: nothing more may go there, not even at shutdown
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.ERROR
        case Interrupted() | KeyboardInterrupt():
            say(f"interrupted; {error}" if str(error) else "interrupted")
            return Exit.INTERRUPTED
        case OpenswarmError():
            say(f"error: {one_line(str(error), 2000)}")
            for note in getattr(error, "__notes__", ()):
                say(note)
            return Exit.USAGE if isinstance(error, UserError | ContractError) else Exit.ERROR
        case _:
            say(f"error: {type(error).__name__}: {one_line(str(error), 500)}")
            say(f"This is a bug in openswarm. {DEBUG}=1 shows where; please report it with that.")
            return Exit.ERROR


def first_cause(error: BaseException) -> BaseException:
    """What is inside groups of exceptions: the first error that openswarm raised on purpose, or
    the first of all."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, OpenswarmError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def say(line: str) -> None:
    """One line on standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
