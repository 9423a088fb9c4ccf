"""Learning, not only falling: a voice that is shown two clips over and over comes to say them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from configs import load_config
from data.corpus import load_corpus
from data.preparation import prepare
from train import Trainer

HOUSE = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_mel_loss_on_two_clips_falls_to_two_thirds_of_that_of_the_best_constant_spectrum(
    corpus_folder: Path, tmp_path: Path
) -> None:
    # A higher rate than for a voice that shall last: there are two clips, and they are to be learned by heart. Vocos
    # and one discriminator take the least time for a step, and segments of two fifths of a second the fewest steps.
    decoder = ("decoder.kind=vocos", "decoder.channels=64", "decoder.expansion_channels=192", "decoder.layers=2")
    model = ("model.text_layers=1", "model.posterior_layers=1", "model.coupling_wavenet_layers=1")
    durations = "model.duration_predictor=deterministic"
    small = (*decoder, *model, durations, "discriminator.scales=0", "discriminator.periods=[3]")
    rates = ("train.learning_rate=1e-2", "train.warmup_steps=300", "train.ema_decay=0.95")
    batches = ("train.batch_size=2", "train.segment_samples=8192")
    folders = (f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}", f"run.dir={tmp_path}")
    config = load_config(HOUSE / "configs" / "tiny.toml", [*folders, *small, *rates, *batches])
    corpus = load_corpus(prepare(config.data, config.audio))
    trainer = Trainer(config, replace(corpus, train=corpus.train[:2], validation=corpus.train[:2]))
    mels = [trainer.features.mel(torch.from_numpy(clip.audio)[None] / 32768)[0] for clip in corpus.train[:2]]
    constant = torch.cat(mels, dim=1).median(dim=1, keepdim=True).values
    of_constant = float(torch.stack([(mel - constant).abs().mean() for mel in mels]).mean())
    enough = of_constant * 2 / 3  # whoever does not know which frame is which is above the whole of it
    mel = of_constant
    for batch in trainer.batches():
        trainer.run_step(batch)
        trainer.step += 1
        if trainer.step % 25 == 0:
            mel = trainer.validation.losses(trainer.ema)["mel"]
        if trainer.step == 600 or mel < enough:
            break
    assert mel < enough
