"""iSTFTNet: part of HiFi-GAN's upsampling, then a short inverse STFT (Kaneko et al., 2022).

B batch · Z latent channels · C speaker channels · F frames · N streams · T frames of the transform
K bins of the transform · S = F * hop samples
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from models.decoders.hifigan import UpsamplingDecoder
from models.decoders.receptive_field import ReceptiveField
from models.layers.istft import InverseStft


class IstftnetDecoder(UpsamplingDecoder, kinds=["istftnet"]):
    """Upsampling to the frames of an STFT; magnitude = exp(x), phase = pi sin(y).

    Args:
        istft_n_fft: length of the transform and of its window, in samples.
        istft_hop: samples between its frames.
        streams: N, signals computed in parallel.
        stages: the arguments of UpsamplingDecoder.
    """

    def __init__(self, *, istft_n_fft: int, istft_hop: int, streams: int = 1, **stages: Any) -> None:
        super().__init__(**stages)
        self.streams = streams
        self.output = weight_norm(nn.Conv1d(self.channels, streams * (istft_n_fft + 2), 7, padding=3))
        self.istft = InverseStft(istft_n_fft, istft_hop)

    def output_positions(self) -> ReceptiveField:
        """The positions of `output` that the samples of frame 0 depend on."""
        samples = math.prod(self.upsample_rates) * self.istft.hop
        return self.before_transform(ReceptiveField(0, samples - 1))

    def before_transform(self, samples: ReceptiveField) -> ReceptiveField:
        """The frames of the transform that samples of the streams depend on."""
        return samples.before_upsampling(self.istft.n_fft, self.istft.hop)

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents z [B, Z, F] of a speaker [B, C, 1] under the mask [B, 1, F] to [B, 1, S], in float32."""
        streams, _ = self.transformed(z, speaker, mask)
        return within_range(streams)

    def transformed(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The streams [B, N, S / N], zero where the mask is, and the mask at the rate of the transform's frames."""
        x, mask = self.upsampled(z, speaker, mask)
        x = self.output(x)
        x = x.reshape(-1, self.istft.n_fft + 2, x.shape[2])  # [B * N, 2K, T]
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 rounds pi to 3.14
            log_magnitude, angle = x.to(self.istft.waves.dtype).chunk(2, dim=1)
            # Clamped so that the exponential is finite. A signal in [-1, 1] has no magnitude above the sum of the Hann
            # window, n_fft / 2; its sub-bands reach 1.73 times that, which is below n_fft.
            magnitude = log_magnitude.clamp(max=math.log(self.istft.n_fft)).exp()
            phase = math.pi * angle.sin()
            stream_mask = None if mask is None else mask.repeat_interleave(self.streams, dim=0)
            audio = self.istft(magnitude * phase.cos(), magnitude * phase.sin(), stream_mask)
        return audio.reshape(-1, self.streams, audio.shape[2]), mask


def within_range(audio: Tensor) -> Tensor:
    """Clip to [-1, 1].

    Recordings stay within it, so clipping is rare. tanh would distort every loud sample and spread harmonics of one
    sub-band into all others.
    """
    return audio.clamp(-1.0, 1.0)
