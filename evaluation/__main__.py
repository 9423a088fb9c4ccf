"""Objective metrics of a voice on held-out sentences: `python -m evaluation runs/ljspeech`.

A second voice is evaluated on the same sentences and compared with the first.
"""

from configs.command_line import check_arguments
from evaluation.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from configs import InputError, command
from data.transcriber import Transcriber, load_transcriber
from evaluation.alignment import ALIGNMENT
from evaluation.held_out import as_read_by, choose_data, hold_out, recogniser_of
from evaluation.output import check_writable, counted
from evaluation.parts import RECONSTRUCTION, SPEECH, by_recogniser, by_speaker, by_transcriber
from evaluation.rendition import HeldOutSentence
from evaluation.robustness import ENOUGH_RECORDINGS, evaluate_robustness
from evaluation.scoring import Evaluation, compare_evaluations, evaluate
from evaluation.subject import Subject, load_subject
from evaluation.table import table, table_of_two, write_json
from voices.shipped import voice_path

_TRIED = 3  # recordings of which a plug-in must transcribe one


@command
def main() -> int:
    """Evaluate from the command line."""
    arguments = read_arguments()
    paths: list[Path] = [path for path in (arguments.voice, arguments.other) if path is not None]
    subjects = [load_subject(path, device=arguments.device, seed=arguments.seed) for path in paths]
    name = "evaluation.json" if len(subjects) == 1 else "comparison.json"
    output: Path = arguments.output or _folder(paths[0]) / name
    check_writable(output)
    first = subjects[0].voice
    transcriber = None if arguments.asr is None else load_transcriber(arguments.asr, first.config.data.language)
    data = choose_data(first.config, arguments.data)
    wanted = max(arguments.sentences, ENOUGH_RECORDINGS) if arguments.robustness else arguments.sentences
    recorded = [
        hold_out(one.voice, as_read_by(one.voice, data), wanted, run=_folder(voice_path(path)))
        for one, path in zip(subjects, paths, strict=True)
    ]
    held_out = [sentences[: arguments.sentences] for sentences in _of_all(recorded)]
    if len({one.sample_rate for one in subjects}) > 1:
        warnings.warn(
            "the voices have different sample rates: spectral and mel distances go up to half of each, and are not "
            "comparable",
            stacklevel=2,
        )

    parts = [RECONSTRUCTION, SPEECH, by_speaker(held_out[0]), ALIGNMENT]
    if transcriber is not None:
        _try_out(transcriber, held_out[0])
        parts.append(by_transcriber(transcriber, first.front_end, held_out[0]))
    if arguments.recogniser and (recogniser := recogniser_of(first, as_read_by(first, data))):
        parts.append(by_recogniser(recogniser, held_out[0]))
    evaluations = [
        evaluate(subject, sentences, parts, asr=arguments.asr)
        for subject, sentences in zip(subjects, held_out, strict=True)
    ]
    if arguments.robustness:
        evaluations = [
            _with_hard_texts(found, subject, sentences)
            for found, subject, sentences in zip(evaluations, subjects, recorded, strict=True)
        ]
    compared = compare_evaluations(evaluations[0], evaluations[1]) if len(evaluations) > 1 else []
    print(table(evaluations[0]) if len(evaluations) == 1 else table_of_two(evaluations[0], evaluations[1], compared))
    write_json(output, held_out[0], evaluations, compared)
    print(f"{output}: {counted(len(held_out[0]), 'sentence')} of {data.shards or data.root}")
    return 0


def _try_out(transcriber: Transcriber, sentences: Sequence[HeldOutSentence]) -> None:
    """Refuse before the long work a transcriber that fails at each of a few recordings."""
    failures = []
    for sentence in sentences[:_TRIED]:
        try:
            transcriber(sentence.recorded.audio, sentence.recorded.sample_rate)
        except InputError as error:
            failures.append(error)
        else:
            return
    raise failures[0]


def _folder(path: Path) -> Path:
    """The folder of a voice."""
    return path if path.is_dir() else path.parent


def _of_all(held_out: Sequence[Sequence[HeldOutSentence]]) -> list[list[HeldOutSentence]]:
    """The sentences that are held out for every voice, each with its own text processing."""
    shared = set.intersection(*({sentence.id for sentence in sentences} for sentences in held_out))
    if not shared:
        raise InputError("no recording can be used for both voices: evaluate each alone")
    return [[sentence for sentence in sentences if sentence.id in shared] for sentences in held_out]


def _with_hard_texts(found: Evaluation, subject: Subject, recorded: Sequence[HeldOutSentence]) -> Evaluation:
    """The evaluation with the hard texts, which are for the first speaker."""
    own = [sentence for sentence in recorded if not sentence.speaker]
    if len(own) < ENOUGH_RECORDINGS:
        warnings.warn(
            f"{counted(len(own), 'recording')} of the speaker of the hard texts held out, under {ENOUGH_RECORDINGS}: "
            "its level and speaking rate are not compared with recordings; raise --sentences, or give --data with more",
            stacklevel=2,
        )
    return replace(found, hard_texts=tuple(evaluate_robustness(subject.voice, seed=subject.seed, recorded=own)))


if __name__ == "__main__":
    sys.exit(main())
