"""The error rate of the recogniser of a corpus on held-out recordings, and how long it takes to train.

`python -m tests.benchmarks.recogniser data.root=LJSpeech-1.1 data.validation_clips=16` trains on the training clips of
the corpus and prints a row of a table; the error rate is that of the corpus's validation clips together, with the
interval that resampling the clips gives. Nothing of them decides what is kept: that is the error rate beside it, on
training clips set aside.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from configs import command, load_config
from data.opening import open_corpus
from tests.benchmarks.table import markdown
from training.recogniser import ErrorCounts, phoneme_error_rate, total, train_or_load
from training.recogniser.examples import Example
from training.recogniser.of_corpus import TRAINED_HOURS

_RESAMPLES = 1000


def interval(counts: list[ErrorCounts]) -> tuple[float, float]:
    """Where the error rate lies with 95 %, by drawing as many clips from those there are."""
    errors, lengths = (np.array([getattr(one, name) for one in counts]) for name in ("errors", "length"))
    drawn = np.random.default_rng(0).integers(len(counts), size=(_RESAMPLES, len(counts)))
    low, high = np.quantile(errors[drawn].sum(1) / lengths[drawn].sum(1), (0.025, 0.975))
    return float(low), float(high)


@command
def main() -> int:
    """Train, listen, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recogniser", description=__doc__)
    parser.add_argument("settings", nargs="+", help="section.key=value ..., data.root=FOLDER at least")
    parser.add_argument("--trained-hours", type=float, default=TRAINED_HOURS, help="of speech (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of the processor (%(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = load_config(None, ["run.dir=runs/unused", *arguments.settings])
    corpus = open_corpus(config.data, config.audio, verbose=False)
    with tempfile.TemporaryDirectory() as cache:  # so that it is trained
        fresh = config.model_copy(update={"data": config.data.model_copy(update={"cache": cache})})
        started, before = time.monotonic(), os.times()
        recogniser = train_or_load(corpus, fresh, trained_hours=arguments.trained_hours)
        wall, after = time.monotonic() - started, os.times()
    counts = []
    for clip in corpus.validation:
        example = Example.of(clip, corpus.symbols, config.audio.sample_rate)
        counts.append(phoneme_error_rate(example.said, recogniser.recognise_frames(example.frames)))
    low, high = interval(counts)
    held_out = total(counts)
    row = (
        *(Path(config.data.root).name, str(len(corpus.train)), str(len(corpus.validation)), str(held_out.length)),
        f"{held_out.rate:.1%} ({low:.1%} to {high:.1%})",
        f"{held_out.substitutions} / {held_out.insertions} / {held_out.deletions}",
        *(f"{recogniser.calibration.rate:.1%}", f"{after.user + after.system - before.user - before.system:.0f}"),
        f"{wall:.0f}",
    )
    head = (
        "corpus",
        "trained on",
        "held out",
        "phonemes",
        "error rate",
        "sub / ins / del",
        "set aside",
        "CPU s",
        "wall s",
    )
    print("\n".join(markdown(head, [row])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
