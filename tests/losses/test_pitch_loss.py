"""The pitch of recordings against librosa's, against signals whose pitch is known, and what a difference costs."""

import math

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from losses import PitchDetector, PitchLoss

RATE, HOP, WINDOW = 22050, 256, 1024


def detect(audio: Tensor) -> tuple[Tensor, Tensor]:
    """Pitch in hertz and voicing of each frame of one waveform [S]."""
    log_pitch, voiced = PitchDetector(RATE, hop_length=HOP, window_length=WINDOW)(audio[None, None])
    return log_pitch[0, 0].exp() * RATE / HOP, voiced[0, 0] > 0


def pulses(hertz: Tensor, harmonics: int = 8) -> Tensor:
    """A sum of cosines at multiples of a pitch that may change, [S] of [S]."""
    turns = (hertz.double() / RATE).cumsum(0)
    return sum(0.05 * torch.cos(2 * math.pi * number * turns) for number in range(1, harmonics + 1)).float()  # type: ignore[union-attr]


@pytest.mark.parametrize("hertz", [80.0, 123.4, 200.0, 311.1, 440.0])
def test_the_pitch_of_a_steady_sound_is_found_to_a_thousandth(hertz: float) -> None:
    found, voiced = detect(pulses(torch.full((40 * HOP,), hertz)))
    inside = slice(2, -2)  # of frames that see no reflection
    assert bool(voiced[inside].all())
    assert float((found[inside] / hertz - 1).abs().max()) < 1e-3


def test_noise_silence_and_what_is_too_quiet_are_not_voiced() -> None:
    noise = 0.1 * torch.randn(60 * HOP, generator=torch.Generator().manual_seed(0))
    assert float(detect(noise)[1].float().mean()) < 0.05
    assert not detect(torch.zeros(20 * HOP))[1].any()
    steady = pulses(torch.full((20 * HOP,), 150.0))
    assert detect(steady)[1].any()
    assert not detect(steady * 1e-3)[1].any()


def test_a_gliding_voice_in_noise_has_the_pitch_that_librosa_finds() -> None:
    generator = torch.Generator().manual_seed(1)
    samples = 120 * HOP
    glide = 180 * torch.exp(0.4 * torch.sin(torch.linspace(0, 9, samples)))
    audio = pulses(glide, harmonics=15) + 0.01 * torch.randn(samples, generator=generator)
    ours, voiced = detect(audio)
    margin = (WINDOW - HOP) // 2
    theirs, theirs_voiced, _ = librosa.pyin(
        np.pad(audio.numpy(), (margin, margin), mode="reflect"),
        fmin=60,
        fmax=500,
        sr=RATE,
        frame_length=WINDOW,
        hop_length=HOP,
        center=False,
    )
    both = voiced.numpy() & theirs_voiced
    assert both.mean() > 0.8
    assert np.median(np.abs(np.log2(ours.numpy()[both] / theirs[both]))) < 20 / 1200  # pyin's steps are 10 cents


def test_a_semitone_costs_a_twelfth_of_log_two_in_voiced_frames_and_nothing_in_others() -> None:
    loss = PitchLoss(RATE, hop_length=HOP, window_length=WINDOW)
    audio = torch.cat((pulses(torch.full((30 * HOP,), 210.0)), torch.zeros(30 * HOP)))[None, None]
    target, voiced = loss.detector(audio)
    semitone = math.log(2) / 12
    assert 25 <= float(voiced.sum()) <= 33
    assert float(loss(audio, target)) == 0.0
    expected = semitone * float(voiced.mean())
    assert float(loss(audio, target + semitone)) == pytest.approx(expected, rel=1e-4)
    assert float(loss(audio, target + semitone + 3 * (1 - voiced))) == pytest.approx(expected, rel=1e-4)


def test_frames_that_do_not_count_cost_nothing_and_the_gradient_reaches_the_prediction_alone() -> None:
    loss = PitchLoss(RATE, hop_length=HOP, window_length=WINDOW)
    audio = pulses(torch.full((40 * HOP,), 210.0))[None, None].requires_grad_()
    mask = (torch.arange(40) < 25).float()[None, None]
    predicted = torch.zeros(1, 1, 40).requires_grad_()
    loss(audio, predicted, mask).backward()
    assert audio.grad is None
    assert predicted.grad is not None
    assert not predicted.grad[..., 25:].any()
    assert bool((predicted.grad[..., 2:25] != 0).all())
    other = predicted.detach() + 9 * (1 - mask)
    assert loss(audio, other, mask).item() == pytest.approx(loss(audio, predicted, mask).item())


def test_micro_batches_add_up_to_the_batch() -> None:
    loss = PitchLoss(RATE, hop_length=HOP, window_length=WINDOW)
    audio = torch.stack([pulses(torch.full((20 * HOP,), hertz)) for hertz in (120.0, 160.0, 260.0)])[:, None]
    predicted = torch.zeros(3, 1, 20)
    mask = (torch.arange(20) < torch.tensor([20, 11, 5])[:, None]).float()[:, None]
    parts = [
        loss(audio[i : i + 1], predicted[i : i + 1], mask[i : i + 1]) * mask[i].sum() / mask.sum() for i in range(3)
    ]
    assert float(sum(parts)) == pytest.approx(float(loss(audio, predicted, mask)), rel=1e-6)
