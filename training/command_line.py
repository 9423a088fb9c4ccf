"""The command line of train.py."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from configs import Config, InputError, load_config
from configs.command_line import CommandParser, settings_help


@dataclass(frozen=True)
class TrainingArguments:
    """What train.py is asked to do."""

    config: Config | None = None  # of a new run; None to resume or replay one
    resume: Path | None = None
    changed: bool = False  # whether the run may go on as another one
    or_resume: bool = False  # whether to resume the run of `config`, if it has begun
    overrides: tuple[str, ...] = ()  # section.key=value
    warm_start: Path | None = None
    parts: str | None = None
    replay: tuple[Path, int] | None = None  # a run and a step of it


def build_parser() -> argparse.ArgumentParser:
    """The arguments of train.py."""
    parser = CommandParser(
        description="Make a voice from a folder of recordings.",
        epilog=settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", nargs="*", help="an experiment (configs/NAME.toml), then section.key=value ...")
    parser.add_argument("--resume", metavar="RUN", type=Path, help="continue this run folder exactly where it stopped")
    parser.add_argument(
        "--changed",
        action="store_true",
        help="continue with other batches, losses, recordings or processes: another run, with the same weights",
    )
    parser.add_argument("--or-resume", action="store_true", help="continue the run of these settings if it has begun")
    parser.add_argument(
        "--replay",
        nargs=2,
        metavar=("RUN", "STEP"),
        help="make a step of a run again whose gradients were not finite, and name the first operation that was not",
    )
    parser.add_argument("--warm-start", metavar="VOICE", type=Path, help="begin with the weights of a voice")
    parser.add_argument("--parts", help="which parts of it to take, such as decoder,posterior_encoder,flow (all)")
    return parser


def read_arguments() -> TrainingArguments:
    """Read the command line, and the settings as far as they can be checked without a checkpoint.

    Raises:
        InputError: an argument is missing, two exclude each other, or a setting is wrong.
    """
    arguments = build_parser().parse_intermixed_args()
    settings: list[str] = arguments.settings
    if arguments.parts is not None and arguments.warm_start is None:
        raise InputError("--parts says what to take of a voice: give the voice with --warm-start VOICE")
    if arguments.replay is not None:
        folder, step = arguments.replay
        if not step.isdecimal():
            raise InputError(f"--replay {folder} {step}: give the number of a step, such as --replay {folder} 12")
        others = (settings, arguments.resume, arguments.changed, arguments.or_resume, arguments.warm_start)
        if any(others):
            raise InputError(f"--replay {folder} {step}: takes no other argument, for a step has the settings it had")
        return TrainingArguments(replay=(Path(folder), int(step)))
    if arguments.resume is not None:
        if arguments.warm_start is not None:
            raise InputError("--warm-start begins a run and --resume continues one: give one of the two")
        stored = arguments.resume / "config.toml"
        if stored.is_file():
            load_config(stored, settings)
        return TrainingArguments(resume=arguments.resume, changed=arguments.changed, overrides=tuple(settings))
    if arguments.changed and not arguments.or_resume:
        raise InputError("--changed continues a run with other settings: give --resume RUN, or --or-resume, too")
    if not settings or "=" in settings[0]:
        raise InputError("which experiment? Give a settings file, such as configs/ljspeech.toml, or --resume RUN")
    return TrainingArguments(
        config=load_config(settings[0], settings[1:]),
        changed=arguments.changed,
        or_resume=arguments.or_resume,
        overrides=tuple(settings[1:]),
        warm_start=arguments.warm_start,
        parts=arguments.parts,
    )
