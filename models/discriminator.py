"""The discriminators of HiFi-GAN (Kong, Kim & Bae, 2020, section 2.3), as VITS uses them (section 2.5.4).

B batch · S samples · N sub-discriminators · H channels
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from configs import DiscriminatorSettings
from models.discriminator_stack import logits_and_feature_maps
from models.resolution_discriminator import ResolutionDiscriminator


@dataclass(frozen=True)
class DiscriminatorOutput:
    """Logits and feature maps of N sub-discriminators for a batch of audio."""

    logits: list[Tensor]  # N of [B, places]; least squares trains them towards 1 for real audio, 0 for generated
    feature_maps: list[list[Tensor]]  # N lists of each layer's output, the logits' layer included

    def share_classified_real(self) -> list[Tensor]:
        """The share of places that each sub-discriminator classifies as real: N of 0-d."""
        return [(logits.detach() > 0.5).float().mean() for logits in self.logits]


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th sample: the audio folded into [S / period, period] and convolved along time."""

    def __init__(self, period: int, channel_divisor: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(width // channel_divisor for width in (32, 128, 512, 1024, 1024))]
        strides = (3, 3, 3, 3, 1)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(narrow, wide, (5, 1), (stride, 1), padding=(2, 0)))
            for narrow, wide, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.output = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Classify audio [B, 1, S]; return the logits [B, places] and every layer's feature map."""
        missing = -audio.shape[2] % self.period
        x = F.pad(audio, (0, missing), mode="reflect") if missing else audio
        x = x.unflatten(2, (-1, self.period))  # [B, 1, S / period, period]
        return logits_and_feature_maps(x, self.layers, self.output)


class ScaleDiscriminator(nn.Module):
    """Looks at the audio as it is, or smoothed by average pooling, with grouped convolutions of wide kernels."""

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
        """Classify audio [B, 1, S]; return the logits [B, places] and every layer's feature map."""
        for _ in range(self.poolings):
            audio = F.avg_pool1d(audio, 4, stride=2, padding=2)
        return logits_and_feature_maps(audio, self.layers, self.output)


class Discriminator(nn.Module):
    """The multi-period discriminator with the scale discriminators, and those of resolutions, beside it.

    One scale is VITS; three are HiFi-GAN, whose first one, on raw audio, has spectral norm in place of weight norm.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        divisor = settings.channel_divisor
        scales = [
            ScaleDiscriminator(poolings, divisor, spectral=settings.scales > 1 and poolings == 0)
            for poolings in range(settings.scales)
        ]
        periods = [PeriodDiscriminator(period, divisor) for period in settings.periods]
        resolutions = [ResolutionDiscriminator(*resolution, divisor) for resolution in settings.resolutions]
        # What each is called where its part of a loss is reported, in the order of the judgements.
        self.names = [
            *(f"scale_{n + 1}" for n in range(settings.scales)),
            *(f"period_{n}" for n in settings.periods),
            *(f"resolution_{n_fft}" for n_fft, _, _ in settings.resolutions),
        ]
        self.sub_discriminators = nn.ModuleList([*scales, *periods, *resolutions])
        # torch.compile cannot compile complex numbers of any length. To say so loads the compiler, which takes longer
        # than all else that speaking loads: so it is said here, and not of a function that is imported.
        self._views = torch.compiler.disable(_views) if resolutions else _views

    def forward(self, audio: Tensor) -> DiscriminatorOutput:
        """Classify audio [B, 1, S]."""
        # Spectra cannot be compiled. All are computed before any sub-discriminator, so that the rest is compiled in one
        # piece: one by one, it would be more pieces than torch.compile keeps.
        views = self._views(self.sub_discriminators, audio)
        outputs = [network(view) for network, view in zip(self.sub_discriminators, views, strict=True)]
        return DiscriminatorOutput([logits for logits, _ in outputs], [feature_maps for _, feature_maps in outputs])

    def named(self, value: str, values: Sequence[Tensor]) -> dict[str, Tensor]:
        """One value of each sub-discriminator, such as its part of a loss, by the name of the value and its own."""
        return {f"{value}/{name}": each for name, each in zip(self.names, values, strict=True)}

    def compare(self, real: Tensor, generated: Tensor) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Classify two batches of audio [B, 1, S] in one pass, which costs less than two."""
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
    return [each.spectrum(audio) if isinstance(each, ResolutionDiscriminator) else audio for each in sub_discriminators]
