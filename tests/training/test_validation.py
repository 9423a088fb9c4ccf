"""What validation says of sentences, by hand and against what was made worse."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from configs import load_config
from data.clips import Clip
from data.corpus import Corpus
from text import SymbolTable
from train import Trainer
from training.validation import SynthesizedClip

HOUSE = Path(__file__).resolve().parents[2]
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, **{chr(97 + place): 3 + place for place in range(20)}})


def sentence(mel: np.ndarray, recorded: np.ndarray, *, length_ratio: float = 1.0) -> SynthesizedClip:
    clip = Clip("a", "text", np.array([1, 2]), np.zeros(100, np.int16), 0)
    return SynthesizedClip(clip, np.zeros(100, np.float32), mel, recorded, np.array([1, 1]), length_ratio)


def test_a_sentence_said_slower_is_no_other_sentence() -> None:
    recorded = np.random.default_rng(0).normal(size=(80, 30)).astype(np.float32)
    assert sentence(recorded.repeat(2, axis=1), recorded).mel_distance() == 0.0
    assert sentence(recorded + 0.5, recorded).mel_distance() == pytest.approx(0.5, abs=1e-6)


def test_what_is_no_sound_has_no_distance() -> None:
    mel = np.zeros((80, 30), np.float32)
    broken = mel.copy()
    broken[3, 7] = math.nan
    assert math.isnan(sentence(broken, mel).mel_distance())


def trainer(folder: Path, clips: int) -> Trainer:
    random = np.random.default_rng(3)
    made = [
        Clip(
            f"c{number}",
            "text",
            random.integers(0, 22, 12 + number),
            random.normal(scale=3000, size=256 * (60 + number)).astype(np.int16),
            0,
        )
        for number in range(clips)
    ]
    settings = (f"run.dir={folder}", "train.spoken_sentences=1", "train.batch_size=2")
    config = load_config(HOUSE / "configs" / "tiny.toml", settings)
    return Trainer(config, Corpus(made, made, SYMBOLS, (), None, "made up"))


def test_texts_gain_what_the_other_texts_cost_more(tmp_path: Path) -> None:
    of = trainer(tmp_path, 2)
    validation, voice = of.validation, of.ema
    losses = validation.losses(voice)
    [batch] = [validation.make_batch(clips) for clips in validation._batches()]
    _, spoken = validation._synthesize(voice, batch)
    # By hand: the other text's prior, found with the same search, in the same formula.
    cost = 0.0
    for place, other in ((0, 1), (1, 0)):
        ids = batch.phoneme_ids[other : other + 1, : int(batch.phoneme_lengths[other])]
        frames = int(spoken.frame_mask[place].sum())
        z_p = spoken.z_p[place : place + 1, :, :frames]
        prior = voice.align_latents(z_p, ids, batch.phoneme_lengths[other : other + 1], torch.tensor([frames])).prior
        log_std = spoken.posterior.log_std[place, :, :frames]
        kl = prior.log_std[0] - log_std - 0.5 + 0.5 * ((z_p - prior.mean) / prior.log_std.exp())[0].square()
        cost += float(kl.sum())
    assert losses["text_gain"] == pytest.approx(cost / float(spoken.frame_mask.sum()) - losses["kl"], abs=1e-3)


def test_of_a_voice_that_does_not_stop_only_the_beginning_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = trainer(tmp_path, 1)  # whose clip has 12 phonemes and 60 frames
    predictor = of.ema.duration_predictor
    predict = predictor.predict
    monkeypatch.setattr(predictor, "predict", lambda *given, **named: 0 * predict(*given, **named) + math.log(99.5))
    validated = of.validation.validate(of.ema)
    [endless] = validated.sentences
    assert endless.length_ratio == 12 * 100 / 60
    assert len(endless.audio) == 4 * 60 * 256
    assert endless.mel.shape[1] == 4 * 60
    assert math.isfinite(validated.score)


def test_a_single_clip_has_no_other_text_and_the_score_needs_none(tmp_path: Path) -> None:
    of = trainer(tmp_path, 1)
    validated = of.validation.validate(of.ema)
    assert "text_gain" not in validated.scalars
    assert validated.score == pytest.approx((validated.scalars["mel"] + validated.scalars["spoken_mel"]) / 2)
