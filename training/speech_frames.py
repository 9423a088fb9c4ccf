"""The log-mel frames of a recogniser's examples, made of batches on any device and differentiable.

A recording has the level and the statistics of its bands normalised by `training.recogniser.examples`. A segment of it,
recorded or generated, is normalised by what the whole recording has, which 0.4 seconds do not tell; so that the level
of what is generated is compared too.

B batch · S samples · F frames · M mel bands
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.transforms import Resample

from models.masks import length_mask
from training.recogniser.examples import LEAST_DEVIATION, RMS, SAMPLE_RATE, SILENT, new_mel_transform


@dataclass(frozen=True, eq=False)
class FrameStatistics:
    """How recordings are normalised."""

    gain: Tensor  # [B, 1], of the waveform
    mean: Tensor  # [B, M, 1], of the bands, in nats
    deviation: Tensor  # [B, M, 1]

    def repeated(self, count: int) -> Self:
        """The same for `count` segments of each recording, clip by clip."""
        return type(self)(*(each.repeat_interleave(count, dim=0) for each in (self.gain, self.mean, self.deviation)))


class SpeechFrames(nn.Module):
    """Audio to log-mel at 16 kHz, 100 frames a second.

    Args:
        sample_rate: of the audio, in hertz.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        # As sharp a filter as the examples had.
        self.resample = Resample(sample_rate, SAMPLE_RATE, lowpass_filter_width=24, rolloff=0.96)
        self.mel = new_mel_transform()

    def lengths(self, samples: Tensor) -> Tensor:
        """Frames [B] of clips with so many samples, int64 [B]; at least one."""
        return self.mel.linear.frame_lengths(samples * SAMPLE_RATE // self.sample_rate).clamp(min=1)

    def gain(self, audio: Tensor, samples: Tensor) -> Tensor:
        """The factor [B, 1] that gives clips [B, 1, S] of so many samples [B] the level of the examples."""
        narrow = self._narrow(audio)
        count = (samples * SAMPLE_RATE // self.sample_rate).clamp(min=1)
        rms = (narrow.square().sum(dim=1) / count).sqrt()
        return (RMS / rms.clamp(min=SILENT))[:, None]

    def forward(self, audio: Tensor, gain: Tensor, samples: Tensor | None = None) -> Tensor:
        """Audio [B, 1, S] times a factor [B, 1] to log-mel [B, M, F].

        Args:
            audio: in float32.
            gain: of each clip.
            samples: int64 [B], of each clip, whose end is reflected; None reflects that of the batch.
        """
        narrow = self._narrow(audio) * gain
        own = None if samples is None else (samples * SAMPLE_RATE // self.sample_rate).clamp(min=1)
        mel: Tensor = self.mel(narrow, own)
        return mel

    @torch.no_grad()
    def statistics(self, audio: Tensor, samples: Tensor) -> FrameStatistics:
        """Of recordings [B, 1, S] with so many samples each, int64 [B]."""
        gain = self.gain(audio, samples)
        mel = self(audio, gain, samples)  # [B, M, F]
        lengths = self.lengths(samples)
        mask = length_mask(lengths, mel.shape[2])  # [B, 1, F]
        count = lengths[:, None, None]
        mean = (mel * mask).sum(dim=2, keepdim=True) / count
        deviation = (((mel - mean) * mask).square().sum(dim=2, keepdim=True) / count).sqrt()
        return FrameStatistics(gain, mean, deviation.clamp(min=LEAST_DEVIATION))

    def normalised(self, audio: Tensor, by: FrameStatistics, samples: Tensor) -> Tensor:
        """Frames [B, M, F] of audio [B, 1, S] by given statistics; zero beyond each clip's samples, int64 [B]."""
        frames = (self(audio, by.gain) - by.mean) / by.deviation
        return frames * length_mask(self.lengths(samples), frames.shape[2])

    def _narrow(self, audio: Tensor) -> Tensor:
        """Audio [B, 1, S] at 16 kHz, [B, samples]: `self.resample`, which takes its length from a tensor and waits."""
        audio = audio.float()
        if self.sample_rate == SAMPLE_RATE:
            return audio.squeeze(1)
        by = math.gcd(self.sample_rate, SAMPLE_RATE)
        stride, phases = self.sample_rate // by, SAMPLE_RATE // by
        padded = F.pad(audio, (self.resample.width, self.resample.width + stride))
        phased = F.conv1d(padded, self.resample.kernel, stride=stride)  # [B, phases, samples / phases]
        return phased.mT.flatten(1)[:, : -(-phases * audio.shape[2] // stride)]
