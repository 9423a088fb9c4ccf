"""Distance between what was recorded and what was decoded (VITS, section 2.1.3, equation 2)."""

from torch import Tensor


def mel_loss(mel_real: Tensor, mel_generated: Tensor) -> Tensor:
    """Mean absolute difference of two log-mel spectrograms [B, M, F]; 0-d, before its weight."""
    return (mel_real.float() - mel_generated.float()).abs().mean()
