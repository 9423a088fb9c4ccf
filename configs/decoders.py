"""The settings of each decoder family, chosen by `decoder.kind`; each has its own defaults."""

import math
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from configs.section import Integers, IntegerTable, Positive, Rules, Section


class DecoderFamily(Section):
    """What the settings of every decoder family tell."""

    predicts_pitch: ClassVar[bool] = False


class _Upsampling(DecoderFamily):
    """Transposed convolutions, each followed by parallel residual blocks, as in HiFi-GAN."""

    initial_channels: Positive = 512
    """Channels before the first upsampling layer; each layer halves them."""
    upsample_rates: Integers = (8, 8, 2, 2)
    """Stride of each transposed convolution; their product, times the iSTFT hop if any, is `audio.hop_length`."""
    upsample_kernel_sizes: Integers = (16, 16, 4, 4)
    """Kernel size of each transposed convolution, in samples of its output."""
    residual_block: Literal[1, 2] = 1
    """Residual block of HiFi-GAN: 1 has pairs of convolutions, 2 single ones."""
    residual_kernel_sizes: Integers = (3, 7, 11)
    """Kernel sizes of the parallel residual blocks (multi-receptive-field fusion)."""
    residual_dilations: IntegerTable = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    """Dilations of each residual block."""

    @property
    def samples_per_step(self) -> int:
        """Audio samples per position after the last transposed convolution."""
        return 1

    def rules(self, hop_length: int) -> Rules:
        """The constraints on these settings, for audio of this hop length in samples."""
        product = math.prod(self.upsample_rates) * self.samples_per_step
        made = f"{list(self.upsample_rates)}" + (f" times {self.samples_per_step}" if self.samples_per_step > 1 else "")
        pairs = list(zip(self.upsample_rates, self.upsample_kernel_sizes, strict=False))
        return [
            (
                product != hop_length,
                f"decoder.upsample_rates = {made} multiply to {product}, "
                f"but audio.hop_length is {hop_length}: make them equal",
            ),
            (
                len(self.upsample_rates) != len(self.upsample_kernel_sizes),
                f"decoder.upsample_rates has {len(self.upsample_rates)} entries and "
                f"decoder.upsample_kernel_sizes {len(self.upsample_kernel_sizes)}: give one kernel per rate",
            ),
            (
                any(kernel < rate or (kernel - rate) % 2 for rate, kernel in pairs),
                f"decoder.upsample_kernel_sizes = {list(self.upsample_kernel_sizes)}: each kernel must exceed its "
                "rate by an even number",
            ),
            (
                len(self.residual_kernel_sizes) != len(self.residual_dilations),
                f"decoder.residual_dilations has {len(self.residual_dilations)} rows and "
                f"decoder.residual_kernel_sizes {len(self.residual_kernel_sizes)} entries: give one row per kernel",
            ),
            (
                any(kernel % 2 == 0 for kernel in self.residual_kernel_sizes),
                f"decoder.residual_kernel_sizes = {list(self.residual_kernel_sizes)} must be odd",
            ),
            (
                self.initial_channels % 2 ** len(self.upsample_rates) != 0,
                f"decoder.initial_channels = {self.initial_channels} cannot be halved {len(self.upsample_rates)} times",
            ),
        ]


class HifiganSettings(_Upsampling):
    """HiFi-GAN (Kong, Kim & Bae, 2020); the defaults are V1, the decoder of VITS."""

    kind: Literal["hifigan"] = "hifigan"
    """Decoder family."""


class BigvganSettings(_Upsampling):
    """HiFi-GAN with periodic, anti-aliased activations (BigVGAN; Lee et al., 2023)."""

    kind: Literal["bigvgan"] = "bigvgan"
    """Decoder family."""


class IstftnetSettings(_Upsampling):
    """Upsampling, then a small inverse STFT (iSTFTNet; Kaneko et al., 2022)."""

    kind: Literal["istftnet"] = "istftnet"
    """Decoder family."""
    upsample_rates: Integers = (8, 8)
    """Stride of each transposed convolution; their product times `istft_hop` is `audio.hop_length`."""
    upsample_kernel_sizes: Integers = (16, 16)
    """Kernel size of each transposed convolution, in samples of its output."""
    istft_n_fft: Positive = 16
    """FFT size of the inverse STFT, and length of its Hann window, in samples."""
    istft_hop: Positive = 4
    """Hop of the inverse STFT, in samples."""

    @property
    def samples_per_step(self) -> int:
        """Audio samples per position after the last transposed convolution."""
        return self.istft_hop

    def rules(self, hop_length: int) -> Rules:
        """The constraints on these settings, for audio of this hop length in samples."""
        return [*super().rules(hop_length), _transform_rule(self.istft_n_fft, self.istft_hop, "decoder.istft_")]


class MultibandSettings(IstftnetSettings):
    """Four sub-bands, each synthesized by an inverse STFT (Kawamura et al., 2023).

    mb-istft combines them with a pseudo-QMF filter bank (multi-band), ms-istft with learned filters (multi-stream).
    """

    kind: Literal["mb-istft", "ms-istft"] = "mb-istft"  # type: ignore[assignment]
    """Decoder family."""
    upsample_rates: Integers = (4, 4)
    """Stride of each transposed convolution; their product times `istft_hop` and the 4 bands is `audio.hop_length`."""

    @property
    def bands(self) -> int:
        """Number of sub-bands."""
        return 4

    @property
    def samples_per_step(self) -> int:
        """Audio samples per position after the last transposed convolution."""
        return self.istft_hop * self.bands


class VocosSettings(DecoderFamily):
    """ConvNeXt blocks at frame rate, then one inverse STFT (Vocos; Siuzdak, 2023)."""

    kind: Literal["vocos"] = "vocos"
    """Decoder family."""
    channels: Positive = 512
    """Channels of the ConvNeXt blocks."""
    expansion_channels: Positive = 1536
    """Hidden channels of the pointwise layers in each block."""
    layers: Positive = 8
    """Number of ConvNeXt blocks."""
    kernel_size: Positive = 7
    """Kernel size of the depthwise convolutions, in frames."""
    istft_n_fft: Positive = 1024
    """FFT size of the inverse STFT, and length of its Hann window, in samples; its hop is `audio.hop_length`."""

    def rules(self, hop_length: int) -> Rules:
        """The constraints on these settings, for audio of this hop length in samples."""
        return [
            (self.kernel_size % 2 == 0, f"decoder.kernel_size = {self.kernel_size} must be odd"),
            _transform_rule(self.istft_n_fft, hop_length, "audio.hop_length and decoder.istft_"),
        ]


class HarmonicNoiseSettings(VocosSettings):
    """Harmonics of a predicted pitch, plus noise (after Stylianou, 2001, and DDSP; Engel et al., 2020)."""

    kind: Literal["harmonic_noise"] = "harmonic_noise"  # type: ignore[assignment]
    """Decoder family."""
    predicts_pitch: ClassVar[bool] = True


def _transform_rule(n_fft: int, hop: int, name: str) -> tuple[bool, str]:
    broken = n_fft % hop != 0 or n_fft // hop < 2 or n_fft % 2 != 0 or (n_fft - hop) % 2 != 0
    return broken, f"{name}n_fft = {n_fft} must be an even multiple of the hop {hop}, at least twice as long"


def kind_of(section: Any) -> Any:
    """The `decoder.kind` of settings that may not be validated yet; the default is hifigan."""
    return section.get("kind", "hifigan") if isinstance(section, dict) else getattr(section, "kind", None)


def _with_kind(section: Any) -> Any:
    return {**section, "kind": kind_of(section)} if isinstance(section, dict) else section


_Family = (
    HifiganSettings | BigvganSettings | IstftnetSettings | MultibandSettings | VocosSettings | HarmonicNoiseSettings
)
DecoderSettings = Annotated[_Family, Field(discriminator="kind"), BeforeValidator(_with_kind)]
DECODER_FAMILIES: tuple[type[Section], ...] = get_args(_Family)
DECODER_KINDS: tuple[str, ...] = tuple(
    kind for family in DECODER_FAMILIES for kind in get_args(family.model_fields["kind"].annotation)
)
