"""Error reporting of commands: a user's mistake is one sentence and exit code 2, a warning one line; no traceback."""

import errno
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NAME_ERRORS = (errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR)
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, *_NAME_ERRORS}


class InputError(ValueError):
    """A user's mistake. The message names the file, the value and what to do."""


def in_one_line(error: BaseException) -> str:
    """An exception in one line: an InputError as it is, any other after its type."""
    words = " ".join(str(error).split())
    return words if isinstance(error, InputError) else f"{type(error).__name__}: {words}".rstrip(": ")


@contextmanager
def refusing_os_errors(failure: str, advice: str) -> Iterator[None]:
    """Within the block, an OSError is an InputError: the failure, the reason in brackets, and the advice."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{failure} ({error.strerror or error}): {advice}") from error


def note(sentence: str) -> None:
    """Print a note to standard error."""
    print(f"note: {sentence}", file=sys.stderr, flush=True)


def command(main: Callable[[], int]) -> Callable[[], int]:
    """Wrap a command's `main`: an InputError becomes one sentence on standard error and exit code 2.

    A warning becomes one line there. Any other exception keeps its traceback: it is a bug.
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
            except BrokenPipeError:  # the reader, such as head, has closed the pipe
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            except ValueError as error:
                if "embedded null" not in str(error):
                    raise
                print("error: the name of a file holds a NUL character: give another name", file=sys.stderr)
                return 2
            except OSError as error:
                if error.errno not in _DISK_ERRORS:
                    raise
                print(f"error: {error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
                return 2
            except KeyboardInterrupt:
                print("stopped", file=sys.stderr)
                return 130

    return guarded
