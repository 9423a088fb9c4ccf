"""A voice judged by numbers on sentences it has not learned from: `python -m evaluation runs/ljspeech`.

A second voice is judged on the same sentences and compared with the first.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from configs import InputError, command
from evaluation.alignment import ALIGNMENT
from evaluation.comparison import compare
from evaluation.copies import COPIES
from evaluation.held_out import Sentence, choose_data, hold_out
from evaluation.judging import Evaluation, judge
from evaluation.robustness import judge_robustness
from evaluation.speech import SPEECH
from evaluation.subject import Subject, load_subject
from evaluation.table import table, table_of_two, write_json

PARTS = (COPIES, SPEECH, ALIGNMENT)


@command
def main() -> int:
    """Judge from the command line."""
    arguments = _parser().parse_args()
    if arguments.sentences < 1:
        raise InputError(f"--sentences {arguments.sentences}: a voice is judged on one or more")
    paths: list[Path] = [path for path in (arguments.voice, arguments.other) if path is not None]
    subjects = [load_subject(path, device=arguments.device, seed=arguments.seed) for path in paths]
    data = choose_data(subjects[0].voice.config, arguments.data)
    held_out = [hold_out(subject.voice, data, arguments.sentences) for subject in subjects]
    evaluations = [
        _judged(subject, sentences, robustness=arguments.robustness)
        for subject, sentences in zip(subjects, held_out, strict=True)
    ]
    name, compared = "evaluation.json", []
    if len(evaluations) == 1:
        print(table(evaluations[0]))
    else:
        name, compared = "comparison.json", compare(evaluations[0], evaluations[1])
        print(table_of_two(evaluations[0], evaluations[1], compared))
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    output: Path = arguments.output or folder / name
    write_json(output, held_out[0], evaluations, compared)
    print(f"{output}: {len(held_out[0])} sentences of {data.shards or data.root}")
    return 0


def _judged(subject: Subject, sentences: Sequence[Sentence], *, robustness: bool) -> Evaluation:
    evaluation = judge(subject, sentences, PARTS)
    if not robustness:
        return evaluation
    return replace(evaluation, hard_texts=tuple(judge_robustness(subject.voice, seed=subject.seed)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("voice", metavar="VOICE", type=Path, help="a run folder, or anything that infer.py speaks with")
    parser.add_argument("other", metavar="VOICE2", type=Path, nargs="?", help="another, to be compared with it")
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        type=Path,
        help="the recordings, or a settings file that says where they are (default: where the voice's settings say)",
    )
    parser.add_argument("--sentences", metavar="N", type=int, default=32, help="how many, at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="of the noise that voices speak with (%(default)s)")
    parser.add_argument("--robustness", action="store_true", help="speak a hundred hard texts, too")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="JSON to write (evaluation.json or comparison.json in VOICE)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
