"""The command line of `python -m evaluation.objectives`."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from configs.command_line import CommandParser, settings_help
from evaluation.objectives.arm import OBJECTIVES, Arm, Budget, PlannedRun, plan, read_arms


@dataclass(frozen=True)
class StudyArguments:
    """What the command is asked to do."""

    settings: Path
    overrides: tuple[str, ...]
    arms: tuple[Arm, ...]  # the first one is the reference
    seeds: int
    budget: Budget
    runs: list[PlannedRun]
    sentences: int
    recogniser: bool
    asr: str | None
    jobs: int
    output: Path


def read_arguments() -> StudyArguments:
    """Read the command line, and the settings of every run.

    Raises:
        InputError: a number is out of its range, an objective is unknown, or a setting is wrong.
    """
    arguments = _parser().parse_intermixed_args()
    settings: list[str] = arguments.settings
    if not settings or "=" in settings[0]:
        raise InputError("which experiment? Give a settings file, such as configs/tiny.toml")
    for name, least in (("seeds", 1), ("sentences", 1), ("jobs", 1), ("steps", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise InputError(f"--{name} {value}: give {least} or more")
    if (arguments.steps is None) == (arguments.seconds is None):
        raise InputError("what may each run cost? Give --steps N or --seconds S, and not both")
    if arguments.seconds is not None and not 0 < arguments.seconds < math.inf:
        raise InputError(f"--seconds {arguments.seconds}: give more than 0")
    arms = read_arms(arguments.objectives)
    budget = Budget(arguments.steps, arguments.seconds)
    overrides = tuple(settings[1:])
    if arguments.jobs > 1 and not any(one.startswith("run.threads=") for one in overrides):
        overrides = (*overrides, "run.threads=1")
    output: Path = arguments.output
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file: name a folder with -o")
    path = Path(settings[0])
    return StudyArguments(
        path,
        overrides,
        arms,
        arguments.seeds,
        budget,
        plan(path, overrides, arms, arguments.seeds, budget, output),
        arguments.sentences,
        arguments.recogniser,
        arguments.asr,
        arguments.jobs,
        output,
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m evaluation.objectives",
        description="Train one voice with each adversarial objective and seed under one budget, evaluate them on the "
        "same held-out sentences, and say which differences are larger than the spread of seeds. A study that was cut "
        "goes on when the command is given again.",
        epilog=settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "settings", nargs="*", metavar="SETTINGS", help="an experiment (configs/NAME.toml), then section.key=value ..."
    )
    parser.add_argument(
        "--objectives",
        metavar="A,B,...",
        default=",".join(OBJECTIVES),
        help="what to compare; the first one is the reference. Settings follow an objective after a plus, "
        "and a name may stand before it: least_squares,hinge,r1:least_squares+loss.r1=1 (default: %(default)s)",
    )
    parser.add_argument("--seeds", metavar="N", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--steps", metavar="N", type=int, help="budget: updates of the generator in each run")
    parser.add_argument(
        "--seconds", metavar="S", type=float, help="budget: processor seconds of training in each run, or GPU seconds"
    )
    parser.add_argument(
        "--sentences", metavar="N", type=int, default=16, help="held-out sentences to evaluate, at most (%(default)s)"
    )
    parser.add_argument(
        "--no-recogniser",
        dest="recogniser",
        action="store_false",
        help="no phoneme error rate; its recogniser is trained once for the study, on the other recordings",
    )
    parser.add_argument(
        "--asr",
        metavar="ASR",
        help="for a word error rate: whisper, whisper:MODEL (a folder, or a name such as small.en), or "
        "MODULE:FUNCTION, a Python function of (audio, sample_rate) to text",
    )
    parser.add_argument("--jobs", metavar="J", type=int, default=1, help="runs at once, one thread each (%(default)s)")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, default=Path("studies/objectives"))
    return parser
