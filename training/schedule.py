"""The learning rate as a pure function of where training is, so that nothing about it can be lost or applied twice."""

from configs import TrainSettings


def learning_rate(settings: TrainSettings, *, step: int, epoch: int) -> float:
    """Linear warm-up over steps, times exponential decay per finished epoch (VITS, section 3.3).

    Args:
        settings: the train section.
        step: updates made so far; the first update is made at step 0.
        epoch: passes over the data finished so far.
    """
    warmup = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    return settings.learning_rate * warmup * settings.learning_rate_decay**epoch
