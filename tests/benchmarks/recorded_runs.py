"""Record the curves that the diagnosis is tested on: of runs that are as they should be, and of runs broken on purpose.

`python -m tests.benchmarks.recorded_runs --ljspeech FOLDER --onevoice FOLDER --speakers FOLDER` trains each one anew,
about five minutes of one core each, and keeps what it left to be read: metrics.jsonl, config.toml and corpus.json.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from torch import Tensor, nn

from configs import InputError, command, load_config
from configs.atomic_file import replacing
from data.clips import Clip
from data.corpus import Corpus
from data.opening import open_corpus
from monitoring.page.runs import SHIPPED_REFERENCE
from train import Trainer, run

_KEPT = Path(__file__).parents[1] / "monitoring" / "runs"
# A tiny voice, short recordings and a high learning rate: so the alignment is found in a thousand steps.
_ALL = (
    *("train.batch_size=6", "train.learning_rate=0.002", "train.warmup_steps=100", "train.precision=fp32"),
    *("train.validate_every=100", "train.checkpoint_every=10000", "data.validation_clips=12", "data.longest_seconds=3"),
)


class FrozenDiscriminators(Trainer):
    """A Trainer that never teaches its discriminator."""

    def update_discriminator(self) -> Tensor:
        """The norm alone."""
        gradients = [weight.grad for weight in self.discriminator.parameters() if weight.grad is not None]
        return nn.utils.get_total_norm(gradients)


def mislabelled(corpus: Corpus, rate: int) -> Corpus:
    """Every recording has the text of another one, about as long."""
    del rate

    def exchanged(clips: Sequence[Clip]) -> list[Clip]:
        ordered = sorted(clips, key=lambda clip: len(clip.phoneme_ids))
        others = [*ordered[3:], *ordered[:3]]
        pairs = [(clip, other) for clip, other in zip(ordered, others, strict=True)]
        return [replace(clip, text=other.text, phoneme_ids=other.phoneme_ids) for clip, other in pairs]

    return replace(corpus, train=exchanged(corpus.train), validation=exchanged(corpus.validation))


def one_clip(corpus: Corpus, rate: int) -> Corpus:
    """The same recording again and again."""
    del rate
    return replace(corpus, train=[corpus.train[0]] * len(corpus.train))


def called_22050(corpus: Corpus, rate: int) -> Corpus:
    """16 kHz samples in files that say otherwise: everything is spoken faster and higher."""
    return _with_sound(corpus, lambda audio: soxr.resample(audio, rate, 16000))


def long_silences(corpus: Corpus, rate: int) -> Corpus:
    """The recorder was left on for four seconds after every sentence."""
    noise = np.random.default_rng(0).normal(scale=10.0, size=4 * rate)
    return _with_sound(corpus, lambda audio: np.concatenate([audio, noise]))


def upsampled(corpus: Corpus, rate: int) -> Corpus:
    """16 kHz recordings brought to the rate of the settings: right, but empty above 8 kHz."""
    return _with_sound(corpus, lambda audio: soxr.resample(soxr.resample(audio, rate, 16000), 16000, rate))


def _with_sound(corpus: Corpus, change: Callable[[np.ndarray], np.ndarray]) -> Corpus:
    train, validation = (
        [replace(clip, audio=change(clip.audio).astype(np.int16)) for clip in clips]
        for clips in (corpus.train, corpus.validation)
    )
    return replace(corpus, train=train, validation=validation)


@dataclass(frozen=True)
class Recorded:
    """A run to record."""

    steps: int
    corpus: Literal["ljspeech", "onevoice", "speakers"] = "onevoice"
    settings: tuple[str, ...] = ()
    change: Callable[[Corpus, int], Corpus] | None = None
    trainer: type[Trainer] = Trainer


RUNS: dict[str, Recorded] = {
    "good_one_voice": Recorded(1500),
    "broken_mislabelled": Recorded(1500, change=mislabelled),
    # A hundred times that of the paper, and a hundred times that of the good runs here, which ends it.
    "broken_learning_rate": Recorded(700, settings=("train.learning_rate=0.02", "train.warmup_steps=0")),
    "broken_gradients": Recorded(700, settings=("train.learning_rate=0.2",)),
    "broken_frozen_discriminators": Recorded(800, trainer=FrozenDiscriminators),
    "broken_no_kl": Recorded(700, settings=("loss.kl=0.0",)),
    "broken_one_clip": Recorded(1200, change=one_clip),
    "broken_called_22050": Recorded(300, change=called_22050),
    "broken_upsampled": Recorded(300, change=upsampled),
    "broken_long_silences": Recorded(1200, change=long_silences),
    # The one that is shipped, and that pages are compared with.
    "reference": Recorded(3000, "ljspeech", ("data.longest_seconds=20", "train.batch_size=4")),
    "good_speakers": Recorded(1000, "speakers", ("data.longest_seconds=6",)),
    "good_paper_rate": Recorded(1000, settings=("train.learning_rate=0.0002", "train.warmup_steps=0")),
}


def shortened(line: str) -> str:
    """A line of metrics with as many digits as a diagnosis needs."""
    values = {
        name: value if isinstance(value, int | None) else float(f"{value:.5g}")
        for name, value in json.loads(line).items()
    }
    return json.dumps(values) + "\n"


def record(name: str, root: Path, folder: Path) -> None:
    """Train one of RUNS in a folder, and keep its curves."""
    asked = RUNS[name]
    own = [f"data.root={root}", f"run.dir={folder}", "run.threads=1", f"train.steps={asked.steps}"]
    if asked.corpus == "onevoice":
        own += ["data.metadata=train.csv"]
    config = load_config("configs/tiny.toml", [*own, *_ALL, *asked.settings])
    corpus = open_corpus(config.data, config.audio, verbose=False)
    if asked.change is not None:
        corpus = asked.change(corpus, config.audio.sample_rate)
    with contextlib.suppress(InputError):  # a run may break, and its curves tell
        run(asked.trainer(config, corpus))
    kept = SHIPPED_REFERENCE if name == SHIPPED_REFERENCE.name else _KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "corpus.json", kept / "corpus.json")
    with replacing(kept / "metrics.jsonl") as metrics:
        metrics.write("".join(map(shortened, (folder / "metrics.jsonl").read_text().splitlines())).encode())
    with replacing(kept / "config.toml") as toml:  # where the recordings lay and the run was is nobody's business
        content = (folder / "config.toml").read_text().replace(str(root), asked.corpus)
        toml.write(content.replace(str(folder), f"runs/{name}").encode())


@command
def main() -> int:
    """Record from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recorded_runs", description=__doc__)
    for corpus in ("ljspeech", "onevoice", "speakers"):
        parser.add_argument(f"--{corpus}", type=Path, required=True, help="folder of this corpus")
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS), help="which runs (all)")
    arguments = parser.parse_args()
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            record(name, getattr(arguments, RUNS[name].corpus), Path(folder) / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
