"""The pitch of recordings, and how far a predicted pitch is from it.

Pitch is where a frame's autocorrelation has its largest peak, divided by that of the window (Boersma, "Accurate
short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound", 1993). It is
computed here, in a training step, on the segments of a batch and on their device; `metrics` uses `librosa.pyin`, which
is more exact, runs on the CPU, and takes longer than such a step.

B batch · S samples · F frames · W window length · L lags
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.distance import masked_mean

LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0  # of speech
_LEAST_PERIODICITY = 0.5  # of a voiced frame: its autocorrelation at the period, 1 for a periodic signal
_OCTAVE_COST = 0.03  # of periodicity for each octave that a candidate is lower, for every multiple of a period is one
_QUIET = 1e-5  # mean square of a frame under its window: -50 dB


class PitchDetector(nn.Module):
    """The pitch of every frame, and which frames are voiced.

    Args:
        sample_rate: of the waveforms, in hertz.
        hop_length: samples between frames.
        window_length: W, in samples; frames are placed as those of `data.spectrogram`.
    """

    window: Tensor
    of_window: Tensor

    def __init__(self, sample_rate: int, *, hop_length: int, window_length: int) -> None:
        super().__init__()
        self.hop_length, self.window_length = hop_length, window_length
        self.shortest = max(1, math.floor(sample_rate / HIGHEST_HZ))  # period, in samples
        self.longest = min(math.ceil(sample_rate / LOWEST_HZ), window_length // 2)
        window = torch.hann_window(window_length)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("of_window", self._autocorrelation(window), persistent=False)

    @torch.no_grad()
    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Find the pitch of waveforms.

        Args:
            audio: [B, 1, S], S a multiple of the hop.

        Returns:
            The logarithm of the pitch in turns per hop, float32 [B, 1, F], and a mask [B, 1, F] of the frames where
            there is one.
        """
        margin = (self.window_length - self.hop_length) // 2
        padded = F.pad(audio.float(), (margin, margin), mode="reflect")[:, 0]
        frames = padded.unfold(1, self.window_length, self.hop_length)  # [B, F, W]
        frames = (frames - frames.mean(dim=2, keepdim=True)) * self.window
        correlation = self._autocorrelation(frames)  # [B, F, L]
        energy = correlation[..., :1]
        periodicity = correlation / energy.clamp(min=1e-9) / (self.of_window / self.of_window[:1])
        octaves = torch.arange(1, correlation.shape[-1] + 1, device=audio.device).log2()
        candidates = (periodicity - _OCTAVE_COST * octaves)[..., self.shortest : self.longest]
        peak = candidates.argmax(dim=2, keepdim=True) + self.shortest
        before, here, after = (periodicity.gather(2, peak + offset) for offset in (-1, 0, 1))
        is_peak = (here >= before) & (here > after)
        # The vertex of the parabola through the peak and its neighbours.
        vertex = 0.5 * (after - before) / torch.where(is_peak, 2 * here - before - after, 1.0)
        period = peak + torch.where(is_peak, vertex, 0.0)
        loud = energy > _QUIET * self.of_window[0]
        voiced = is_peak & loud & (here > _LEAST_PERIODICITY)
        return (self.hop_length / period).log().transpose(1, 2), voiced.float().transpose(1, 2)

    def _autocorrelation(self, frames: Tensor) -> Tensor:
        """Autocorrelation of [..., W] at lags from 0 to one above the longest period, [..., L]."""
        power = torch.fft.rfft(frames, 2 * self.window_length).abs().square()
        return torch.fft.irfft(power)[..., : self.longest + 2]


class PitchLoss(nn.Module):
    """Mean absolute difference of log pitches, over all frames that count; an unvoiced one costs nothing.

    Args:
        sample_rate: of the waveforms, in hertz.
        hop_length: samples between frames.
        window_length: of the frames, in samples.
    """

    def __init__(self, sample_rate: int, *, hop_length: int, window_length: int) -> None:
        super().__init__()
        self.detector = PitchDetector(sample_rate, hop_length=hop_length, window_length=window_length)

    def forward(self, real: Tensor, log_pitch: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compare a predicted pitch with that of recordings.

        Args:
            real: [B, 1, S].
            log_pitch: [B, 1, F], the logarithm of the predicted pitch in turns per hop.
            mask: [B, 1, F], ones at frames that count; None counts every frame.

        Returns:
            0-d tensor. A difference of 0.06 is a semitone.
        """
        target, voiced = self.detector(real)
        return masked_mean((log_pitch.float() - target).abs() * voiced, mask)
