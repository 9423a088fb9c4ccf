"""What a command says to its user: a mistake is one sentence and exit code 2, a warning is one line; no traceback."""

import errno
import functools
import os
import sys
import warnings
from collections.abc import Callable

_OF_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR)  # of files
_THE_DISKS_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, *_OF_NAMES}


class InputError(ValueError):
    """A mistake in what we were given. The message names the file, the value and what to do."""


def command(main: Callable[[], int]) -> Callable[[], int]:
    """Wrap a command's `main`: an InputError becomes one sentence on standard error and exit code 2.

    A warning of ours becomes one line there. Any other exception keeps its traceback: that one is our bug.
    """

    @functools.wraps(main)
    def guarded() -> int:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
            try:
                code = main()
                sys.stdout.flush()
                return code
            except InputError as error:
                print(f"error: {error}", file=sys.stderr)
                return 2
            except BrokenPipeError:  # the reader, such as head, has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            except ValueError as error:
                if "embedded null" not in str(error):
                    raise
                print("error: the name of a file holds a NUL character: give another name", file=sys.stderr)
                return 2
            except OSError as error:
                if error.errno not in _THE_DISKS_FAULT:
                    raise
                print(f"error: {error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
                return 2
            except KeyboardInterrupt:
                print("stopped", file=sys.stderr)
                return 130

    return guarded
