"""The command line of `python -m evaluation`."""

import argparse
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser


def read_arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        InputError: a number is out of its range, or both voices are one.
    """
    arguments = _parser().parse_args()
    if arguments.sentences < 1:
        raise InputError(f"--sentences {arguments.sentences}: a voice is evaluated on one or more")
    paths: list[Path] = [path for path in (arguments.voice, arguments.other) if path is not None]
    if len({_place(path) for path in paths}) < len(paths):
        raise InputError(f"{paths[1]} is the same voice as {paths[0]}: give another to compare with, or none")
    return arguments


def _place(path: Path) -> Path:
    """The file of a voice."""
    return (path / "voice.safetensors" if path.is_dir() else path).resolve()


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m evaluation",
        description="Objective metrics of a voice on held-out sentences. "
        "A second voice is evaluated on the same sentences and compared with the first.",
    )
    parser.add_argument("voice", metavar="VOICE", type=Path, help="a run folder, or anything that infer.py speaks with")
    parser.add_argument("other", metavar="VOICE2", type=Path, nargs="?", help="another voice to compare with it")
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        type=Path,
        help="the recordings, or a settings file that says where they are (default: where the voice's settings say)",
    )
    parser.add_argument("--sentences", metavar="N", type=int, default=32, help="how many, at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="of the noise (%(default)s)")
    parser.add_argument(
        "--no-recogniser",
        dest="recogniser",
        action="store_false",
        help="no phoneme error rate; its recogniser is trained once on the other recordings, in minutes",
    )
    parser.add_argument(
        "--asr",
        metavar="ASR",
        help="for a word error rate: whisper, whisper:MODEL (a folder, or a name such as small.en), or "
        "MODULE:FUNCTION, a Python function of (audio, sample_rate) to text",
    )
    parser.add_argument("--robustness", action="store_true", help="evaluate a hundred hard texts as well")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="JSON to write (evaluation.json or comparison.json in VOICE)"
    )
    return parser
