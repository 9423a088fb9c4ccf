"""Monophones find known boundaries from a flat start; their features are librosa's, their Gaussians NumPy's."""

from typing import NamedTuple

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from models.monophones import MonophoneAligner

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
    assert np.mean(errors <= 1) > 0.95
    equally_long = others.frame_lengths[:, None] / others.lengths[:, None] * torch.ones(40)
    assert np.mean(boundary_errors(equally_long, others) <= 1) < 0.4


def test_a_clip_is_aligned_in_a_batch_as_alone() -> None:
    aligner, clips = fitted(spoken(32, seed=1)), spoken(6, seed=3)
    together = aligner(*clips[:4])
    for clip, (phonemes, frames) in enumerate(zip(clips.lengths, clips.frame_lengths, strict=True)):
        one = slice(clip, clip + 1)
        alone = aligner(clips.ids[one, :phonemes], phonemes[None], clips.mel[one, :, :frames], frames[None])
        assert torch.equal(together[one, :phonemes], alone)


def test_every_gaussian_has_the_moments_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.monophones._PASSES", 40)  # until no boundary moves
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
