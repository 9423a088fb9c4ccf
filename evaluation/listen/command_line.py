"""The command line of `python -m evaluation.listen`."""

import argparse
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser

MOST_VERSIONS = 9  # the keys 1 to 9; ITU-R BS.1534-3 advises against more than 12


def read_arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        InputError: a number is out of its range, or two arguments exclude each other.
    """
    arguments = _parser().parse_args()
    if arguments.results is not None:
        if arguments.voices:
            raise InputError("give voices to make a test, or --results to read one, not both")
        return arguments
    if not 1 <= len(arguments.voices) <= MOST_VERSIONS - 2:
        raise InputError(f"{len(arguments.voices)} voices: give from 1 to {MOST_VERSIONS - 2}, or --results FILE ...")
    if arguments.sentences < 1:
        raise InputError(f"--sentences {arguments.sentences}: a test has one or more")
    if arguments.text is not None and (arguments.data is not None or len(arguments.voices) < 2):
        raise InputError("a --text has no recordings: give it no --data, and two voices or more")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m evaluation.listen",
        description="A blind listening test as one page. --results reads the files that listeners saved on it.",
    )
    parser.add_argument("voices", metavar="VOICE", nargs="*", type=Path, help="anything that infer.py speaks with")
    parser.add_argument("-o", "--output", type=Path, default=Path("listen.html"), help="page to write (%(default)s)")
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        type=Path,
        help="the recordings (default: where the settings of the first voice with the highest sample rate say)",
    )
    parser.add_argument("--text", metavar="FILE", type=Path, help="lines to speak in place of held-out sentences")
    parser.add_argument("--sentences", metavar="N", type=int, default=10, help="how many, at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="of the noise and the order (%(default)s)")
    parser.add_argument(
        "--lossless", action="store_true", help="FLAC in the page, which makes it more than twice as large as MP3"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument(
        "--results", metavar="FILE", nargs="+", type=Path, help="files that listeners saved on the page"
    )
    return parser
