"""The command line of `python -m voices.export`."""

import argparse
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser


def read_arguments() -> argparse.Namespace:
    """Read the command line; `name` is the name of the files.

    Raises:
        InputError: that is no name of a file.
    """
    arguments = _parser().parse_args()
    arguments.name = arguments.name or name_of(arguments.voice)
    if not arguments.name or arguments.name.startswith(".") or set(arguments.name) & set("/\\"):
        raise InputError(f"--name {arguments.name!r}: give a name that can be a file's")
    return arguments


def name_of(path: Path) -> str:
    """The default name of the files of an export: the run's, or the file's."""
    path = path.resolve()
    return path.parent.name if path.name == "voice.safetensors" else path.name if path.is_dir() else path.stem


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m voices.export",
        description="Export a voice for Piper and sherpa-onnx, and verify that it gives the same audio.",
        epilog="Exit code: 0 if all was written and the verification passed; 1 if it failed, or --hf could not "
        "be written and the rest was; 2 if nothing could be written.",
    )
    parser.add_argument("voice", type=Path, help="a run folder, a voice.safetensors, or another program's checkpoint")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("--name", help="what the files are called (the run's or the file's name)")
    parser.add_argument(
        "--piper-names",
        action="store_true",
        help="call the files as Piper's voices are, such as en_US-NAME-medium.onnx, which Home Assistant expects",
    )
    parser.add_argument(
        "--lexicon-words",
        type=Path,
        metavar="FILE",
        help="a text whose words go into lexicon.txt, with which sherpa-onnx 2.x reads plain text, beside those of the "
        "corpus",
    )
    parser.add_argument("--config", type=Path, help="settings of another program's checkpoint, if not beside it")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write NAME.int8.onnx too, all but the decoder's convolutions in eight bits: a third as large with Vocos, "
        "two thirds with the paper's HiFi-GAN",
    )
    parser.add_argument("--fp16", action="store_true", help="write NAME.fp16.onnx too, half as large")
    parser.add_argument(
        "--hf", action="store_true", help="write a Hugging Face VitsModel into DIR/NAME too, if the decoder is HiFi-GAN"
    )
    parser.add_argument("--quick", action="store_true", help="compare with torch only: no times, no clients")
    return parser
