"""The command line of `python -m voices.importing`."""

import argparse
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser
from voices.importing import KINDS


def read_arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        InputError: the output is not a .safetensors file in an existing folder.
    """
    parser = CommandParser(
        prog="python -m voices.importing",
        description="Import a voice: report what became of every tensor, print its MODEL_CARD or licence, and write a "
        "voice file that keeps both and can be spoken, exported and trained on.",
    )
    parser.add_argument("--from", dest="source", metavar="VOICE", type=Path, required=True, help=KINDS)
    parser.add_argument(
        "--config", type=Path, metavar="JSON", help="its config.json or .onnx.json, where it is not beside it"
    )
    parser.add_argument("--tensors", action="store_true", help="report every tensor, not only the remarkable ones")
    parser.add_argument("--half", action="store_true", help="16 bits per weight, which halves the file")
    parser.add_argument(
        "--discriminators", action="store_true", help="write those of a run beside the voice, to be trained on with it"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="voice.safetensors to write")
    arguments = parser.parse_args()
    if arguments.output.suffix != ".safetensors" or not arguments.output.parent.is_dir():
        raise InputError(f"{arguments.output}: give the name of a .safetensors file in a folder that exists")
    return arguments
