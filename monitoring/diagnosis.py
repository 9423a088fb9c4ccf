"""The diagnosis of a run: what its curves say, in words."""

import numpy as np

from monitoring.finding import Finding, Rule, Severity
from monitoring.outlook import outlook
from monitoring.rules import (
    adversarial,
    generalisation,
    latent,
    optimisation,
    reconstruction,
    recordings,
    speech,
    throughput,
)
from monitoring.run import Run, read_run

__all__ = ["RULES", "Finding", "Run", "Severity", "diagnose", "read_run"]

# Causes come before their effects. A rule that has too few points returns nothing.
RULES: tuple[Rule, ...] = (
    optimisation.gradients_not_finite,
    optimisation.learning_rate_too_high,
    optimisation.learning_rate_finished,
    recordings.too_little_data,
    recordings.speaking_rate_unlikely,
    recordings.bandwidth_missing,
    speech.text_not_used,
    speech.alignment_never_formed,
    latent.kl_exploding,
    latent.kl_collapsed,
    reconstruction.mel_stuck,
    adversarial.discriminator_not_learning,
    adversarial.discriminator_winning,
    generalisation.memorised,
    generalisation.validation_rising,
    generalisation.durations_overfitting,
    generalisation.ema_behind,
    optimisation.gradients_spiking,
    optimisation.gradients_growing,
    optimisation.learning_rate_flat,
    optimisation.learning_rate_too_low,
    reconstruction.mel_plateaued,
    speech.loudness_off,
    speech.length_off,
    throughput.data_bound,
    throughput.validation_costly,
    throughput.saving_costly,
    recordings.lines_damaged,
    reconstruction.mel_falling,
    latent.kl_settled,
    adversarial.discriminator_balanced,
    speech.alignment_formed,
    generalisation.validation_follows,
    optimisation.gradients_stable,
    recordings.recordings_fit,
)
_ORDER: tuple[Severity, ...] = ("problem", "notice", "ok")


def diagnose(run: Run) -> list[Finding]:
    """Apply every rule to a run.

    Returns:
        Problems first, then notices, then what is as it should be; the last finding is always "outlook": continue, or
        stop.
    """
    with np.errstate(all="ignore"):  # extreme values are reported by the rules
        found = [finding for rule in RULES if (finding := rule(run))]
        found.sort(key=lambda finding: _ORDER.index(finding.severity))
        return [*found, outlook(run, found)]
