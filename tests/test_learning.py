"""Learning, not only falling: a voice that is shown 16 clips over and over comes to say them."""

from dataclasses import replace
from pathlib import Path

import pytest

from configs import load_config
from data.corpus import load_corpus
from data.preparation import prepare
from tests.embedded import make_embedded_corpus
from train import Trainer

HOUSE = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_mel_loss_on_sixteen_clips_falls_to_half_of_its_value_after_a_hundred_steps(tmp_path: Path) -> None:
    root = make_embedded_corpus(tmp_path / "embedded")
    # A higher rate than for a voice that shall last: there are 16 clips, and they are to be learned by heart. Vocos and
    # one discriminator take the least time for a step.
    decoder = ("decoder.kind=vocos", "decoder.channels=64", "decoder.expansion_channels=192", "decoder.layers=4")
    small = (*decoder, "model.posterior_layers=2", "discriminator.scales=0", "discriminator.periods=[3]")
    rates = ("train.learning_rate=1e-2", "train.warmup_steps=300", "train.ema_decay=0.95")
    hurried = (*rates, *small, "train.segment_samples=8192")  # of twice the length: a third fewer steps
    config = load_config(
        HOUSE / "configs" / "tiny.toml",
        [f"data.root={root}", f"data.cache={tmp_path}", f"run.dir={tmp_path / 'run'}", *hurried],
    )
    corpus = load_corpus(prepare(config.data, config.audio))
    trainer = Trainer(config, replace(corpus, train=corpus.train[:16], validation=corpus.train[:16]))
    mel: dict[int, float] = {}
    for batch in trainer.batches():
        trainer.run_step(batch)
        trainer.step += 1
        if trainer.step % 50 == 0:
            mel[trainer.step] = trainer.validation.losses(trainer.ema)["mel"]
        if trainer.step == 1600 or (trainer.step > 100 and mel.get(trainer.step, 9.0) < mel[100] / 2):
            break
    assert mel[trainer.step] < mel[100] / 2, mel
