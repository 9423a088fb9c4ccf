"""Multi-resolution discriminator: each sub-discriminator with its own STFT resolution (UnivNet, 2021, section 2.3).

UnivNet's input is the magnitude. Here it is the real and imaginary parts, as in EnCodec (Défossez et al., 2023, section
3.4), because decoders with an inverse STFT predict the phase of every bin, which the magnitude does not show.
All bins share one stack of layers, so that feature matching weighs this sub-discriminator as it weighs one of a period.

B batch · S samples · T frames · K bins (n_fft // 2 + 1)
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from models.discriminator_stack import logits_and_feature_maps

_CHANNELS = 32


class ResolutionDiscriminator(nn.Module):
    """Looks at a short-time Fourier transform as at an image; the convolutions halve its bins three times.

    Args:
        n_fft: length of the transform, in samples.
        hop: samples between frames.
        window: length of the Hann window, in samples, at most n_fft.
        channel_divisor: of the paper's 32 channels.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop: int, window: int, channel_divisor: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        hann = torch.hann_window(window)
        # With a length of one, noise is as loud to every resolution.
        self.register_buffer("window", hann / hann.norm(), persistent=False)
        channels = _CHANNELS // channel_divisor
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(narrow, channels, (3, across), (1, stride), padding=(1, across // 2)))
            for narrow, across, stride in zip((2, *(channels,) * 4), (9, 9, 9, 9, 3), (1, 2, 2, 2, 1), strict=True)
        )
        self.output = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def spectrum(self, audio: Tensor) -> Tensor:
        """Audio [B, 1, S], reflected at both ends, to real and imaginary parts [B, 2, T, K], T = S // hop.

        In float32, whatever the autocast.
        """
        with torch.autocast(audio.device.type, enabled=False):
            signal, margin = audio.squeeze(1).float(), (self.n_fft - self.hop) // 2
            samples = signal.shape[1]
            # The gradient of this reflection, unlike that of torch's, is deterministic on a GPU.
            left = signal[:, 1 : margin + 1].flip(1)
            right = signal[:, samples - margin - 1 : samples - 1].flip(1)
            spectrum = torch.stft(
                torch.cat((left, signal, right), dim=1),
                self.n_fft,
                self.hop,
                len(self.window),
                self.window,
                center=False,
                return_complex=True,
            )  # [B, K, T]
            return torch.view_as_real(spectrum).permute(0, 3, 2, 1)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Real and imaginary parts [B, 2, T, K] to logits [B, positions] and every layer's feature map."""
        return logits_and_feature_maps(spectrum, self.layers, self.output)
