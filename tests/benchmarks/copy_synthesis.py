"""How well each decoder says recordings again, after as many training steps as any other.

`python -m tests.benchmarks.copy_synthesis --corpus FOLDER --steps 400` trains every decoder the same way on the same
recordings, then lets the averaged weights of each say recordings that were held out (posterior encoder, then decoder)
and compares. What a decoder does not decide about (text, flow, durations) is small here, so that its training takes the
time; latents have the width that they have in a voice. `--experiment configs/voice_fast.toml` trains that one in the
place of the decoders, as it is but for its discriminators and its batch, which are as small as theirs.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import InputError, command, load_config
from evaluation.held_out import hold_out
from evaluation.parts import RECONSTRUCTION
from evaluation.scoring import evaluate
from evaluation.subject import load_subject
from tests.benchmarks.table import markdown
from train import run, start

_V3 = (
    *("decoder.initial_channels=256", "decoder.upsample_rates=[8,8,4]", "decoder.upsample_kernel_sizes=[16,16,8]"),
    *("decoder.residual_block=2", "decoder.residual_kernel_sizes=[3,5,7]"),
    "decoder.residual_dilations=[[1,2],[2,6],[3,12]]",
)
# The name of each way to decode, and the settings that make it.
DECODERS: dict[str, tuple[str, ...]] = {
    "hifigan V1": ("decoder.kind=hifigan",),
    "hifigan V3-like": ("decoder.kind=hifigan", *_V3),
    "bigvgan V3-like": ("decoder.kind=bigvgan", *_V3),
    "istftnet": ("decoder.kind=istftnet",),
    "mb-istft": ("decoder.kind=mb-istft", "loss.subband_stft=1.0"),
    "ms-istft": ("decoder.kind=ms-istft", "loss.subband_stft=1.0"),
    "vocos 512 x 8": ("decoder.kind=vocos",),
    "vocos 256 x 8": ("decoder.kind=vocos", "decoder.channels=256", "decoder.expansion_channels=768"),
}
_SMALL = (
    *("model.hidden_channels=96", "model.filter_channels=192", "model.text_layers=2", "model.posterior_layers=8"),
    *("model.coupling_wavenet_layers=2", "model.duration_predictor=deterministic"),
)
_HELD_OUT = 16  # recordings
_ALIKE = (
    *(
        f"data.validation_clips={_HELD_OUT}",
        "discriminator.channel_divisor=4",
        "train.batch_size=4",
        "train.segment_samples=8192",
        "train.ema_decay=0.99",
    ),
    *("train.spoken_sentences=0", "train.report_every=50", "train.precision=fp32", "train.max_gradient_norm=1000.0"),
)


@dataclass(frozen=True)
class Copy:
    """How near one decoder's copies are to recordings: the mean over clips."""

    decoder: str
    steps: int
    mel: float  # L1 of log-mel, natural logarithms
    pesq: float  # wide band, 16 kHz, 1 to 4.6; NaN where pesq is not installed
    stoi: float  # 0 to 1
    seconds_per_step: float


def copy_synthesis(name: str, *, corpus: Path, folder: Path, steps: int, threads: int, seed: int) -> Copy:
    """Train one of DECODERS, or an experiment by the name of its file, and let it copy what it has not heard."""
    own = (
        *(f"data.root={corpus}", f"run.dir={folder / Path(name).stem.replace(' ', '_')}", f"run.threads={threads}"),
        *(
            f"run.seed={seed}",
            f"train.steps={steps}",
            f"train.validate_every={steps}",
            f"train.checkpoint_every={steps}",
        ),
    )
    if name in DECODERS:
        config = load_config(None, [*_SMALL, *_ALIKE, *DECODERS[name], *own])
    else:
        config = load_config(name, [*_ALIKE, *own])
    trainer = start(config)
    started = time.monotonic()
    run(trainer)
    if trainer.step < steps:
        raise InputError(f"{name}: stopped at step {trainer.step} of {steps}, which is no equal training")
    seconds = (time.monotonic() - started) / steps
    found = _evaluated(trainer.run_folder.path, config.run.device)
    return Copy(name, steps, found["mel distance"], found["PESQ"], found["STOI"], seconds)


def _evaluated(run: Path, device: str) -> dict[str, float]:
    """The mean of each measure of copies over the recordings that were held out."""
    subject = load_subject(run, device=device, seed=0)
    data = subject.voice.config.data
    return {
        row.name: row.interval.mean
        for row in evaluate(subject, hold_out(subject.voice, data, _HELD_OUT), (RECONSTRUCTION,)).rows
    }


def table(copies: Sequence[Copy]) -> str:
    """To read."""
    head = ("decoder", "steps", "mel L1", "PESQ", "STOI", "s/step")
    rows: list[tuple[str, ...]] = [
        (
            *(copy.decoder, str(copy.steps), f"{copy.mel:.3f}", f"{copy.pesq:.2f}", f"{copy.stoi:.3f}"),
            f"{copy.seconds_per_step:.2f}",
        )
        for copy in copies
    ]
    return "\n".join(markdown(head, rows))


@command
def main() -> int:
    """Train, copy, compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.copy_synthesis", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="a folder of recordings")
    parser.add_argument("--steps", type=int, default=400, help="of each training (%(default)s)")
    parser.add_argument("--only", action="append", metavar="DECODER", choices=DECODERS, help="one of them")
    parser.add_argument("--experiment", action="append", metavar="FILE", help="in the place of the decoders")
    parser.add_argument("--threads", type=int, default=1, help="of the processor (%(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="of weights, order and noise (%(default)s)")
    parser.add_argument("-o", "--out", type=Path, default=Path("runs/copy_synthesis"), help="folder (%(default)s)")
    arguments = parser.parse_args()
    copies = []
    for name in arguments.experiment or arguments.only or DECODERS:
        copies.append(
            copy_synthesis(
                name,
                corpus=arguments.corpus,
                folder=arguments.out,
                steps=arguments.steps,
                threads=arguments.threads,
                seed=arguments.seed,
            )
        )
        with (arguments.out / "copies.jsonl").open("a") as file:
            file.write(json.dumps(dataclasses.asdict(copies[-1])) + "\n")
    print(table(copies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
