"""The synthesizer's training objective: every term and its weight by one name (VITS, section 2.4, equation 11)."""

from dataclasses import dataclass

from torch import Tensor

from configs import LossSettings


@dataclass(frozen=True)
class SynthesizerObjective:
    """The terms of the synthesizer's loss, 0-d tensors, unweighted."""

    mel: Tensor
    kl: Tensor
    duration: Tensor
    adversarial: Tensor
    feature_matching: Tensor
    subband_stft: Tensor | None = None  # None where its weight is zero

    def total(self, weights: LossSettings) -> Tensor:
        """The weighted sum, 0-d."""
        assert self.subband_stft is not None or weights.subband_stft == 0.0, "a term with a weight must be computed"
        terms = [getattr(weights, name) * term for name, term in self.named().items()]
        return sum(terms[1:], start=terms[0])

    def named(self) -> dict[str, Tensor]:
        """Every term that was computed, by the name of its weight in the settings."""
        terms = {name: getattr(self, name) for name in LossSettings.model_fields}
        return {name: term for name, term in terms.items() if term is not None}
