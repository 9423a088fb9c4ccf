"""Multi-scale mel loss: L1 of log-mel spectrograms from long windows to short ones.

Descript Audio Codec (Kumar et al., "High-fidelity audio compression with improved RVQGAN", 2023), section 3.5. Short
windows with few bands place onsets; long windows with many bands separate harmonics.

B batch · S samples · K bins · G frames of one scale · M mel bands of one scale
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from losses.distance import distance_loss
from losses.stft import Resolution, at_frames, spectrum

_LEAST_MAGNITUDE = 1e-5  # of a mel band


@dataclass(frozen=True)
class MelScale:
    """One mel spectrogram; windows are a quarter of their length apart."""

    window: int  # in samples
    bands: int  # M

    @property
    def resolution(self) -> Resolution:
        """Its transform."""
        return Resolution(n_fft=self.window, hop=self.window // 4, window=self.window)


# Of the paper: windows from 32 to 2048 samples at every sample rate, and 5 to 320 bands.
SCALES = tuple(MelScale(window=32 << octave, bands=5 << octave) for octave in range(7))


class MultiScaleMelLoss(nn.Module):
    """The sum over scales of the mean absolute difference of log10 mel magnitudes.

    The filters are librosa's (Slaney) from 0 Hz to half the sample rate. What lies around the waveforms is silence, not
    their reflection, so that padding a batch changes nothing.

    Args:
        sample_rate: of the waveforms, in hertz.
        scales: of the spectrograms.
    """

    def __init__(self, sample_rate: int, scales: Sequence[MelScale] = SCALES) -> None:
        super().__init__()
        self.scales = tuple(scales)
        for place, scale in enumerate(self.scales):
            self.register_buffer(f"filters_{place}", _filters(sample_rate, scale), persistent=False)

    def forward(self, real: Tensor, generated: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compare waveforms [B, 1, S] under a mask [B, 1, S] of ones up to each clip's end; 0-d.

        Both are zero after the end. Frames centred after it do not count. The numbers of frames of a scale are nearly,
        not exactly, in the proportion of the clips' lengths: only where all segments are full do micro-batches add up
        exactly to the loss of the whole batch. The real side receives no gradient.
        """
        with torch.autocast(real.device.type, enabled=False):
            both = torch.cat((real.detach(), generated), dim=1).float()  # [B, 2, S]
            parts = []
            for place, scale in enumerate(self.scales):
                magnitudes = spectrum(both, scale.resolution).abs()  # [B, 2, K, G]
                mel = self.get_buffer(f"filters_{place}") @ magnitudes  # [B, 2, M, G]
                logs = mel.clamp(min=_LEAST_MAGNITUDE).log10()
                counts = None if mask is None else at_frames(mask, scale.resolution)
                parts.append(distance_loss(logs[:, 0], logs[:, 1], counts))
            return torch.stack(parts).sum()


def _filters(sample_rate: int, scale: MelScale) -> Tensor:
    """Mel filters [M, K]."""
    with warnings.catch_warnings():  # of bands between two bins, which no frequency reaches: they compare nothing
        warnings.simplefilter("ignore", UserWarning)
        bank = melscale_fbanks(
            scale.window // 2 + 1, 0.0, sample_rate / 2, scale.bands, sample_rate, norm="slaney", mel_scale="slaney"
        )
    return bank.T.contiguous()
