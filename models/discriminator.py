"""Multi-period and multi-scale discriminators of HiFi-GAN, as VITS uses them, and a multi-resolution discriminator.

HiFi-GAN: Kong, Kim & Bae, 2020, section 2.3; VITS, section 2.5.4; UnivNet: Jang et al., 2021, section 2.3.

B batch · S samples · N sub-discriminators · H channels · T frames · K bins (n_fft // 2 + 1)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from configs import Config, DiscriminatorSettings
from models.mel_autoencoder import MelAutoencoder

_SLOPE = 0.1  # of the leaky ReLUs
_RESOLUTION_CHANNELS = 32


@dataclass(frozen=True)
class DiscriminatorOutput:
    """Logits and feature maps of N sub-discriminators for a batch of audio."""

    logits: list[Tensor]  # N of [B, positions], the higher the more real
    feature_maps: list[list[Tensor]]  # N lists of each layer's output, the logits' layer included

    def accuracy_as_real(self, boundary: float) -> list[Tensor]:
        """The fraction of positions that each sub-discriminator classifies as real, by logits above it: N of 0-d."""
        return [(logits.detach() > boundary).float().mean() for logits in self.logits]

    def accuracy_as_generated(self, boundary: float) -> list[Tensor]:
        """The fraction of positions that each sub-discriminator classifies as generated: N of 0-d."""
        return [1 - share for share in self.accuracy_as_real(boundary)]


class _AcrossRows(nn.Conv2d):
    """A convolution along rows with the weights, stride and padding of one along columns.

    A processor's convolutions are vectorised along rows, and a period of 2 makes rows of 2. Turned over, the five
    discriminators of VITS take 0.92 of the time on a CPU with AVX2, and those of an eighth of the channels 0.82.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, period, S / period] to the same."""
        return F.conv2d(input, self.weight.transpose(2, 3), self.bias, self.stride[::-1], self.padding[::-1])


class PeriodDiscriminator(nn.Module):
    """Audio reshaped to [S / period, period], convolved along the first axis."""

    def __init__(self, period: int, channel_divisor: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(width // channel_divisor for width in (32, 128, 512, 1024, 1024))]
        strides = (3, 3, 3, 3, 1)
        self.layers = nn.ModuleList(
            weight_norm(_AcrossRows(narrow, wide, (5, 1), (stride, 1), padding=(2, 0)))
            for narrow, wide, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.output = weight_norm(_AcrossRows(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Classify audio [B, 1, S]; return the logits [B, positions] and every layer's feature map."""
        missing = -audio.shape[2] % self.period
        x = F.pad(audio, (0, missing), mode="reflect") if missing else audio
        x = x.unflatten(2, (-1, self.period)).transpose(2, 3)  # [B, 1, period, S / period]
        _, turned = _logits_and_feature_maps(x, self.layers, self.output)
        feature_maps = [each.transpose(2, 3) for each in turned]
        return feature_maps[-1].flatten(1), feature_maps


class ScaleDiscriminator(nn.Module):
    """Grouped convolutions with wide kernels, on the audio or on its average pooling."""

    def __init__(self, poolings: int, channel_divisor: int, *, spectral: bool = False) -> None:
        super().__init__()
        self.poolings = poolings
        norm = spectral_norm if spectral else weight_norm
        widths = [1, *(width // channel_divisor for width in (16, 64, 256, 1024, 1024, 1024))]
        kernels, strides = (15, 41, 41, 41, 41, 5), (1, 4, 4, 4, 4, 1)
        groups = [max(1, count // channel_divisor) for count in (1, 4, 16, 64, 256, 1)]
        self.layers = nn.ModuleList(
            norm(nn.Conv1d(widths[i], widths[i + 1], kernel, stride, padding=kernel // 2, groups=groups[i]))
            for i, (kernel, stride) in enumerate(zip(kernels, strides, strict=True))
        )
        self.output = norm(nn.Conv1d(widths[-1], 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Classify audio [B, 1, S]; return the logits [B, positions] and every layer's feature map."""
        for _ in range(self.poolings):
            audio = F.avg_pool1d(audio, 4, stride=2, padding=2)
        return _logits_and_feature_maps(audio, self.layers, self.output)


class ResolutionDiscriminator(nn.Module):
    """2-d convolutions over an STFT, of which three halve the number of bins.

    UnivNet's input is the magnitude. Here it is the real and imaginary parts, as in EnCodec (Défossez et al., 2023,
    section 3.4), because decoders with an inverse STFT predict the phase of every bin, which the magnitude does not
    show. One stack of layers serves all bins, so that feature matching weighs this like a period discriminator.

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
        # Unit norm: white noise has the same power at every resolution.
        self.register_buffer("window", hann / hann.norm(), persistent=False)
        channels = _RESOLUTION_CHANNELS // channel_divisor
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(narrow, channels, (3, across), (1, stride), padding=(1, across // 2)))
            for narrow, across, stride in zip((2, *(channels,) * 4), (9, 9, 9, 9, 3), (1, 2, 2, 2, 1), strict=True)
        )
        self.output = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def spectrum(self, audio: Tensor) -> Tensor:
        """Audio [B, 1, S], reflected at both ends, to real and imaginary parts [B, 2, T, K], T = S // hop.

        In float32 under any autocast.
        """
        with torch.autocast(audio.device.type, enabled=False):
            signal, margin = audio.squeeze(1).float(), (self.n_fft - self.hop) // 2
            samples = signal.shape[1]
            # The gradient of this reflection is deterministic on a GPU; that of F.pad is not.
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
        return _logits_and_feature_maps(spectrum, self.layers, self.output)


class Discriminator(nn.Module):
    """All sub-discriminators: of scales, then of periods, then of resolutions.

    One scale is VITS; three are HiFi-GAN, whose first, on raw audio, has spectral norm instead of weight norm.

    Args:
        settings: the section `discriminator`.
        autoencoder: alone in the place of all of them, its error being the logit.
    """

    def __init__(self, settings: DiscriminatorSettings, autoencoder: MelAutoencoder | None = None) -> None:
        super().__init__()
        divisor, first_is_spectral = settings.channel_divisor, settings.scales > 1
        sub_discriminators: dict[str, nn.Module] = {
            **{
                f"scale_{n + 1}": ScaleDiscriminator(n, divisor, spectral=first_is_spectral and n == 0)
                for n in range(settings.scales)
            },
            **{f"period_{period}": PeriodDiscriminator(period, divisor) for period in settings.periods},
            **{f"resolution_{each[0]}": ResolutionDiscriminator(*each, divisor) for each in settings.resolutions},
        }
        if autoencoder is not None:
            sub_discriminators = {"autoencoder": autoencoder}
        self.names = list(sub_discriminators)  # in the order of the outputs; metrics are tagged with them
        self.sub_discriminators = nn.ModuleList(sub_discriminators.values())
        # torch.compile does not support complex numbers of dynamic length. Disabled here and not by a decorator, which
        # would import the compiler for inference too, where that takes longer than all other imports.
        self._views = torch.compiler.disable(_views) if settings.resolutions or autoencoder else _views

    @classmethod
    def from_config(cls, config: Config, mel: nn.Module) -> Self:
        """Make the discriminator of an experiment, whose audio [B, S] `mel` maps to log-mel [B, M, F]."""
        settings = config.discriminator
        if config.loss.adversarial_objective != "began":
            return cls(settings)
        return cls(settings, MelAutoencoder(mel, config.audio.mel_bands, settings.channel_divisor))

    def forward(self, audio: Tensor) -> DiscriminatorOutput:
        """Classify audio [B, 1, S]."""
        # The spectra are graph breaks. All come first, so that the rest compiles to one graph: interleaved, there would
        # be more graphs than torch.compile keeps.
        views = self._views(self.sub_discriminators, audio)
        outputs = [network(view) for network, view in zip(self.sub_discriminators, views, strict=True)]
        return DiscriminatorOutput([logits for logits, _ in outputs], [feature_maps for _, feature_maps in outputs])

    def logits(self, audio: Tensor) -> list[Tensor]:
        """The logits of audio [B, 1, S] alone: N of [B, positions]."""
        return self(audio).logits

    def named(self, groups: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
        """What there is one of for each sub-discriminator, such as its term of a loss, by `group`/its name."""
        return {
            f"{group}/{name}": value
            for group, values in groups.items()
            for name, value in zip(self.names, values, strict=True)
        }

    def compare(self, real: Tensor, generated: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Classify two batches of audio [B, 1, S] in one forward pass, which is faster than two."""
        both = self(torch.cat((real, generated)))
        logits = [each.tensor_split(2) for each in both.logits]
        feature_maps = [[layer.tensor_split(2) for layer in layers] for layers in both.feature_maps]
        of_real, of_generated = (
            DiscriminatorOutput(
                [each[side] for each in logits], [[layer[side] for layer in layers] for layers in feature_maps]
            )
            for side in (0, 1)
        )
        return of_real, of_generated


def _views(sub_discriminators: Iterable[nn.Module], audio: Tensor) -> list[Tensor]:
    """The input of each sub-discriminator: the audio itself, or its spectrum."""
    return [
        each.spectrum(audio) if isinstance(each, ResolutionDiscriminator | MelAutoencoder) else audio
        for each in sub_discriminators
    ]


def _logits_and_feature_maps(x: Tensor, layers: nn.ModuleList, output: nn.Module) -> tuple[Tensor, list[Tensor]]:
    """Apply the layers to x [B, channels, ...]; return the logits [B, positions] and every layer's feature map."""
    feature_maps = []
    for layer in layers:
        x = F.leaky_relu_(layer(x), _SLOPE)
        feature_maps.append(x)
    x = output(x)
    feature_maps.append(x)
    return x.flatten(1), feature_maps
