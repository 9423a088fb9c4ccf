"""Optional terms that compare recorded with decoded segments: waveforms, spectra and mel spectrograms.

B batch · K segments of each clip · S samples of a segment
"""

from torch import Tensor

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
from training.auxiliary_losses.auxiliary_loss import AuxiliaryLoss, Ingredients
from training.features import GeneratorOutput, pitch_loss


class SubbandStft(AuxiliaryLoss, weight="subband_stft", mean_over="segment_frames"):
    """`losses.subband_stft_loss` on four sub-bands, whatever the decoder makes."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.bank = Pqmf(4)

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the sub-bands of the segments; those of a multi-band decoder are what it joined."""
        segments, bank = output.segments, self.bank
        mask = segments.sample_mask[:, :, :: bank.bands]
        return subband_stft_loss(bank.analysis(segments.real), bank.analysis(segments.generated), mask)


class Waveform(AuxiliaryLoss, weight="waveform", mean_over="segment_frames"):
    """`losses.distance_loss` of the waveforms."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.kind = of.config.loss.waveform_distance

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the samples of the segments."""
        segments = output.segments
        return distance_loss(segments.real, segments.generated, segments.sample_mask, kind=self.kind)


class Pitch(AuxiliaryLoss, weight="pitch", mean_over="segment_frames"):
    """`losses.PitchLoss` of the pitch that the decoder reads from the latents."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.loss = pitch_loss(of.config.audio)

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare it with that of the recorded segments."""
        segments, log_pitch = output.segments, output.synthesis.log_pitch
        assert log_pitch is not None
        loss: Tensor = self.loss(segments.real, log_pitch, segments.frame_mask)
        return loss


class Stft(AuxiliaryLoss, weight="stft", mean_over="segment_frames"):
    """`losses.stft_loss` of the waveforms, of which micro-batches do not add up exactly."""

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the segments' spectra."""
        segments = output.segments
        return stft_loss(segments.real, segments.generated, segments.sample_mask)


class MultiScaleMel(AuxiliaryLoss, weight="multi_scale_mel", mean_over="segment_frames"):
    """`losses.MultiScaleMelLoss`; micro-batches add up exactly where no clip is shorter than a segment."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.loss = MultiScaleMelLoss(of.config.audio.sample_rate)

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

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.scales = of.config.loss.ms_ssim_scales

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
