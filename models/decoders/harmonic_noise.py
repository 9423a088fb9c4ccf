"""Harmonics plus noise: a sum of sinusoids at multiples of the pitch, and filtered noise.

The harmonic plus noise model (Stylianou, "Applying the harmonic plus noise model in concatenative speech synthesis",
2001), whose amplitudes a network predicts as in DDSP (Engel et al., 2020), with a pitch that is read from the latents
as in Period VITS (Shirahata et al., 2023). Both parts are spectra of frames, which one inverse STFT joins, as in Vocos.

A network that runs once per frame must choose each frame's phases such that they continue those of the frame before,
though its input does not tell them: Vocos learns that from its discriminators, and before it has, its frames are equal
pulses, at the frame rate. Here phases follow from the pitch, so that the mel loss alone brings a voiced sound.

B batch · Z latent channels · C speaker channels · F frames · H channels · K bins (n_fft // 2 + 1) · S = F * hop samples
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.decoders.vocos import FrameRateDecoder

_PITCH_CHANNELS, _PITCH_KERNEL = 64, 7
_TURNS = 2.0  # of the fundamental in a hop, before the pitch is learned: 172 Hz at 22 050 Hz with a hop of 256
_FEWEST_TURNS, _MOST_TURNS = 0.3, 12.0  # 26 Hz and 1 kHz
_NOISE_FRAMES = 64  # after which the noise repeats
_MAIN_LOBE = 2.0  # of the Hann window's transform, in bins to each side


class HarmonicNoiseDecoder(FrameRateDecoder, kinds=["harmonic_noise"]):
    """The linear layer predicts log amplitudes of harmonics and of noise, and a phase, in every bin of each frame.

    The phase of a frame is that of all frames before it: audio is decoded as a whole, or from a segment's own start.
    """

    outputs_per_bin = 3
    noise: Tensor  # [2, K, _NOISE_FRAMES], real and imaginary parts of white noise
    bins: Tensor  # [K, 1]

    def __init__(self, *, latent_channels: int, speaker_channels: int = 0, **options: Any) -> None:
        super().__init__(latent_channels=latent_channels, speaker_channels=speaker_channels, **options)
        bins = self.n_fft // 2 + 1
        padding = _PITCH_KERNEL // 2
        self.pitch_input = nn.Conv1d(latent_channels, _PITCH_CHANNELS, _PITCH_KERNEL, padding=padding)
        self.pitch_speaker = nn.Conv1d(speaker_channels, _PITCH_CHANNELS, 1) if speaker_channels else None
        self.pitch_output = nn.Conv1d(_PITCH_CHANNELS, 1, _PITCH_KERNEL, padding=padding)
        # On the CPU even under a meta device: these buffers are in no file.
        noise = np.random.default_rng(0).standard_normal((2, bins, _NOISE_FRAMES)) * math.sqrt(0.5)
        self.register_buffer("noise", torch.from_numpy(noise).float(), persistent=False)
        self.register_buffer("bins", torch.arange(bins, device="cpu").float()[:, None], persistent=False)

    @property
    def receptive_field(self) -> None:
        """None: phases depend on all frames before."""

    def log_pitch(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """The logarithm of the pitch of each frame, float32 [B, 1, F], in turns per hop; see `Decoder`."""
        # Under no autocast: the errors of a pitch add up over all frames that follow.
        with torch.autocast(z.device.type, enabled=False):
            z = z.to(self.pitch_input.weight.dtype)
            x = self.pitch_input(z if mask is None else z * mask)
            if self.pitch_speaker is not None:
                assert speaker is not None, "a multi-speaker model needs speaker ids"
                x = x + self.pitch_speaker(speaker.to(x.dtype))
            x = F.gelu(x)
            turns: Tensor = self.pitch_output(x if mask is None else x * mask)
        return math.log(_TURNS) + turns

    def spectrum(self, predicted: Tensor, log_pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `FrameRateDecoder`.

        Around each multiple of the pitch there is the main lobe of the Hann window's transform, which is that of a
        steady sinusoid. The pitch receives its gradient from `losses.PitchLoss` alone: that of a phase says nothing
        about where the pitch should be (Turian & Henry, 2020).
        """
        log_harmonics, log_noise, phase = predicted.chunk(3, dim=1)
        assert log_pitch is not None
        turns = log_pitch.detach().exp().clamp(_FEWEST_TURNS, _MOST_TURNS)  # [B, 1, F] of the fundamental
        spacing = turns * (self.n_fft / self.hop_length)  # of harmonics, in bins
        harmonic = (self.bins / spacing).round().clamp(min=1.0)  # the nearest to each bin, [B, K, F]
        # The main lobe of the Hann window's transform, within 0.03; narrower where the next harmonic is nearer, so that
        # nothing jumps where the nearest harmonic becomes another.
        width = (spacing / 2).clamp(max=_MAIN_LOBE)
        distance = ((self.bins - harmonic * spacing).abs() / width).clamp(max=1.0)
        lobe = 0.5 + 0.5 * (math.pi * distance).cos()
        # In float64, which MPS lacks, for a phase error is multiplied by the harmonic's number.
        exact = turns.to(torch.float32 if turns.device.type == "mps" else torch.float64)
        since_start = exact.cumsum(dim=2) - exact / 2  # between frames, by the mean of their pitches
        since_start = (since_start - since_start.floor()).to(turns.dtype)
        # Frames are centred on the middle of the transform, which turns the phase of every other bin by a half.
        phase = phase + 2 * math.pi * (harmonic * since_start + self.bins / 2)
        harmonics, noise = self.magnitude(log_harmonics) * lobe, self.magnitude(log_noise)
        place = torch.arange(predicted.shape[2], device=predicted.device) % _NOISE_FRAMES
        white_real, white_imaginary = self.noise[:, :, place]
        return harmonics * phase.cos() + noise * white_real, harmonics * phase.sin() + noise * white_imaginary
