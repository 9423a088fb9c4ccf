"""An autoencoder of mel spectrograms: the discriminator of BEGAN (Berthelot, Schumm & Metz, 2017, section 3.5).

B batch · S samples · M mel bands · F frames · H channels
"""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

_CHANNELS = 512
_BOTTLENECK = 8  # channels per channel of the code, which has half the frames


class MelAutoencoder(nn.Module):
    """Convolutions over frames around a code of a sixteenth of the values.

    Args:
        mel: maps audio [B, S] to log-mel [B, M, F].
        mel_bands: M.
        channel_divisor: of 512 channels.
    """

    def __init__(self, mel: nn.Module, mel_bands: int, channel_divisor: int) -> None:
        super().__init__()
        self.mel = mel
        wide = _CHANNELS // channel_divisor
        code = max(1, wide // _BOTTLENECK)

        def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Module:
            return weight_norm(nn.Conv1d(before, after, kernel, stride, padding=kernel // 2))

        self.encoder = nn.ModuleList([convolution(mel_bands, wide, 5), convolution(wide, wide, 5, 2)])
        self.code = convolution(wide, code, 1)
        self.decoder = nn.ModuleList([convolution(code, wide, 5), convolution(wide, wide, 5)])
        self.output = convolution(wide, mel_bands, 1)

    def spectrum(self, audio: Tensor) -> Tensor:
        """Audio [B, 1, S] to log-mel [B, M, F], in float32."""
        mel: Tensor = self.mel(audio.squeeze(1))
        return mel

    def forward(self, mel: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Log-mel [B, M, F] to the mean absolute error of each clip's reconstruction, [B, 1], and the feature maps."""
        x, feature_maps = mel, []
        for layer in self.encoder:
            x = F.elu(layer(x))
            feature_maps.append(x)
        x = F.interpolate(self.code(x), size=mel.shape[2])
        for layer in self.decoder:
            x = F.elu(layer(x))
            feature_maps.append(x)
        reconstruction = self.output(x)
        error = (reconstruction.float() - mel.float()).abs().mean(dim=(1, 2))
        return error[:, None], [*feature_maps, reconstruction]
