"""The diagnosis on a run: what its curves say in words."""

from collections.abc import Callable

import numpy as np

from monitoring.finding import Finding, Severity
from monitoring.outlook import outlook
from monitoring.rules import (
    adversarial,
    generalisation,
    latent,
    optimisation,
    pace,
    reconstruction,
    record,
    recordings,
    speech,
)
from monitoring.run import Run, read_run

__all__ = ["RULES", "Finding", "Run", "Severity", "diagnose", "read_run"]

Rule = Callable[[Run], Finding | None]

# What is said first is what explains the rest. A rule that has too little to go by says nothing.
RULES: tuple[Rule, ...] = (
    optimisation.gradients_not_finite,
    optimisation.learning_rate_too_high,
    optimisation.learning_rate_finished,
    recordings.too_little_data,
    recordings.speaking_rate_unlikely,
    recordings.bandwidth_missing,
    speech.texts_tell_nothing,
    speech.alignment_never_formed,
    latent.kl_exploding,
    latent.kl_collapsed,
    reconstruction.mel_stuck,
    adversarial.discriminator_asleep,
    adversarial.discriminator_winning,
    generalisation.learnt_by_heart,
    generalisation.validation_rising,
    generalisation.durations_overfitting,
    generalisation.averages_behind,
    optimisation.gradients_spiking,
    optimisation.gradients_growing,
    optimisation.learning_rate_flat,
    optimisation.learning_rate_too_low,
    reconstruction.mel_plateaued,
    speech.loudness_off,
    speech.length_off,
    pace.data_bound,
    pace.validation_costly,
    pace.saving_costly,
    record.lines_damaged,
    reconstruction.mel_falling,
    latent.kl_settled,
    adversarial.discriminator_balanced,
    speech.alignment_formed,
    generalisation.validation_follows,
    optimisation.gradients_calm,
    recordings.recordings_fit,
)
_GRAVITY: dict[Severity, int] = {"problem": 0, "notice": 1, "ok": 2}


def diagnose(run: Run) -> list[Finding]:
    """Diagnose a run by every rule.

    Returns:
        Problems first, then notices, then what is as it should be; the last finding is always "outlook": go on, or
        stop.
    """
    with np.errstate(all="ignore"):  # figures beyond all reason are found, not warned of
        found = [finding for rule in RULES if (finding := rule(run))]
        found.sort(key=lambda finding: _GRAVITY[finding.severity])
        return [*found, outlook(run, found)]
