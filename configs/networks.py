"""The settings of the networks: the synthesizer (its decoders apart) and the discriminators."""

from typing import Annotated, Literal

from pydantic import Field

from configs.section import Integers, NonNegative, Positive, Probability, Section

Resolution = Annotated[tuple[Positive, Positive, Positive], Field(strict=False)]


class ModelSettings(Section):
    """The conditional VAE: text encoder, posterior encoder, flow and duration predictor."""

    hidden_channels: Positive = 192
    """H: hidden channels of the encoders and the flow."""
    latent_channels: Positive = 192
    """Z: channels of the latent variable z."""
    filter_channels: Positive = 768
    """Channels of the text encoder's feed-forward layers."""
    attention_heads: Positive = 2
    """Attention heads of the text encoder."""
    attention_window: Positive = 4
    """Maximum relative position of the self-attention, in phonemes; larger distances are clipped to it."""
    text_layers: Positive = 6
    """Transformer layers of the text encoder."""
    text_kernel_size: Positive = 3
    """Kernel size of the feed-forward convolutions, in phonemes."""
    text_dropout: Probability = 0.1
    """Dropout probability of the text encoder."""
    posterior_layers: Positive = 16
    """WaveNet layers of the posterior encoder."""
    posterior_kernel_size: Positive = 5
    """Kernel size of the posterior encoder, in frames."""
    coupling_layers: Positive = 4
    """Affine coupling layers of the flow."""
    coupling_wavenet_layers: Positive = 4
    """WaveNet layers in each coupling layer."""
    coupling_kernel_size: Positive = 5
    """Kernel size of the flow, in frames."""
    coupling_channels: Positive | None = None
    """Hidden channels of the flow; `hidden_channels` if unset."""
    duration_predictor: Literal["stochastic", "deterministic"] = "stochastic"
    """stochastic: a normalising flow over durations (the paper); deterministic: regression of one value per phoneme
    (its ablation)."""
    duration_channels: Positive = 192
    """Hidden channels of the duration predictor (the paper's deterministic one has 256)."""
    duration_kernel_size: Positive = 3
    """Kernel size of the duration predictor, in phonemes."""
    duration_flows: Positive = 4
    """Spline coupling layers of the stochastic duration predictor."""
    duration_dropout: Probability = 0.5
    """Dropout probability of the duration predictor."""
    speaker_channels: Positive = 256
    """Channels of the speaker embedding; used if the corpus has more than one speaker."""


class DiscriminatorSettings(Section):
    """The discriminators of HiFi-GAN (2020), section 2.3, as VITS uses them."""

    periods: Integers = (2, 3, 5, 7, 11)
    """Periods of the multi-period discriminator, in samples; one sub-discriminator each."""
    scales: NonNegative = 1
    """Sub-discriminators of the multi-scale discriminator: 1 as in VITS, 3 (each after 2x average pooling) as in
    HiFi-GAN."""
    resolutions: Annotated[tuple[Resolution, ...], Field(strict=False)] = ()
    """STFTs of the multi-resolution discriminator, as [n_fft, hop, window] in samples; none in VITS."""
    channel_divisor: Literal[1, 2, 4, 8, 16] = 1
    """Divisor of all channel counts of the published discriminators."""
