"""How badly the durations are predicted (VITS, equation 7, and section 4.2 for the deterministic predictor)."""

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
