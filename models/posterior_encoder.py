"""Linear spectrogram to the posterior's statistics (VITS, section 2.5.1 and appendix B.1).

B batch · N spectrogram bins · H hidden channels · Z latent channels · C speaker channels · F frames
"""

from torch import Tensor, nn

from models.gaussian import Gaussian
from models.layers.wavenet import WaveNet


class PosteriorEncoder(nn.Module):
    """q(z | spectrogram): used in training, alignment and voice conversion, not in text-to-speech."""

    def __init__(
        self,
        *,
        spectrogram_bins: int,
        latent_channels: int,
        hidden_channels: int,
        kernel_size: int,
        layers: int,
        speaker_channels: int = 0,
    ) -> None:
        super().__init__()
        self.input = nn.Conv1d(spectrogram_bins, hidden_channels, 1)
        self.wavenet = WaveNet(hidden_channels, kernel_size, layers, speaker_channels)
        self.statistics = nn.Conv1d(hidden_channels, 2 * latent_channels, 1)

    def forward(self, spectrogram: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Gaussian:
        """Encode a spectrogram.

        Args:
            spectrogram: [B, N, F], linear magnitudes.
            mask: [B, 1, F], ones at real frames.
            speaker: [B, C, 1], or None for a single voice.

        Returns:
            The posterior [B, Z, F], zero where the mask is.
        """
        hidden = self.wavenet(self.input(spectrogram) * mask, mask, speaker)
        mean, log_std = (self.statistics(hidden) * mask).float().chunk(2, dim=1)
        return Gaussian(mean, log_std)
