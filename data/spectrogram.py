"""Linear and mel spectrograms, on the device of the audio.

Kim, Kong & Son (2021), section 3.2: magnitudes of a Hann-windowed STFT, and 80 mel bands of them. A frame is
`hop_length` samples; a clip of L samples has L // hop_length frames. Computed in float32, even under autocast.

B batch · S samples · F frames · K bins (n_fft // 2 + 1) · M mel bands
"""

import math

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

MAGNITUDE_EPSILON = 1e-6  # inside the square root, where the slope at silence would be infinite
LOG_FLOOR = 1e-5  # minimum mel magnitude
LOG_MEL_RANGE = -math.log(LOG_FLOOR)  # nats from the floor to 1, which 2 in 1000 cells of loud recordings exceed


class LinearSpectrogram(nn.Module):
    """Magnitudes sqrt(re² + im² + 1e-6), with reflection padding at both ends of each clip.

    A clip has the same spectrogram in a padded batch as alone; its frames beyond L // hop_length are zero.

    Args:
        n_fft: FFT size, in samples.
        window_length: length of the Hann window, in samples, at most n_fft.
        hop_length: samples between frames; n_fft - hop_length is even.
    """

    window: Tensor

    def __init__(self, *, n_fft: int, window_length: int, hop_length: int) -> None:
        super().__init__()
        self.n_fft, self.window_length, self.hop_length = n_fft, window_length, hop_length
        self.margin = (n_fft - hop_length) // 2
        self.register_buffer("window", torch.hann_window(window_length), persistent=False)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames of clips with this many samples: int64 [B] from int64 [B]."""
        return torch.div(lengths, self.hop_length, rounding_mode="floor")

    def forward(self, audio: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Audio in [-1, 1], [B, S], and the samples of each clip, int64 [B], to magnitudes [B, K, F].

        F is S // hop_length. Without lengths every clip is S samples long. Never synchronises with the device.
        """
        samples = audio.shape[1]
        frames = samples // self.hop_length
        if frames == 0:
            return audio.new_zeros(audio.shape[0], self.n_fft // 2 + 1, 0, dtype=torch.float32)
        with torch.autocast(audio.device.type, enabled=False):
            audio = audio.float()
            if lengths is None and samples > self.margin:
                padded = self._reflect(audio)
            else:
                own = audio.new_full((1,), samples, dtype=torch.int64) if lengths is None else lengths
                padded = self._reflect_each(audio, own)
            spectrum = torch.stft(
                padded,
                self.n_fft,
                self.hop_length,
                self.window_length,
                self.window,
                center=False,
                return_complex=True,
            )  # [B, K, F]
            magnitude = torch.sqrt(torch.view_as_real(spectrum).square().sum(-1) + MAGNITUDE_EPSILON)
            if lengths is None:
                return magnitude
            inside = torch.arange(frames, device=audio.device) < self.frame_lengths(lengths)[:, None]  # [B, F]
            return magnitude * inside[:, None]

    def _reflect(self, audio: Tensor) -> Tensor:
        """Reflection padding of clips that are all S long; unlike the gather below, its backward is deterministic."""
        samples = audio.shape[1]
        left = audio[:, 1 : self.margin + 1].flip(1)
        right = audio[:, samples - self.margin - 1 : samples - 1].flip(1)
        return torch.cat((left, audio, right), dim=1)  # [B, S + 2 margin]

    def _reflect_each(self, audio: Tensor, lengths: Tensor) -> Tensor:
        """Reflection padding at each clip's own end, repeated if the clip is shorter than the margin."""
        position = torch.arange(-self.margin, audio.shape[1] + self.margin, device=audio.device)
        lengths = lengths[:, None]
        period = (2 * lengths - 2).clamp(min=1)
        phase = position.remainder(period)  # [B, S + 2 margin]
        source = torch.minimum(phase, period - phase).clamp(max=audio.shape[1] - 1)
        source = torch.where(lengths > 1, source, 0)
        return audio.gather(1, source.expand(len(audio), -1))


class MelScale(nn.Module):
    """Linear magnitudes to log-mel: log(max(filterbank @ spectrogram, 1e-5)), with the filterbank of librosa (Slaney).

    Args:
        sample_rate: samples per second, in hertz.
        n_fft: FFT size, in samples.
        mel_bands: M.
        fmin_hz: lower edge of the lowest band.
        fmax_hz: upper edge of the highest band; None is half the sample rate.
    """

    filterbank: Tensor

    def __init__(self, *, sample_rate: int, n_fft: int, mel_bands: int, fmin_hz: float, fmax_hz: float | None) -> None:
        super().__init__()
        top_hz = sample_rate / 2 if fmax_hz is None else fmax_hz
        bank = melscale_fbanks(
            n_fft // 2 + 1, fmin_hz, top_hz, mel_bands, sample_rate, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("filterbank", bank.T.contiguous(), persistent=False)  # [M, K]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Magnitudes [B, K, F] to natural logarithms [B, M, F]."""
        with torch.autocast(spectrogram.device.type, enabled=False):
            return torch.matmul(self.filterbank, spectrogram.float()).clamp(min=LOG_FLOOR).log()


class MelSpectrogram(nn.Module):
    """Audio to log-mel: MelScale of LinearSpectrogram, whose arguments it takes."""

    def __init__(
        self,
        *,
        sample_rate: int,
        n_fft: int,
        window_length: int,
        hop_length: int,
        mel_bands: int,
        fmin_hz: float,
        fmax_hz: float | None,
    ) -> None:
        super().__init__()
        self.linear = LinearSpectrogram(n_fft=n_fft, window_length=window_length, hop_length=hop_length)
        self.scale = MelScale(
            sample_rate=sample_rate, n_fft=n_fft, mel_bands=mel_bands, fmin_hz=fmin_hz, fmax_hz=fmax_hz
        )

    def forward(self, audio: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Audio in [-1, 1], [B, S], and the samples of each clip, int64 [B], to log-mel [B, M, F].

        Frames beyond a clip's own are log(1e-5).
        """
        mel: Tensor = self.scale(self.linear(audio, lengths))
        return mel
