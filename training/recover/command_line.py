"""The command line of `python -m training.recover`."""

import argparse
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser

MINUTES = 15.0
STEPS = 700


def read_arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        InputError: the output is not a .safetensors file in an existing folder, or a number is out of range.
    """
    parser = CommandParser(
        prog="python -m training.recover",
        description="Recover what an exported voice lacks to be trained on, from its own speech: its posterior "
        "encoder, and another decoder where one is asked for.",
    )
    parser.add_argument("voice", type=Path, help="an .onnx with its .json, or another voice")
    parser.add_argument(
        "--texts", type=Path, required=True, help="what it shall say: a text per line, or a metadata.csv"
    )
    parser.add_argument("--decoder", type=Path, metavar="TOML", help="settings whose [decoder] the voice is to have")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of its speech to learn from (%(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="updates of each part, at most (%(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="voice.safetensors to write")
    arguments = parser.parse_args()
    if arguments.output.suffix != ".safetensors" or not arguments.output.parent.is_dir():
        raise InputError(f"{arguments.output}: give the name of a .safetensors file in a folder that exists")
    if not 0.0 < arguments.minutes <= 10_000.0 or arguments.steps < 1:
        raise InputError("--minutes is a number above 0, and --steps a whole number above 0")
    return arguments
