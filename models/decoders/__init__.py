"""Decoders, latent to waveform, one file per family; `build_decoder` chooses by `decoder.kind`."""

from typing import Any

from configs import DecoderSettings
from models.decoders.bigvgan import BigvganDecoder
from models.decoders.decoder import Decoder
from models.decoders.hifigan import HifiganDecoder
from models.decoders.istftnet import IstftnetDecoder
from models.decoders.multiband import MultibandDecoder
from models.decoders.vocos import VocosDecoder


def build_decoder(
    settings: DecoderSettings, *, latent_channels: int, speaker_channels: int, hop_length: int
) -> Decoder:
    """Make the decoder of these settings; `hop_length` is in samples."""
    channels = {"latent_channels": latent_channels, "speaker_channels": speaker_channels}
    options: dict[str, Any] = settings.model_dump(exclude={"kind"}) | channels
    match settings.kind:
        case "hifigan":
            return HifiganDecoder(**options)
        case "bigvgan":
            return BigvganDecoder(**options)
        case "istftnet":
            return IstftnetDecoder(**options)
        case "mb-istft" | "ms-istft":
            return MultibandDecoder(**options, bands=settings.bands, learned=settings.kind == "ms-istft")
        case "vocos":
            return VocosDecoder(**options, hop_length=hop_length)


__all__ = [
    "BigvganDecoder",
    "Decoder",
    "HifiganDecoder",
    "IstftnetDecoder",
    "MultibandDecoder",
    "VocosDecoder",
    "build_decoder",
]
