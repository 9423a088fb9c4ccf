"""Whether each adversarial objective trains: the table of docs/losses.md.

`python -m tests.benchmarks.objectives --data LJSpeech-1.1 -o DIR` trains `configs/tiny.toml`, made smaller still, by
each objective in each mode of training, and says how far the mel distance fell, and whether a run that was cut at half
ended with the same bits. `torchrun --nproc-per-node=2 -m tests.benchmarks.objectives ...` does so with two processes
that share a batch. Runs that a folder holds already are read, not made again, so that a trial may be cut.
"""

import argparse
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from tqdm import tqdm

from configs import Config, InputError, command, load_config
from configs.training import AdversarialObjectiveName
from data.opening import open_corpus
from tests.faults.tiny_runs import HOUSE, differing, lasting
from train import Trainer, resume
from training.interruption import StopRequest
from training.ranks import Ranks, leave
from training.run_folder import newest_step
from voices.checkpoint import checkpoint_path, load_checkpoint

_EVERY = 10  # steps in a mean of the mel loss
ARMS = {name: [f"loss.adversarial_objective={name}"] for name in get_args(AdversarialObjectiveName)}
ARMS["least_squares-r1"] = ["loss.r1=0.5"]
# A third of the channels: a processor without instructions for bfloat16 takes three times as long a step with it.
_NARROW = (
    *("model.hidden_channels=16", "model.latent_channels=16", "model.filter_channels=32", "model.duration_channels=16"),
    *("decoder.channels=32", "decoder.expansion_channels=64", "data.longest_seconds=3.3"),
)
MODES = {
    "fp32": ["train.precision=fp32"],
    "bf16": ["train.precision=bf16"],
    "accumulate": ["train.precision=fp32", "train.accumulate=2"],
    "ranks": ["train.precision=fp32"],
}
# A third of the layers of tiny.toml, and the learning rate of study.toml, so that 200 steps
# suffice; critics are updated twice, not five times.
_SMALL = (
    *("model.text_layers=1", "model.posterior_layers=2", "model.coupling_layers=1", "model.duration_flows=1"),
    *("decoder.kind=vocos", "decoder.channels=64", "decoder.expansion_channels=128", "decoder.layers=3"),
    *("discriminator.periods=[3]", "train.segment_samples=4096", "train.spoken_sentences=0"),
    *("data.longest_seconds=4", "data.max_validation_clips=2", "run.device=cpu", "run.threads=1"),
    *("train.learning_rate=2e-3", "train.warmup_steps=20", "train.keep_checkpoints=2"),
    *(f"train.report_every={_EVERY}", "train.validate_every=100000"),
)


def settings(arm: str, mode: str, asked: argparse.Namespace, ranks: int = 1) -> Config:
    """The experiment with an objective, in a mode of training."""
    own = [*_SMALL, *ARMS[arm], *MODES[mode], f"train.batch_size={max(1, 4 // ranks)}"]
    own += [f"train.steps={asked.steps}", f"train.checkpoint_every={asked.steps // 2}"]
    if asked.narrow:
        own += _NARROW
    if arm.startswith("wasserstein"):
        own.append("train.discriminator_updates=2")
    run = asked.folder / f"{arm}-{mode}"
    place = [f"data.root={asked.data}", f"data.cache={asked.folder / 'cache'}", f"run.dir={run}"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *place])


def trained(config: Config, ranks: Ranks) -> None:
    """Train to the end, from the newest checkpoint where there is one.

    Raises:
        InputError: training diverged.
    """
    folder = Path(config.run.dir)
    newest = newest_step(folder)
    if newest >= config.train.steps:
        return
    if newest:
        trainer = resume(folder, (), ranks)
    else:
        if ranks.is_first:
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was cut before its first checkpoint
        ranks.gather(None)
        trainer = Trainer(config, open_corpus(config.data, config.audio, verbose=False), ranks)
    trainer.train(StopRequest())


@torch.no_grad()
def mel_of(trainer: Trainer) -> float:
    """L1 distance of log-mel of whole reconstructions, without noise, of eight clips and of those held out, in nats.

    Unlike the mean of ten steps of two segments each, it is the same for the same weights.
    """
    clips = sorted((*trainer.corpus.validation, *list(trainer.corpus.train)[:8]), key=lambda clip: clip.id)
    total = frames = 0.0
    for clip in clips:
        batch = trainer.batch([clip])
        spectrogram = trainer.features.spectrogram(batch)
        audio = trainer.ema.reconstruct(spectrogram, trainer.features.frame_lengths(batch))
        real, generated = trainer.features.mel_scale(spectrogram), trainer.features.mel(audio.squeeze(1))
        shared = min(real.shape[2], generated.shape[2])
        total += float((real - generated)[:, :, :shared].abs().mean()) * shared
        frames += shared
    return total / frames


def outcome(config: Config) -> str:
    """The cells of a run: whether all was finite, the distance before and after, and its fall."""
    folder = Path(config.run.dir)
    lines: list[dict[str, Any]] = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    values = [value for line in lines for value in line.values() if isinstance(value, float)]
    finite = all(map(math.isfinite, values)) and not any(folder.glob("broken_steps/*.json"))
    own = config.model_copy(update={"run": config.run.model_copy(update={"dir": str(folder / "untrained")})})
    first = mel_of(Trainer(own, open_corpus(config.data, config.audio, verbose=False)))
    last = mel_of(resume(folder, (), accept_changes=True))
    return f"{'yes' if finite else 'NO'} | {first:.2f} | {last:.2f} | {1 - last / first:.0%}"


def cut_and_resumed(config: Config) -> list[str]:
    """Go on from the checkpoint at half; return where the end differs from that of the run that was not cut."""
    whole = Path(config.run.dir)
    cut = whole.with_name(f"{whole.name}-cut")
    steps = config.train.steps
    if newest_step(cut) < steps:
        shutil.rmtree(cut, ignore_errors=True)
        shutil.copytree(whole, cut)
        checkpoint_path(cut / "checkpoints", steps).unlink()
        resume(cut, ()).train(StopRequest())
    uncut, resumed = (
        lasting(load_checkpoint(checkpoint_path(folder / "checkpoints", steps))) for folder in (whole, cut)
    )
    return differing(uncut, resumed)


@command
def main() -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="recordings, as data.root")
    parser.add_argument("-o", type=Path, required=True, dest="folder", help="where the runs are kept")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["fp32", "bf16", "accumulate"])
    parser.add_argument("--objectives", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--narrow", action="store_true", help="networks of a third of the channels")
    parser.add_argument("--resumed", action="store_true", help="cut each run of the first mode at half, and go on")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with Ranks.joined() as ranks:
        modes: Sequence[str] = asked.modes if ranks.count == 1 else ["ranks"]
        rows = ["| objective | mode | finite | mel before | mel after | fall |\n|---|---|---|---:|---:|---:|"]
        for mode, arm in tqdm([(mode, arm) for mode in modes for arm in asked.objectives], disable=None):
            config = settings(arm, mode, asked, ranks.count)
            try:
                trained(config, ranks)
                row = outcome(config) if ranks.is_first else ""
            except InputError as error:
                row = f"NO: {error} | | |"
            rows.append(f"| {arm} | {mode} | {row} |")
            if ranks.is_first:
                print(rows[-1], flush=True)
        if asked.resumed and ranks.count == 1:
            for arm in asked.objectives:
                config = settings(arm, modes[0], asked)
                apart = cut_and_resumed(config)
                print(
                    f"{arm}: cut at step {asked.steps // 2} and resumed, {', '.join(apart[:3]) or 'the same bits'}",
                    flush=True,
                )
        if ranks.is_first:
            print("\n".join(rows))
    return 0


if __name__ == "__main__":
    leave(main())
