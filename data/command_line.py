"""The command lines of data.prepare, data.shards, data.ljspeech and data.embedded."""

import argparse
import re
from pathlib import Path

from configs import Config, InputError, load_config
from configs.command_line import CommandParser, settings_help

# LJSpeech 1.1.
LJSPEECH_URL = "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2"
LJSPEECH_SHA256 = "be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5"

CLIPS_PER_SHARD = 1024


def read_prepare_arguments() -> tuple[argparse.Namespace, Config]:
    """The arguments of data.prepare, and its settings.

    Raises:
        InputError: a setting is wrong.
    """
    parser = CommandParser(
        prog="python -m data.prepare",
        description="Examine every recording and its text, report the faults, and fill the cache.",
        epilog=settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="the corpus")
    parser.add_argument("settings", nargs="*", help="section.key=value ..., such as data.language=nl")
    parser.add_argument("--experiment", metavar="FILE", type=Path, help="settings file, such as configs/small.toml")
    parser.add_argument("--format", help="layout of the folder (default: detected)")
    parser.add_argument("--report", metavar="DIR", type=Path, help="folder of the report (default: in the cache)")
    parser.add_argument("--strict", action="store_true", help="exit with 2 if there is any fault")
    splitting = parser.add_argument_group("long recordings", "cut at silences between sentences, into a new corpus")
    splitting.add_argument("--split", metavar="DIR", type=Path, help="write the corpus with its long recordings cut")
    splitting.add_argument("--voice", metavar="RUN", type=Path, help="run folder of a voice that aligns the sentences")
    splitting.add_argument("--asr", metavar="ASR", help="whisper or MODULE:FUNCTION, an ASR that aligns them instead")
    arguments = parser.parse_intermixed_args()
    _check_split(arguments)
    overrides = [f"data.root={arguments.folder}", "run.dir=runs/unused", *arguments.settings]
    overrides += [f"data.format={arguments.format}"] * (arguments.format is not None)
    overrides += ["data.strict=true"] * arguments.strict
    return arguments, load_config(arguments.experiment, overrides)


def _check_split(arguments: argparse.Namespace) -> None:
    finders = (arguments.voice is not None) + (arguments.asr is not None)
    if arguments.split is None and finders:
        raise InputError("--voice and --asr are for --split DIR, which cuts long recordings: give that too")
    if arguments.split is not None and finders != 1:
        raise InputError(
            "--split has to find each sentence in the recordings: give --voice RUN, the run folder of a voice of their "
            "language, whose alignment finds them, or --asr whisper or MODULE:FUNCTION, a recogniser; one of the two"
        )


def read_shards_arguments() -> tuple[argparse.Namespace, Config]:
    """The arguments of data.shards, and its settings.

    Raises:
        InputError: a setting or a number is wrong.
    """
    parser = CommandParser(
        prog="python -m data.shards",
        description="Write a corpus as tar shards, to train on one larger than memory: data.shards=FOLDER.",
        epilog=settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", type=Path, help="settings file, such as configs/ljspeech.toml")
    parser.add_argument("settings", nargs="*", help="section.key=value ..., such as data.root=LJSpeech-1.1")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="folder of the shards")
    parser.add_argument(
        "--clips", metavar="N", type=int, default=CLIPS_PER_SHARD, help="clips per shard (default: %(default)s)"
    )
    arguments = parser.parse_intermixed_args()
    if arguments.clips < 1:
        raise InputError(f"--clips {arguments.clips}: a shard has at least one clip")
    return arguments, load_config(arguments.experiment, arguments.settings)


def read_ljspeech_arguments() -> argparse.Namespace:
    """The arguments of data.ljspeech.

    Raises:
        InputError: `--sha256` is not a SHA-256.
    """
    parser = CommandParser(
        prog="python -m data.ljspeech",
        description="Download LJSpeech 1.1; interrupted at any moment, it continues when run again.",
    )
    parser.add_argument(
        "--download",
        metavar="DIR",
        type=Path,
        required=True,
        help="parent folder of LJSpeech-1.1/ (needs 6.6 GB); nothing is done if it is complete",
    )
    parser.add_argument("--url", default=LJSPEECH_URL, help="another URL of the same archive (default: %(default)s)")
    parser.add_argument(
        "--sha256",
        default=LJSPEECH_SHA256,
        help="SHA-256 of another archive in the same layout (default: LJSpeech 1.1's)",
    )
    arguments = parser.parse_args()
    if not re.fullmatch("[0-9a-fA-F]{64}", arguments.sha256):
        raise InputError(f"--sha256 {arguments.sha256}: is not a SHA-256: give its 64 hexadecimal digits")
    return arguments


def read_embedded_arguments() -> argparse.Namespace:
    """The arguments of data.embedded."""
    parser = CommandParser(
        prog="python -m data.embedded", description="Synthesize a small corpus with espeak-ng, in LJSpeech's layout."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder to write; nothing is done if it is complete")
    return parser.parse_args()
