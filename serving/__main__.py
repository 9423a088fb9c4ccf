"""Serve voices: `python -m serving runs/ljspeech`, then http://127.0.0.1:8080/."""

from configs.command_line import check_arguments
from serving.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import asyncio
import sys

from configs import InputError, command

try:
    from serving.server import serve
except ModuleNotFoundError as error:
    MISSING = str(error.name)
    if MISSING.partition(".")[0] not in ("av", "fastapi", "prometheus_client", "sentence_stream", "uvicorn", "wyoming"):
        raise
else:
    MISSING = ""


@command
def main() -> int:
    """Load the voices and serve them until SIGTERM or Ctrl-C."""
    arguments = read_arguments()
    if MISSING:
        raise InputError(f"{MISSING} is not installed, and the server needs it: pip install 'parlance[serve]'")
    asyncio.run(serve(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
