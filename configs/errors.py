"""What a command says when the mistake is the user's: one sentence, exit code 2, no traceback."""

import functools
import sys
from collections.abc import Callable


class InputError(ValueError):
    """A mistake in what we were given. The message names the file, the value and what to do."""


def command(main: Callable[[], int]) -> Callable[[], int]:
    """Wrap a command's `main`: an InputError becomes one sentence on standard error and exit code 2.

    Any other exception keeps its traceback: that one is our bug.
    """

    @functools.wraps(main)
    def guarded() -> int:
        try:
            return main()
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2

    return guarded
