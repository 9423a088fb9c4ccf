"""Monophones find known boundaries from a flat start, and align the first steps of a run and no other."""

from pathlib import Path
from typing import NamedTuple
from unittest.mock import Mock

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from configs import Config, load_config
from models.alignment import search_durations
from tests.faults.tiny_runs import differing, lasting, tiny_corpus
from train import Trainer, resume, start
from training.initial_alignment import MonophoneAligner
from training.interruption import StopRequest
from voices.checkpoint import checkpoint_path, load_checkpoint

SYMBOLS, BANDS = 9, 40


class Spoken(NamedTuple):
    """Clips whose boundaries are known."""

    ids: Tensor  # [B, P]
    lengths: Tensor  # [B]
    mel: Tensor  # [B, M, F]
    frame_lengths: Tensor  # [B]
    durations: Tensor  # [B, P]


def spoken(clips: int, seed: int) -> Spoken:
    """Symbols in random order, each a spectrum of its own with noise, for 3 to 12 frames; a blank for 1 or 2."""
    random = torch.Generator().manual_seed(seed)
    spectra = torch.randn(SYMBOLS, BANDS, generator=torch.Generator().manual_seed(0)) * 2
    symbols = torch.randint(1, SYMBOLS, (clips, 20), generator=random)
    ids = torch.stack((symbols, torch.zeros_like(symbols)), dim=2).flatten(1)  # [B, 40]
    long, short = (torch.randint(*bounds, symbols.shape, generator=random) for bounds in ((3, 13), (1, 3)))
    lengths = torch.randint(10, 21, (clips,), generator=random) * 2
    durations = torch.stack((long, short), dim=2).flatten(1) * (torch.arange(40) < lengths[:, None])
    frames = durations.sum(dim=1)
    mel = torch.full((clips, BANDS, int(frames.max())), -11.5)
    for clip, each in enumerate(durations):
        spectrum = spectra[ids[clip]].repeat_interleave(each, dim=0).T  # of a blank too: it sounds like nothing else
        mel[clip, :, : frames[clip]] = spectrum + 0.5 * torch.randn(spectrum.shape, generator=random)
    return Spoken(ids, lengths, mel, frames, durations)


def fitted(clips: Spoken) -> MonophoneAligner:
    aligner = MonophoneAligner(num_symbols=SYMBOLS, mel_bands=BANDS)
    batches = (slice(start, start + 8) for start in range(0, len(clips.ids), 8))
    aligner.fit((clips.ids[b], clips.lengths[b], clips.mel[b], clips.frame_lengths[b]) for b in batches)
    return aligner


def boundary_errors(found: Tensor, clips: Spoken) -> np.ndarray:
    """Frames between the found end of each symbol and the true one."""
    inside = torch.arange(found.shape[1]) < clips.lengths[:, None] - 1  # the last ends with the clip
    return (found.cumsum(dim=1) - clips.durations.cumsum(dim=1)).abs()[inside].numpy()


def test_known_boundaries_are_found_from_a_flat_start_in_clips_that_were_not_fitted() -> None:
    aligner, others = fitted(spoken(200, seed=1)), spoken(16, seed=2)
    found = aligner(*others[:4])
    assert torch.equal(found.sum(dim=1), others.frame_lengths)
    errors = boundary_errors(found, others)
    flat = torch.linspace(0, 1, 41)[None] * 40 / others.lengths[:, None] * others.frame_lengths[:, None]
    assert np.mean(errors <= 1) > 0.95
    assert np.mean(boundary_errors(flat.clamp(max=1e9).floor().long().diff(dim=1), others) <= 1) < 0.4


def test_a_clip_is_aligned_in_a_batch_as_alone() -> None:
    aligner, clips = fitted(spoken(32, seed=1)), spoken(6, seed=3)
    together = aligner(*clips[:4])
    for clip, (phonemes, frames) in enumerate(zip(clips.lengths, clips.frame_lengths, strict=True)):
        one = slice(clip, clip + 1)
        alone = aligner(clips.ids[one, :phonemes], phonemes[None], clips.mel[one, :, :frames], frames[None])
        assert torch.equal(together[one, :phonemes], alone)


def test_every_gaussian_has_the_moments_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.initial_alignment._PASSES", 40)  # until no boundary moves
    clips = spoken(24, seed=4)
    aligner = fitted(clips)
    frames: dict[int, list[np.ndarray]] = {}
    for ids, durations, mel, length in zip(clips.ids, aligner(*clips[:4]), clips.mel, clips.frame_lengths, strict=True):
        features = standardised_cepstra(mel[:, :length].numpy())
        states = [id_ or SYMBOLS + before for id_, before in zip(ids.tolist(), [0, *ids.tolist()], strict=False)]
        for state, column in zip(np.repeat(states, durations), features.T, strict=True):
            frames.setdefault(int(state), []).append(column)
    for state, columns in frames.items():
        # Two frames of mean 0 and variance 1 beside those that there are.
        total, squares = np.sum(columns, axis=0), np.sum(np.square(columns), axis=0) + 2
        mean = total / (len(columns) + 2)
        variance = np.maximum(squares / (len(columns) + 2) - mean**2, 0.05)
        np.testing.assert_allclose(aligner.mean[state].numpy(), mean, atol=2e-3)
        np.testing.assert_allclose(aligner.log_std[state].exp().square().numpy(), variance, rtol=2e-2, atol=2e-3)


def standardised_cepstra(mel: np.ndarray) -> np.ndarray:
    """What the monophones see of one clip, by librosa: [39, F] of [M, F]."""
    cepstra = librosa.feature.mfcc(S=mel, n_mfcc=13, norm="ortho")
    # librosa fits a line to five frames, as the recognisers of old did; it holds the frame at either end.
    first = librosa.feature.delta(cepstra, width=5, mode="nearest")
    second = librosa.feature.delta(first, width=5, mode="nearest")
    features = np.concatenate([cepstra, first, second])
    return (features - features.mean(axis=1, keepdims=True)) / (features.std(axis=1, keepdims=True) + 1e-5)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return tiny_corpus(tmp_path_factory.mktemp("corpora"))


def settings(tiny: list[str], run: Path, *overrides: str) -> Config:
    file, *own = tiny
    return load_config(file, [*own, f"run.dir={run}", "train.initial_alignment_steps=2", *overrides])


def searched(trainer: Trainer, steps: int, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the synthesizer searched an alignment of its own, for each step."""
    search = Mock(side_effect=search_durations)
    monkeypatch.setattr("models.synthesizer.search_durations", search)
    found = []
    trainer.fit_monophones()
    for batch, _ in zip(trainer.batches(), range(steps), strict=False):
        search.reset_mock()
        trainer.run_step(batch)
        trainer.step += 1
        found.append(search.called)
    return found


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_synthesizer_aligns_itself_from_the_step_on(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    trainer = start(settings(tiny, tmp_path / "run", f"train.accumulate={accumulate}"))
    assert searched(trainer, 4, monkeypatch) == [False, False, True, True]


def test_a_run_that_is_resumed_while_monophones_align_is_the_same_to_the_bit(tiny: list[str], tmp_path: Path) -> None:
    start(settings(tiny, tmp_path / "whole", "train.steps=3")).train(StopRequest())
    start(settings(tiny, tmp_path / "parts", "train.steps=1")).train(StopRequest())
    resume(tmp_path / "parts", ["train.steps=3"]).train(StopRequest())
    ends = (load_checkpoint(checkpoint_path(tmp_path / run / "checkpoints", 3)) for run in ("whole", "parts"))
    # The parts were validated where they were stopped, and know of that.
    whole, parts = (lasting(each) | {"best": 0} for each in ends)
    assert whole["monophones"]["log_std"].any()
    assert differing(whole, parts) == []
