"""The settings of a run: its folder and device, the losses, and the optimisation."""

import math
from typing import Annotated, Literal

from pydantic import Field, WrapValidator

from configs.section import (
    NonNegative,
    PathText,
    Positive,
    Probability,
    Section,
    Text,
    Weight,
    number_or_always,
    number_or_auto,
)

# The parts of a synthesizer, which can be frozen, warm-started and given a learning rate of their own.
PARTS = ("text_encoder", "posterior_encoder", "flow", "duration_predictor", "decoder", "speakers")

# Bounds beyond which weights or gradients overflow float32 after a few steps, whatever else is set.
LossWeight = Annotated[float, Field(ge=0.0, le=1e9)]
DistanceKind = Literal["l1", "l2", "log_cosh"]
LearningRate = Annotated[float, Field(gt=0.0, le=100.0)]
AdversarialObjectiveName = Literal[
    "least_squares",
    "minimax",
    "non_saturating",
    "hinge",
    "wasserstein",
    "wasserstein_gp",
    "dragan",
    "began",
]
# Where the square of a gradient underflows float32, AdamW divides by epsilon alone.
Epsilon = Annotated[float, Field(ge=1e-20, le=1.0)]


class RunSettings(Section):
    """The run folder, the random seed and the device."""

    dir: PathText
    """Run folder: checkpoints, metrics, samples and the voice."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1234
    """Random seed of initialisation, data order, segments and noise."""
    device: str = "auto"
    """Torch device: cpu, cuda, cuda:1 or mps; auto is cuda if available, else cpu."""
    threads: NonNegative = 0
    """CPU threads of torch; 0 keeps its default."""
    architecture: Literal["settings", "voice"] = "settings"
    """voice: what [audio], [model], [decoder], data.language and data.front_end leave open is as in the voice of
    --warm-start."""
    recovery_steps: NonNegative = 0
    """Most steps in which a posterior encoder that the voice of --warm-start lacks, and a decoder of other settings
    than its own, learn from its speech; 0 begins them anew."""


class LossWeights(Section):
    """The weight of each term of the generator loss."""

    mel: LossWeight = 45.0
    """Mel reconstruction loss of `mel_distance`."""
    kl: LossWeight = 1.0
    """KL divergence between the posterior and the flow prior."""
    duration: LossWeight = 1.0
    """Duration loss: negative log-likelihood, or squared error of the deterministic predictor."""
    adversarial: LossWeight = 1.0
    """Adversarial loss of `adversarial_objective`."""
    feature_matching: LossWeight = 1.0
    """Feature matching loss of `feature_matching_kind`, which is doubled by VITS's definition."""
    subband_stft: LossWeight = 0.0
    """Multi-resolution STFT loss on four sub-bands (Multi-band MelGAN, 2021); default 0, but 1 for mb-istft."""
    pitch: LossWeight = 0.0
    """L1 of the logarithm of the pitch that the decoder predicts, where the recording is voiced; default 0, but 100 for
    harmonic_noise, the one decoder that predicts it."""
    waveform: LossWeight = 0.0
    """Distance of waveforms, `waveform_distance` (EnCodec, Défossez et al., 2022, section 3.4); 0 in VITS."""
    stft: LossWeight = 0.0
    """Multi-resolution STFT loss of waveforms (Parallel WaveGAN, Yamamoto et al., 2020, section 2.2); 0 in VITS."""
    multi_scale_mel: LossWeight = 0.0
    """L1 of log-mel spectrograms of seven window lengths (DAC, Kumar et al., 2023, section 3.5); 0 in VITS."""
    ssim: LossWeight = 0.0
    """Structural similarity of mel spectrograms, as 1 - SSIM (Wang et al., 2004, equation 13); 0 in VITS."""
    ms_ssim: LossWeight = 0.0
    """Multi-scale SSIM of mel spectrograms, as 1 - MS-SSIM (Wang et al., 2003, equation 7); 0 in VITS."""
    cosine: LossWeight = 0.0
    """1 - cosine similarity of the frames of mel spectrograms; 0 in VITS."""
    perceptual: LossWeight = 0.0
    """Squared distance of the feature maps of `perceptual_network` (Johnson et al., 2016, equation 2); 0 in VITS."""
    cycle: LossWeight = 0.0
    """L1 of mel after conversion to another speaker and back (CycleGAN, Zhu et al., 2017, equation 2); 0 in VITS."""
    identity: LossWeight = 0.0
    """L1 of mel of a segment that is encoded and decoded once more (after Zhu et al., section 5.2); 0 in VITS."""
    speaker_contrastive: LossWeight = 0.0
    """Contrastive loss of speaker embeddings, with a margin (Hadsell et al., 2006, equation 4); 0 in VITS."""
    speaker_info_nce: LossWeight = 0.0
    """InfoNCE of speaker embeddings, in nats (van den Oord et al., 2018, equation 4); 0 in VITS."""


class LossSettings(LossWeights):
    """The terms of the generator loss: their weights, and which of several definitions they have."""

    mel_distance: DistanceKind = "l1"
    """Distance of `mel`: l1 (VITS, equation 2), l2, or log_cosh (Chen et al., 2018), which is between the two."""
    waveform_distance: DistanceKind = "l1"
    """Distance of `waveform`: l1 (EnCodec, section 3.4), l2 or log_cosh."""
    feature_matching_kind: Literal["sum", "mean", "relative"] = "sum"
    """Feature matching: sum over layers, doubled (VITS, equation 10); mean over layers without the logits (MelGAN,
    Kumar et al., 2019); relative to the real feature map's mean (EnCodec, Défossez et al., 2022, equation 2)."""
    ms_ssim_scales: Annotated[int, Field(ge=1, le=5)] = 5
    """Scales of `ms_ssim`: 5 (Wang et al., 2003) need 176 mel bands and frames, 4 need 88, 3 need 44 and 2 need 22."""
    schedule: dict[str, Annotated[tuple[NonNegative, ...], Field(strict=False, min_length=2, max_length=2)]] = Field({})
    """Steps [from, to] over which a weight rises linearly from 0, by its name, such as {kl = [0, 2000]}."""
    balance: Literal["fixed", "gradient"] = "fixed"
    """gradient: the terms that depend on the generated audio share its gradient in proportion to their weights
    (EnCodec, Défossez et al., 2023, section 3.4), whatever their sizes."""
    adversarial_objective: AdversarialObjectiveName = "least_squares"
    """The game of the discriminator with the generator; least_squares is VITS. docs/losses.md compares them."""
    clip_weights: Annotated[float, Field(gt=0.0, le=1e9)] = 0.01
    """Bound of the discriminator's weights with wasserstein (Arjovsky et al., 2017, algorithm 1)."""
    gradient_penalty: LossWeight = 10.0
    """Weight of the gradient penalty of wasserstein_gp and dragan."""
    r1: LossWeight = 0.0
    """Weight (gamma) of a zero-centred gradient penalty on real audio, with any objective (Mescheder et al., 2018)."""
    began_gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Diversity ratio of began: the autoencoder's error on generated audio relative to that on real audio."""

    perceptual_network: Text = "recogniser"
    """Network of `perceptual`: recogniser, trained once on the recordings; or module:function, which builds from the
    sample rate in Hz a module from audio [B, 1, S] to a list of feature maps [B, C, T]."""
    recogniser_hours: Annotated[float, Field(gt=0.0, le=1e4)] = 18.0
    """Hours of speech, repetitions counted, that the recogniser is trained on, in 40 epochs at most."""
    speaker_encoder: Text = "classifier"
    """Network of the two losses of speaker embeddings: classifier, trained once on the recordings; or module:function,
    which builds from the sample rate in Hz a module from audio [B, 1, S] to embeddings [B, E]."""
    speaker_margin: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0
    """Margin of `speaker_contrastive`: distance, of 2 at most, beyond which different speakers cost nothing."""
    speaker_temperature: Annotated[float, Field(ge=1e-3, le=1e3)] = 0.1
    """Temperature of `speaker_info_nce`."""

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each term, by its name."""
        return {name: getattr(self, name) for name in LossWeights.model_fields}


class TrainSettings(Section):
    """Optimisation, mixed precision, validation and checkpoints."""

    steps: Positive = 800_000
    """Training steps."""
    epochs: Positive | None = None
    """Epochs after which training ends, if that is before `steps`."""
    asked_batch_size: Annotated[Positive | Literal["auto"], WrapValidator(number_or_auto)] = Field(
        64, alias="batch_size"
    )
    """Clips per step, the maximum if `batch_frames` is set; auto: as many as fit into device memory, 64 at most."""
    batch_frames: Positive | None = None
    """Maximum spectrogram frames per step, padding included; a longer clip makes a batch of one."""
    discriminator_updates: Positive = 1
    """Updates of the discriminator per update of the generator, on new segments and noise of the same clips; default 1,
    but 5 for wasserstein and wasserstein_gp, as in their papers."""
    accumulate: Positive = 1
    """Gradient accumulation: micro-batches per step, with exact loss normalisation; less memory, more time."""
    segment_samples: Positive = 8192
    """S: length of the random segments that the decoder is trained on, in samples."""
    segments: Positive = 1
    """Segments per clip and step."""
    learning_rate: LearningRate = 2e-4
    """Initial learning rate of both AdamW optimizers."""
    learning_rate_decay: Annotated[float, Field(gt=0, le=1)] = 0.999875
    """Learning-rate schedule: exponential decay factor per epoch."""
    learning_rate_decay_steps: Positive | None = None
    """Learning-rate schedule: steps per decay factor, in the place of an epoch."""
    learning_rate_decay_clips: Positive | None = None
    """Learning-rate schedule: clips per decay factor, in the place of an epoch: whatever the batch and the GPUs."""
    warmup_steps: NonNegative = 0
    """Learning-rate schedule: steps of linear warm-up from zero."""
    learning_rates: dict[str, LearningRate] = Field({})
    """Factor of the learning rate of a part of the voice, or of the discriminator, such as {text_encoder = 0.1}."""
    freeze: dict[str, Annotated[Positive | Literal["always"], WrapValidator(number_or_always)]] = Field({})
    """Parts of the voice that are frozen for so many steps, or always: {text_encoder = "always", decoder = 200}."""
    initial_alignment_steps: NonNegative = 0
    """Steps in which monophones, fitted in seconds before the first step, align texts with recordings; then the model's
    own alignment search does, as in VITS from the first step on."""
    adam_beta_1: Probability = 0.8
    """AdamW beta 1."""
    adam_beta_2: Probability = 0.99
    """AdamW beta 2."""
    adam_epsilon: Epsilon = 1e-9
    """AdamW epsilon."""
    weight_decay: Weight = 0.01
    """AdamW decoupled weight decay."""
    max_gradient_norm: Annotated[float, Field(gt=0)] = math.inf
    """Gradient clipping: maximum norm of each network's gradients; inf disables it, the norm is still logged."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Mixed precision of convolutions and matrix products; auto is bf16 on a GPU that supports it, else fp32."""
    execution: Literal["eager", "compiled", "graphs", "compiled-graphs"] = "eager"
    """How the training step runs: eager, torch.compile, CUDA graphs, or compiled CUDA graphs."""
    ema_decay: Probability = 0.999
    """EMA decay of the synthesizer's weights, per step; the EMA weights become the voice. 0 disables it."""
    patience: Positive | None = None
    """Early stopping: validations in a row without a better score after which training ends; the best voice is kept."""
    hours: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    """Hours of training, over all its starts, after which it ends with a validation and the voice saved."""
    report_every: Positive = 200
    """Steps between metrics records."""
    validate_every: Positive = 1000
    """Steps between validations."""
    checkpoint_every: Positive = 1000
    """Steps between checkpoints."""
    keep_checkpoints: Positive = 3
    """Number of recent checkpoints kept, besides the best one."""
    spoken_sentences: NonNegative = 4
    """Validation sentences that are synthesized at each validation."""
    asr: Text | None = None
    """An ASR for the word error rate of these sentences: whisper, whisper:MODEL, or a function module:function."""
    asr_every: Positive = 1
    """Validations per word error rate."""
    histograms: bool = False
    """Whether weight histograms are written to TensorBoard at each validation."""

    @property
    def batch_size(self) -> int:
        """Clips per step; known once `training.memory_check.check_memory` has replaced auto."""
        if self.asked_batch_size == "auto":
            raise ValueError("train.batch_size = auto has not been replaced by a number yet")
        return self.asked_batch_size
