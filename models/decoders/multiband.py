"""MB-iSTFT and MS-iSTFT: one inverse STFT per sub-band, joined by a synthesis filter bank (Kawamura et al., 2023).

Everything before the filter bank runs at 1 / N of the sample rate.

B batch · Z latent channels · C speaker channels · F frames · N streams · S = F * hop samples
"""

import math
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from configs import DecoderSettings, MultibandSettings
from models.decoders.istftnet import IstftnetDecoder, within_range
from models.decoders.receptive_field import ReceptiveField
from models.layers.pqmf import Pqmf


class MultibandDecoder(IstftnetDecoder, kinds=["mb-istft", "ms-istft"]):
    """Sub-bands joined by fixed filters (multi-band) or by learned ones (multi-stream).

    Args:
        bands: N.
        learned: whether the filters are trained. They start as the fixed ones; zero insertion and the filter over all
            streams, as published, are together a transposed convolution.
        transform: the arguments of IstftnetDecoder except `streams`.
    """

    def __init__(self, *, bands: int, learned: bool, **transform: Any) -> None:
        super().__init__(streams=bands, **transform)
        self.bank = Pqmf(bands)
        self.join: nn.Module | None = _learned_synthesis(self.bank) if learned else None

    @classmethod
    def from_settings(cls, settings: DecoderSettings, *, hop_length: int, **channels: int) -> Self:
        """Make the decoder of these settings."""
        assert isinstance(settings, MultibandSettings)
        options = settings.model_dump(exclude={"kind"})
        return cls(bands=settings.bands, learned=settings.kind == "ms-istft", **options, **channels)

    def output_positions(self) -> ReceptiveField:
        """The positions of `output` that the samples of frame 0 depend on."""
        samples = math.prod(self.upsample_rates) * self.istft.hop * self.streams
        joined = ReceptiveField(0, samples - 1).before_convolution(self.bank.length).before_interleaving(self.streams)
        return self.before_transform(joined)

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Decode latents z [B, Z, F] of a speaker [B, C, 1] under the mask [B, 1, F] to [B, 1, S], in float32."""
        streams, transform_mask = self.transformed(z, speaker, mask)
        if self.join is None:
            audio = self.bank.synthesis(streams)
        else:
            with torch.autocast(streams.device.type, enabled=False):
                audio = self.join(streams)
        if transform_mask is not None:  # the filters reach beyond the end of a clip
            audio = audio * transform_mask.repeat_interleave(self.istft.hop * self.streams, dim=2)
        return within_range(audio)


def _learned_synthesis(bank: Pqmf) -> nn.Module:
    join = nn.ConvTranspose1d(
        bank.bands,
        1,
        bank.length,
        bank.bands,
        padding=bank.length // 2,
        output_padding=bank.bands - 1,
        bias=False,
    )
    with torch.no_grad():
        join.weight.copy_(bank.filters * bank.bands)
    return weight_norm(join)
