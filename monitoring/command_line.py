"""The command line of `python -m monitoring`."""

import argparse
from pathlib import Path

from configs.command_line import CommandParser


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m monitoring",
        description="The diagnosis of training runs, in words, with their curves as a page and a picture.",
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="a run folder; several are drawn over each other"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="page to write (curves.html in the first RUN), with a picture beside it"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the findings as JSON: run, rule, severity and sentence"
    )
    parser.add_argument(
        "--reference",
        metavar="none|FILE",
        help="run to compare with (the one that is shipped with the program)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="serve the page to this machine and refresh it during training"
    )
    parser.add_argument("--port", type=int, default=8770, help="port of --watch (8770); 0 takes a free one")
    arguments = parser.parse_args()
    if arguments.watch and (arguments.json or arguments.output):
        parser.error("--watch serves the page and writes nothing: leave --json and --output out")
    if not 0 <= arguments.port <= 65535:
        parser.error(f"--port {arguments.port}: give a number from 0 to 65535")
    return arguments
