"""How badly the durations are predicted (VITS, section 2.2.2, equation 7)."""

from torch import Tensor


def duration_loss(cost: Tensor, phoneme_mask: Tensor) -> Tensor:
    """Average the predictor's cost over all real phonemes of the batch.

    Args:
        cost: [B], summed over each utterance's phonemes: nats (stochastic) or squared log frames (deterministic).
        phoneme_mask: [B, 1, P], ones at real phonemes.

    Returns:
        0-d tensor.
    """
    return cost.float().sum() / phoneme_mask.float().sum()
