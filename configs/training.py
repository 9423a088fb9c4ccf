"""The settings of a run: its folder and device, the losses, and the optimisation."""

import math
from typing import Annotated, Literal

from pydantic import Field, WrapValidator

from configs.section import NonNegative, PathText, Positive, Probability, Section, Weight, number_or_auto

# Bounds beyond which weights or gradients overflow float32 after a few steps, whatever else is set.
LossWeight = Annotated[float, Field(ge=0.0, le=1e9)]
LearningRate = Annotated[float, Field(gt=0.0, le=100.0)]
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


class LossWeights(Section):
    """The weight of each term of the generator loss."""

    mel: LossWeight = 45.0
    """Mel reconstruction loss (L1)."""
    kl: LossWeight = 1.0
    """KL divergence between the posterior and the flow prior."""
    duration: LossWeight = 1.0
    """Duration loss: negative log-likelihood, or squared error of the deterministic predictor."""
    adversarial: LossWeight = 1.0
    """Least-squares adversarial loss."""
    feature_matching: LossWeight = 1.0
    """Feature matching loss, which is doubled by its definition."""
    subband_stft: LossWeight = 0.0
    """Multi-resolution STFT loss on four sub-bands (Multi-band MelGAN, 2021); default 0, but 1 for mb-istft."""


class LossSettings(LossWeights):
    """The terms of the generator loss: their weights, and which of several definitions they have."""

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
    warmup_steps: NonNegative = 0
    """Learning-rate schedule: steps of linear warm-up from zero."""
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
    histograms: bool = False
    """Whether weight histograms are written to TensorBoard at each validation."""

    @property
    def batch_size(self) -> int:
        """Clips per step; known once `training.memory_check.check_memory` has replaced auto."""
        if self.asked_batch_size == "auto":
            raise ValueError("train.batch_size = auto has not been replaced by a number yet")
        return self.asked_batch_size
