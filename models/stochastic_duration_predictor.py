"""The stochastic duration predictor (VITS, sections 2.2.2 and 2.5.5, appendix B.3).

Durations are integers, so they are dequantised by u in [0, 1) and extended by a second channel nu (variational data
augmentation); a flow maps the pair to Gaussian noise. Training maximises the bound of equation 7; inference runs the
inverse flow from noise.

B batch · P phonemes · H hidden channels · C speaker channels · K spline bins
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.gaussian import standard_normal
from models.layers.separable import SeparableStack
from models.layers.spline import RationalQuadraticSpline

_BINS = 10
_LOG_2_PI = math.log(2 * math.pi)


class ChannelAffine(nn.Module):
    """An affine transform with one shift and one scale per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map x [B, C, P]; return it and the log-determinant [B]."""
        return (self.shift + self.log_scale.exp() * x) * mask, (self.log_scale * mask).sum(dim=(1, 2))

    def inverse(self, y: Tensor, mask: Tensor) -> Tensor:
        """Map y [B, C, P] back."""
        return (y - self.shift) * torch.exp(-self.log_scale) * mask


class SplineCoupling(nn.Module):
    """Maps the second channel by a spline whose parameters depend on the first channel and the text."""

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.channels = channels
        self.input = nn.Conv1d(1, channels, 1)
        self.stack = SeparableStack(channels, kernel_size)
        self.shape = nn.Conv1d(channels, 3 * _BINS - 1, 1)
        nn.init.zeros_(self.shape.weight)
        assert self.shape.bias is not None
        nn.init.zeros_(self.shape.bias)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Map x [B, 2, P] under the condition [B, H, P]; return it and the log-determinant [B]."""
        first, second = x.chunk(2, dim=1)
        mapped, log_derivative = self._spline(first, mask, condition).forward(second)
        return torch.cat((first, mapped), dim=1) * mask, (log_derivative * mask).sum(dim=(1, 2))

    def inverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """Map y [B, 2, P] back."""
        first, second = y.chunk(2, dim=1)
        mapped, _ = self._spline(first, mask, condition).inverse(second)
        return torch.cat((first, mapped), dim=1) * mask

    def _spline(self, first: Tensor, mask: Tensor, condition: Tensor) -> RationalQuadraticSpline:
        shape = self.shape(self.stack(self.input(first), mask, condition)) * mask  # [B, 3K - 1, P]
        widths, heights, slopes = shape.float().transpose(1, 2).unsqueeze(1).split((_BINS, _BINS, _BINS - 1), dim=-1)
        # Scaled so that the bins start nearly equal at any width of the network.
        scale = math.sqrt(self.channels)
        return RationalQuadraticSpline(widths / scale, heights / scale, slopes)  # each [B, 1, P, K]


class DurationFlow(nn.Module):
    """An affine map, then spline couplings with the two channels swapped after each.

    The first coupling changes only the second channel, which inference discards: see `inverse`.
    """

    def __init__(self, channels: int, kernel_size: int, couplings: int) -> None:
        super().__init__()
        self.affine = ChannelAffine(2)
        self.couplings = nn.ModuleList(SplineCoupling(channels, kernel_size) for _ in range(couplings))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Map x [B, 2, P] under the condition [B, H, P]; return it and the log-determinant [B]."""
        x, log_determinant = self.affine(x, mask)
        for coupling in self.couplings:
            x, step = coupling(x, mask, condition)
            x, log_determinant = x.flip(1), log_determinant + step
        return x, log_determinant

    def inverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """Map noise y [B, 2, P] back; only the first channel of the result is valid.

        The first coupling is skipped, because it does not change the first channel.
        """
        for coupling in reversed(self.couplings[1:]):
            assert isinstance(coupling, SplineCoupling)
            y = coupling.inverse(y.flip(1), mask, condition)
        return self.affine.inverse(y.flip(1), mask)


class StochasticDurationPredictor(nn.Module):
    """A conditional flow over durations: each sample of the noise gives the text another rhythm."""

    def __init__(
        self,
        *,
        hidden_channels: int,
        channels: int,
        kernel_size: int,
        couplings: int,
        dropout: float,
        speaker_channels: int = 0,
    ) -> None:
        super().__init__()
        self.input = nn.Conv1d(hidden_channels, channels, 1)
        self.speaker = nn.Conv1d(speaker_channels, channels, 1) if speaker_channels else None
        self.stack = SeparableStack(channels, kernel_size, dropout=dropout)
        self.projection = nn.Conv1d(channels, channels, 1)
        self.flow = DurationFlow(channels, kernel_size, couplings)
        # Used in training only: q(u, nu | durations, text).
        self.posterior_input = nn.Conv1d(1, channels, 1)
        self.posterior_stack = SeparableStack(channels, kernel_size, dropout=dropout)
        self.posterior_projection = nn.Conv1d(channels, channels, 1)
        self.posterior_flow = DurationFlow(channels, kernel_size, couplings)

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor,
        durations: Tensor,
        speaker: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Upper bound of the negative log-likelihood of the durations, summed over each utterance (equation 7).

        Args:
            hidden: [B, H, P], from the text encoder, which receives no gradient from here.
            mask: [B, 1, P].
            durations: [B, P], frames per phoneme.
            speaker: [B, C, 1], or None for a single voice.
            generator: makes the dequantisation noise repeatable.

        Returns:
            [B] in float32, in nats.
        """
        condition = self._condition(hidden, mask, speaker)  # [B, H, P]
        frames = durations.float().unsqueeze(1)  # [B, 1, P]

        encoded = self.posterior_projection(self.posterior_stack(self.posterior_input(frames), mask)) * mask
        noise = standard_normal(frames.expand(-1, 2, -1), generator) * mask
        latent, log_determinant = self.posterior_flow(noise, mask, condition + encoded)
        u_logit, nu = latent.chunk(2, dim=1)
        log_determinant = log_determinant + ((F.logsigmoid(u_logit) + F.logsigmoid(-u_logit)) * mask).sum(dim=(1, 2))
        log_q = _log_standard_normal(noise, mask) - log_determinant

        log_frames = torch.log((frames - u_logit.sigmoid()).clamp(min=1e-5)) * mask  # dequantised
        z, log_determinant = self.flow(torch.cat((log_frames, nu), dim=1), mask, condition)
        log_p = _log_standard_normal(z, mask) + log_determinant - log_frames.sum(dim=(1, 2))
        return log_q - log_p

    def predict(
        self,
        hidden: Tensor,
        mask: Tensor,
        speaker: Tensor | None = None,
        *,
        noise_scale: float | Tensor = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw log durations [B, 1, P] in float32; `noise_scale` is the standard deviation of the noise."""
        condition = self._condition(hidden, mask, speaker)
        noise = mask.new_zeros(mask.shape[0], 2, mask.shape[2])
        if isinstance(noise_scale, Tensor) or noise_scale > 0.0:
            noise = standard_normal(noise, generator) * noise_scale
        return self.flow.inverse(noise, mask, condition)[:, :1]

    @torch.no_grad()
    def stretch(self, factor: float) -> None:
        """Make all that it predicts `factor` times as long; the noise of a duration stays the same."""
        affine = self.flow.affine
        affine.shift[0] -= math.log(factor) * affine.log_scale[0].exp()

    def _condition(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        x = self.input(hidden.detach())
        if self.speaker is not None:
            assert speaker is not None, "a multi-speaker model needs speaker ids"
            x = x + self.speaker(speaker.detach())
        return self.projection(self.stack(x, mask)) * mask


def _log_standard_normal(x: Tensor, mask: Tensor) -> Tensor:
    return (-0.5 * (_LOG_2_PI + x.square()) * mask).sum(dim=(1, 2))
