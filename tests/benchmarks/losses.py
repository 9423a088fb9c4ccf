"""What each loss costs, relative to a plain step of configs/tiny.toml: the figures of docs/losses.md.

`python -m tests.benchmarks.losses` takes a few minutes and counts processor seconds. A term that only compares segments
is computed forward and backward by itself, on the segments of a step. What changes the step in more places, such as an
adversarial objective, is measured in whole steps (`--step`); so is, with `--recorded FOLDER`, what looks through frozen
networks or converts voices, on recordings of several speakers. All take turns with the plain step, so that whatever
else the machine does meets all of them; each round gives a ratio, of which the median is printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import torch
from torch import Tensor
from tqdm import tqdm

from configs import Config, load_config
from data.opening import open_corpus
from losses import feature_loss, mel_loss
from losses.distance import DistanceKind
from losses.feature_matching import FeatureMatchingKind
from tests.benchmarks.measuring import HOUSE, Contestant
from training.auxiliary_losses import AuxiliaryLoss, Ingredients
from training.features import GeneratorOutput
from training.frozen import FrozenNetworks, speaker_embeddings

# Of `training.auxiliary_losses`, and what they need beside a weight.
TERMS: Mapping[str, Sequence[str]] = {
    "waveform": [],
    "waveform, l2": ["loss.waveform_distance=l2"],
    "waveform, log_cosh": ["loss.waveform_distance=log_cosh"],
    "stft": [],
    "subband_stft": [],
    "multi_scale_mel": [],
    "pitch": [],
    "ssim": [],
    "ms_ssim": ["loss.ms_ssim_scales=2"],
    "cosine": [],
}
# Measured on recordings; the networks that some look through cost the same, however briefly they were trained.
RECORDED = ("cycle", "identity", "perceptual", "speaker_contrastive", "speaker_info_nce")


def settings(overrides: Sequence[str]) -> Config:
    """The tiny experiment with the paper's segments of 32 frames."""
    own = ["run.device=cpu", "train.precision=fp32", "run.threads=1", "train.segment_samples=8192"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *overrides])


def segments_of_a_step(plain: Contestant) -> GeneratorOutput:
    """The reconstruction of a batch, where gradients end at the generated audio and at its mel spectrogram."""
    with torch.no_grad():
        output = plain.trainer.generator_forward(plain.batches[0])
    of = output.segments
    leaves = {name: getattr(of, name).clone().requires_grad_() for name in ("generated", "mel_generated")}
    log_pitch = torch.zeros_like(of.frame_mask).requires_grad_()  # which the plain decoder does not predict
    return replace(output, segments=replace(of, **leaves), synthesis=replace(output.synthesis, log_pitch=log_pitch))


def terms(plain: Contestant) -> dict[str, Callable[[], Tensor]]:
    """Each term by itself."""
    output, discriminator = segments_of_a_step(plain), plain.trainer.discriminator
    of = output.segments
    with torch.no_grad():
        real, generated = (discriminator(audio).feature_maps for audio in (of.real, of.generated))
    generated = [[each.requires_grad_() for each in layers] for layers in generated]
    found: dict[str, Callable[[], Tensor]] = {}
    for kind in get_args(DistanceKind):
        found[f"mel, {kind}"] = partial(mel_loss, of.mel_real, of.mel_generated, of.frame_mask, kind=kind)
    for kind in get_args(FeatureMatchingKind):
        found[f"feature_matching, {kind}"] = partial(feature_loss, real, generated, kind=kind)
    for name, overrides in TERMS.items():
        ingredients = Ingredients(settings(overrides), FrozenNetworks())
        found[name] = partial(AuxiliaryLoss.of_weight[name.partition(",")[0]](ingredients), output)
    return found


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ratios(steps: Mapping[str, Sequence[str]], *, rounds: int, repeats: int = 10) -> dict[str, list[float]]:
    """Processor seconds relative to those of the plain step of the same round, by name.

    Args:
        steps: settings of whole steps, by name; each is measured besides all terms.
        rounds: after a first one that does not count.
        repeats: of each term in a round.
    """
    plain = Contestant(settings([]))
    alone = terms(plain)
    whole = {name: Contestant(settings(overrides)) for name, overrides in steps.items()}
    found: dict[str, list[float]] = {name: [] for name in [*alone, *whole]}
    for place in tqdm(range(rounds + 1), desc="rounds", disable=None):
        step = seconds(plain.step)
        taken = {name: seconds(partial(_repeat, work, repeats)) / repeats for name, work in alone.items()}
        taken |= {name: seconds(contestant.step) for name, contestant in whole.items()}
        if place:
            for name, of_round in taken.items():
                found[name].append(of_round / step)
    return found


def recorded_ratios(folder: Path, *, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of a step with each of `RECORDED`, relative to those of the plain step of the same round.

    Args:
        folder: recordings of several speakers.
        rounds: after a first one that does not count.
    """
    own = [f"data.root={folder}", "loss.recogniser_hours=0.01"]
    weights = {name: f"loss.{name}=1" for name in RECORDED}
    plain, every = settings(own), settings([*own, *weights.values()])
    corpus = open_corpus(plain.data, plain.audio, verbose=True)
    with patch.object(speaker_embeddings, "_UPDATES", 30):
        frozen = FrozenNetworks.made(every, corpus, verbose=True)
    alone = Contestant(plain, corpus=corpus)
    with_term = {
        name: Contestant(settings([*own, each]), corpus=corpus, frozen=frozen) for name, each in weights.items()
    }
    found: dict[str, list[float]] = {name: [] for name in RECORDED}
    for place in tqdm(range(rounds + 1), desc="rounds", disable=None):
        step = seconds(alone.step)
        for name, contestant in with_term.items():
            taken = seconds(contestant.step)
            if place:
                found[name].append(taken / step)
    return found


def _repeat(work: Callable[[], Tensor], times: int) -> None:
    for _ in range(times):
        work().backward()


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--step", nargs="*", default=[], metavar="SETTING", help="settings to measure in whole steps")
    parser.add_argument("--recorded", type=Path, metavar="FOLDER", help="measure what needs recordings of speakers")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| loss | relative to a plain step | middle half of the rounds |\n|---|---:|---:|")
    if asked.recorded is not None:
        found = recorded_ratios(asked.recorded, rounds=asked.rounds)
    else:
        found = ratios({each: each.split(",") for each in asked.step}, rounds=asked.rounds)
    for name, of_rounds in found.items():
        lower, median, upper = statistics.quantiles(of_rounds, n=4)
        print(f"| {name} | {median:.1%} | {lower:.1%} to {upper:.1%} |")


if __name__ == "__main__":
    main()
