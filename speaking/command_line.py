"""The command line of infer.py."""

import argparse
import sys
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser
from configs.speaking import HIGHEST_RATE, LOWEST_RATE
from speaking.options import ENGINES, SpeakOptions, choose_engine, within

STANDARD_OUTPUT = Path("-")
TIMESTAMP_FORMATS = ("json", "srt", "tsv")

_SPEECH_OPTIONS = ("speed", "noise_scale", "duration_noise_scale", "pause", "longest_silence", "seed")
# Options that exclude each other, and why.
_NOT_FOR = {
    "batch": (
        ("text", "file", "output", "stream", "phonemes", "timestamps_file", "source"),
        "whose texts are the lines of its file and whose files go to --out-dir as --format and --timestamps say",
    ),
    "source": (
        ("text", "file", "ssml", "phonemes", "stream", "timestamps", "timestamps_file", *_SPEECH_OPTIONS),
        "which converts a recording as it is",
    ),
    "phonemes": (
        ("output", "stream", "rate", "timestamps", "timestamps_file"),
        "which makes no audio",
    ),
}
_ONLY_FOR = {"out_dir": "batch", "format": "batch", "jobs": "batch", "source_speaker": "source"}


def build_parser() -> argparse.ArgumentParser:
    """The parser of infer.py."""
    parser = CommandParser(description="Speak a text with a trained voice.")
    parser.add_argument("voice", type=Path, help="a run folder, a voice.safetensors, an .onnx, or a foreign checkpoint")
    parser.add_argument("text", nargs="?", help="what to say; without it, or as -, standard input is read")
    parser.add_argument("--file", type=Path, help="read the text from this file")
    parser.add_argument("--ssml", action="store_true", help="the text is SSML, even if it does not begin so")
    parser.add_argument("--phonemes", action="store_true", help="print the phonemes, and make no audio")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="of an .onnx: onnx runs on the CPU, without torch; torch on any device, and streams any in chunks (auto: "
        "onnx on the CPU, else torch)",
    )

    manner = parser.add_argument_group("synthesis", "without these, the defaults of the voice")
    manner.add_argument("--speaker", help="speaker of a voice of several: a name, or an id from 0 (the first)")
    manner.add_argument("--speed", type=float, help="speaking rate, 2 is twice as fast")
    manner.add_argument("--noise-scale", type=float, help="noise of the prior, 0 for none")
    manner.add_argument("--duration-noise-scale", type=float, help="noise of the durations, 0 for none")
    manner.add_argument("--pause", type=float, metavar="SECONDS", help="silence between sentences")
    manner.add_argument(
        "--longest-silence", type=float, metavar="SECONDS", help="total of all breaks of an SSML text (3600)"
    )
    manner.add_argument("--seed", type=int, help="of the noise: the same audio each time")

    output = parser.add_argument_group("output")
    output.add_argument(
        "-o", "--output", type=Path, help=".wav, .flac, .mp3, .ogg or .opus to write, or - for raw samples (speech.wav)"
    )
    output.add_argument("--stream", action="store_true", help="as soon as it is decoded; without -o, play it")
    output.add_argument("--rate", type=int, metavar="HZ", help="samples per second (the voice's own)")
    output.add_argument("--wav-header", action="store_true", help="with -o -: a wav header before the samples")
    output.add_argument(
        "--timestamps", choices=TIMESTAMP_FORMATS, help="times of words and phonemes, in a file beside the output"
    )
    output.add_argument("--timestamps-file", type=Path, metavar="FILE", help="the same, to this file")

    batch = parser.add_argument_group("batch: many texts, one file each")
    batch.add_argument("--batch", type=Path, metavar="FILE", help="one text, or name|text, per line")
    batch.add_argument("--out-dir", type=Path, metavar="DIR", help="the folder for the files")
    batch.add_argument("--format", choices=("wav", "flac", "mp3", "ogg", "opus"), help="of the files (wav)")
    batch.add_argument("--jobs", type=int, help="processes (one per core)")

    conversion = parser.add_argument_group("voice conversion")
    conversion.add_argument("--source", type=Path, metavar="RECORDING", help="convert this recording")
    conversion.add_argument("--source-speaker", help="speaker of the recording; --speaker is the target")
    return parser


def read_arguments() -> argparse.Namespace:
    """Parse and check the command line.

    Raises:
        InputError: as `check_together`.
    """
    arguments = build_parser().parse_intermixed_args()  # the text may stand behind the options, too
    check_together(arguments)
    return arguments


def check_together(arguments: argparse.Namespace) -> None:
    """Refuse options that exclude each other or would have no effect, before anything is loaded.

    Raises:
        InputError: the message names the option.
    """
    given = {name for name, value in vars(arguments).items() if value is not None and value is not False}
    for one, (others, why) in _NOT_FOR.items():
        for other in others:
            if {one, other} <= given:
                raise InputError(f"{_option(other)} is not for {_option(one)}, {why}: leave one of the two out")
    for one, other in _ONLY_FOR.items():
        if one in given and other not in given:
            raise InputError(f"{_option(one)} is for {_option(other)}: give that too, or leave it out")
    if "batch" in given and "out_dir" not in given:
        raise InputError("give --batch a file of lines and --out-dir a folder for their audio")
    if "source" in given and not {"source_speaker", "speaker"} <= given:
        raise InputError("to convert a recording, name --source-speaker and the target --speaker")
    if arguments.wav_header and arguments.output != STANDARD_OUTPUT:
        raise InputError("--wav-header is for -o -: give -o - or leave it out, files have their header anyway")
    choose_engine(arguments.engine, arguments.voice, arguments.device)
    if arguments.rate is not None:
        within("rate", arguments.rate, LOWEST_RATE, HIGHEST_RATE)
    if arguments.jobs is not None:
        within("jobs", arguments.jobs, 1, 1024)
    timestamps_file(arguments)


def _option(name: str) -> str:
    return "a text" if name == "text" else f"--{name.replace('_', '-')}"


def read_text(argument: str | None, file: Path | None) -> str:
    """The text from the command line, a file, or standard input.

    Raises:
        InputError: both a text and a file are given, or the content is not text.
    """
    from text.file_encoding import decoded_text  # the package is not needed for --help

    if argument is not None and file is not None:
        raise InputError("give the text or --file, not both")
    if argument is not None and argument != "-":
        return argument
    if file is None and sys.stdin.isatty():
        print("type the text, then end it with Ctrl-D", file=sys.stderr)
    try:
        content = sys.stdin.buffer.read() if file is None else file.expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"{file or 'standard input'}: cannot be read as UTF-8 text: {error}") from error
    return decoded_text(content, "standard input" if file is None else str(file))


def speak_options(arguments: argparse.Namespace, text: str) -> SpeakOptions:
    """The options of `Voice.speak` for this text."""
    return SpeakOptions(
        speaker=arguments.speaker,
        speed=arguments.speed,
        noise_scale=arguments.noise_scale,
        duration_noise_scale=arguments.duration_noise_scale,
        pause_seconds=arguments.pause,
        longest_silence_seconds=arguments.longest_silence,
        seed=arguments.seed,
        ssml=arguments.ssml or text.lstrip("\ufeff \t\r\n").startswith(("<speak", "<?xml")),
    )


def timestamps_file(arguments: argparse.Namespace) -> Path | None:
    """The file for timestamps, None if they are not asked for; its suffix is the format.

    Raises:
        InputError: no file follows from the arguments, the suffix is not a format, or the folder does not exist.
    """
    file: Path | None = arguments.timestamps_file
    if file is not None:
        if file.suffix[1:] not in TIMESTAMP_FORMATS or arguments.timestamps not in (None, file.suffix[1:]):
            raise InputError(f"{file}: end the name in .{arguments.timestamps or ', .'.join(TIMESTAMP_FORMATS)}")
        if not file.parent.is_dir():
            raise InputError(f"{file}: the folder {file.parent} does not exist: create it, or choose another place")
        return file
    if arguments.timestamps is None:
        return None
    if arguments.output == STANDARD_OUTPUT or (arguments.output is None and arguments.stream):
        raise InputError("give --timestamps-file: there is no file for the timestamps to stand beside")
    output: Path = arguments.output or Path("speech.wav")
    return output.with_suffix(f".{arguments.timestamps}")
