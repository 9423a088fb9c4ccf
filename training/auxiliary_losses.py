"""Optional terms of the generator loss, each built and computed only where its weight in [loss] is above 0.

B batch · K segments of each clip · S samples of a segment
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from configs import Config
from data.spectrogram import LOG_MEL_RANGE
from losses import (
    MultiScaleMelLoss,
    cosine_loss,
    distance_loss,
    ms_ssim_loss,
    ssim_loss,
    stft_loss,
    subband_stft_loss,
)
from models.layers.pqmf import Pqmf
from training.accumulation import LossNormalisation
from training.features import GeneratorOutput


class AuxiliaryLoss(nn.Module, ABC):
    """One optional term: `class MyTerm(AuxiliaryLoss, weight="my_term", mean_over="clips")`.

    What it holds (windows, filters) follows from the settings and is not part of a checkpoint.

    Args:
        config: the experiment.
    """

    of_weight: ClassVar[dict[str, type["AuxiliaryLoss"]]] = {}
    mean_over: ClassVar[Literal["clips", "phonemes", "frames", "segment_frames"]]  # which normalisation it has

    def __init_subclass__(cls, weight: str, mean_over: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.mean_over = mean_over  # type: ignore[assignment]
        cls.of_weight[weight] = cls

    def __init__(self, config: Config) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, output: GeneratorOutput) -> Tensor:
        """The term of a batch, 0-d, before its normalisation and its weight."""


class AuxiliaryLosses(nn.Module):
    """The optional terms of an experiment."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        weights, known = config.loss.weights, AuxiliaryLoss.of_weight
        self.terms = nn.ModuleDict({name: term(config) for name, term in known.items() if weights[name] > 0.0})

    def forward(self, output: GeneratorOutput, normalisation: LossNormalisation) -> dict[str, Tensor]:
        """Each term by the name of its weight, normalised; 0-d."""
        return {
            name: term(output) * getattr(normalisation, AuxiliaryLoss.of_weight[name].mean_over)
            for name, term in self.terms.items()
        }


class SubbandStft(AuxiliaryLoss, weight="subband_stft", mean_over="segment_frames"):
    """`losses.subband_stft_loss` on four sub-bands, whatever the decoder makes."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.bank = Pqmf(4)

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the sub-bands of the segments; those of a multi-band decoder are what it joined."""
        segments, bank = output.segments, self.bank
        mask = segments.sample_mask[:, :, :: bank.bands]
        return subband_stft_loss(bank.analysis(segments.real), bank.analysis(segments.generated), mask)


class Waveform(AuxiliaryLoss, weight="waveform", mean_over="segment_frames"):
    """`losses.distance_loss` of the waveforms."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.kind = config.loss.waveform_distance

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the samples of the segments."""
        segments = output.segments
        return distance_loss(segments.real, segments.generated, segments.sample_mask, kind=self.kind)


class Stft(AuxiliaryLoss, weight="stft", mean_over="segment_frames"):
    """`losses.stft_loss` of the waveforms, of which micro-batches do not add up exactly."""

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the segments' spectra."""
        segments = output.segments
        return stft_loss(segments.real, segments.generated, segments.sample_mask)


class MultiScaleMel(AuxiliaryLoss, weight="multi_scale_mel", mean_over="segment_frames"):
    """`losses.MultiScaleMelLoss`; micro-batches add up exactly where no clip is shorter than a segment."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.loss = MultiScaleMelLoss(config.audio.sample_rate)

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the segments' mel spectrograms at every scale."""
        segments = output.segments
        loss: Tensor = self.loss(segments.real, segments.generated, segments.sample_mask)
        return loss


class Ssim(AuxiliaryLoss, weight="ssim", mean_over="clips"):
    """`losses.ssim_loss` of log-mel spectrograms, counted from their floor, so that no value is negative."""

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the mel spectrograms of the segments."""
        segments = output.segments
        real, generated = (mel + LOG_MEL_RANGE for mel in (segments.mel_real, segments.mel_generated))
        return ssim_loss(real, generated, segments.frame_mask, data_range=LOG_MEL_RANGE)


class MsSsim(AuxiliaryLoss, weight="ms_ssim", mean_over="clips"):
    """`losses.ms_ssim_loss` of log-mel spectrograms, counted from their floor, so that no value is negative."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.scales = config.loss.ms_ssim_scales

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the mel spectrograms of the segments."""
        segments = output.segments
        real, generated = (mel + LOG_MEL_RANGE for mel in (segments.mel_real, segments.mel_generated))
        return ms_ssim_loss(real, generated, segments.frame_mask, data_range=LOG_MEL_RANGE, scales=self.scales)


class Cosine(AuxiliaryLoss, weight="cosine", mean_over="segment_frames"):
    """`losses.cosine_loss` of log-mel frames."""

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the mel spectrograms of the segments."""
        segments = output.segments
        return cosine_loss(segments.mel_real, segments.mel_generated, segments.frame_mask)
