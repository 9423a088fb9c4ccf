"""Decoders, latent to waveform, one module per family; `build_decoder` chooses by `decoder.kind`."""

from importlib import import_module
from pkgutil import iter_modules

from configs import DecoderSettings
from models.decoders.decoder import Decoder

for _module in iter_modules(__path__, f"{__name__}."):  # each makes its families known to `Decoder`
    import_module(_module.name)


def build_decoder(
    settings: DecoderSettings, *, latent_channels: int, speaker_channels: int, hop_length: int
) -> Decoder:
    """Make the decoder of these settings; `hop_length` is in samples."""
    return Decoder.of_kind[settings.kind].from_settings(
        settings, latent_channels=latent_channels, speaker_channels=speaker_channels, hop_length=hop_length
    )


__all__ = ["Decoder", "build_decoder"]
