"""Distance between what was recorded and what was decoded (VITS, section 2.1.2, equation 2)."""

from torch import Tensor


def mel_loss(mel_real: Tensor, mel_generated: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference of two log-mel spectrograms, before its weight.

    Args:
        mel_real: [B, M, F].
        mel_generated: [B, M, F].
        mask: [B, 1, F], ones at frames that count; None counts every frame.

    Returns:
        0-d tensor.
    """
    difference = (mel_real.float() - mel_generated.float()).abs()
    if mask is None:
        return difference.mean()
    return (difference * mask).sum() / (mask.float().sum() * difference.shape[1])
