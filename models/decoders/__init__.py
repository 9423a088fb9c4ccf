"""Latent to waveform, one file per family; `build_decoder` picks one by `decoder.kind`."""

from typing import Any

from configs import DecoderSettings
from models.decoders.decoder import Decoder
from models.decoders.hifigan import HifiganDecoder


def build_decoder(
    settings: DecoderSettings, *, latent_channels: int, speaker_channels: int, hop_length: int
) -> Decoder:
    """Make the decoder that the settings name, for audio of this hop in samples."""
    channels = {"latent_channels": latent_channels, "speaker_channels": speaker_channels}
    options: dict[str, Any] = settings.model_dump(exclude={"kind"}) | channels
    match settings.kind:
        case "hifigan":
            return HifiganDecoder(**options)
        case _:
            raise NotImplementedError(settings.kind)


__all__ = ["Decoder", "HifiganDecoder", "build_decoder"]
