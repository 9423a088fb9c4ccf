"""Latent to waveform, one file per family; `build_decoder` picks one by `decoder.kind`."""

from torch import nn

from configs import DecoderSettings
from models.decoders.hifigan import HifiganDecoder


def build_decoder(settings: DecoderSettings, *, latent_channels: int, speaker_channels: int) -> nn.Module:
    """Make the decoder that the settings name; called as decoder(z [B, Z, F], speaker, mask) -> audio [B, 1, S]."""
    families = {"hifigan": HifiganDecoder}
    options = settings.model_dump(exclude={"kind"})
    return families[settings.kind](latent_channels=latent_channels, speaker_channels=speaker_channels, **options)


__all__ = ["HifiganDecoder", "build_decoder"]
