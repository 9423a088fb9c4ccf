"""Whether optimisation works: learning rate and gradients."""

import numpy as np

from monitoring.curves import Curve
from monitoring.finding import Severity, percent, rule, steps_of
from monitoring.run import LEAST_REPORTS, NO_TEXT_GAIN, Run

NETWORKS = ("generator", "discriminator")
SKIPPED = 0.05  # share of updates; fp16 loses a few while it searches for its loss scale (espnet/espnet issue 3237)
MOSTLY_SKIPPED = 0.5
SPIKE = 30.0  # times the median norm; within a report of a good run the greatest is a few times the mean
SPIKES = 0.05  # share of reports with a spike
GROWTH = 10.0  # times the norm of the second quarter of the run; good runs stay within a factor of 3
HIGH_RATE = 1e-3  # five times that of VITS and HiFi-GAN; small models have trained with 2e-3, so it is no fault alone
LOW_RATE = 2e-5  # a tenth of it
EXTREME_RATE = 5e-3  # above it, no voice here has found its alignment
EXTREME_STEPS = 500
HIGH_MEL = 1.0  # nats; good runs pass it early
STILL_FALLING = 0.05  # relative decrease of the mel distance over half of the run
EARLY_STEPS = 1000
EXPECTED_DECAY = 0.9  # a schedule that should have taken off less than a tenth cannot be checked
FLAT = 0.99  # share of the learning rate that is left, above which it has not decayed
FINISHED = 0.01  # share of the highest learning rate; updates this small change nothing audible


@rule
def gradients_not_finite(run: Run) -> tuple[Severity, str] | None:
    """Losses that are not finite, or updates that were skipped because their gradients were not."""
    losses = run.curves.get("loss/generator/total") or run.curves.get("loss/generator/mel")
    if losses and len(losses) >= LEAST_REPORTS and not np.isfinite(losses.last(LEAST_REPORTS).values).any():
        since = losses.known.steps
        return "problem", (
            f"The losses are not numbers {f'since step {since[-1]}' if len(since) else 'at all'}: training has "
            "diverged. Resume from an earlier checkpoint with a smaller train.learning_rate, a "
            "train.max_gradient_norm, or train.precision = 'fp32'."
        )
    skipped = {name: curve for name in NETWORKS if (curve := run.latest(f"skipped_updates/{name}"))}
    if not skipped:
        return None
    worst = max(skipped, key=lambda name: float(skipped[name].values.mean()))
    share = float(skipped[worst].values.mean())
    if share <= SKIPPED:
        return None
    told = f"{percent(share)} of the {worst}'s updates over {steps_of(skipped[worst], run.last_step)} were skipped, "
    told += "because their gradients were not finite."
    if share > MOSTLY_SKIPPED:
        return "problem", f"{told} It hardly learns: lower train.learning_rate, or set train.precision = 'fp32'."
    return (
        "notice",
        f"{told} A few at the beginning are usual in fp16; for these, try train.precision = 'bf16' or 'fp32'.",
    )


@rule
def gradients_spiking(run: Run) -> tuple[Severity, str] | None:
    """Single updates with gradients far above the usual, by which Adam normalises.

    Pascanu et al., "On the difficulty of training recurrent neural networks" (2013), proposed clipping against them.
    """
    for network in NETWORKS:
        usual, most = run.latest(f"gradient_norm/{network}"), run.latest(f"gradient_norm_max/{network}")
        if usual is None or most is None or not usual.median > 0:
            continue
        spikes = int((most.values > SPIKE * usual.median).sum())
        if spikes > 1 and spikes >= SPIKES * len(most):
            return "notice", (
                f"The {network}'s gradients spike: {spikes} of {len(most)} reports over "
                f"{steps_of(most, run.last_step)} have a norm of up to {most.values.max():.3g}, where "
                f"{usual.median:.3g} is usual. Set train.max_gradient_norm to about {3 * usual.median:.2g}; one bad "
                "recording may be the cause, so look at the report of python -m data.prepare."
            )
    return None


@rule
def gradients_growing(run: Run) -> tuple[Severity, str] | None:
    """Gradients that keep growing come before losses that do."""
    for network in NETWORKS:
        curve = run.known(f"gradient_norm/{network}", least=4 * LEAST_REPORTS)
        if curve is None or run.latest(f"gradient_norm/{network}") is None or run.last_step < EARLY_STEPS:
            continue  # the discriminator's grow in the first steps of every run
        points = len(curve) // 4
        before, now = (float(np.median(curve.values[at * points : (at + 1) * points])) for at in (1, 3))
        if now > GROWTH * before > 0:
            return "notice", (
                f"The {network}'s gradients have grown from {before:.3g} in the second quarter of the run to "
                f"{now:.3g} in the last: lower train.learning_rate or set train.max_gradient_norm."
            )
    return None


@rule
def gradients_stable(run: Run) -> tuple[Severity, str] | None:
    """Gradients are finite, without spikes and without growth."""
    curves = {name: curve for name in NETWORKS if (curve := run.latest(f"gradient_norm/{name}"))}
    if not curves or gradients_not_finite(run) or gradients_spiking(run) or gradients_growing(run):
        return None
    norms = " and ".join(f"{curve.median:.3g} ({network})" for network, curve in curves.items())
    return "ok", f"The gradients are finite and stable, with norms of about {norms}."


@rule
def learning_rate_too_high(run: Run) -> tuple[Severity, str] | None:
    """A high learning rate where the voice does not learn.

    VITS and HiFi-GAN train with 2e-4; smaller models tolerate more, so a high rate is reported only beside its harm. A
    lower one mended runs that diverged in barronalex/Tacotron issue 7 and TensorSpeech/TensorFlowTTS issue 538.
    """
    rate, mel = _rate(run), run.progress("loss/generator/mel", "validation/mel")
    if rate is None or (highest := float(rate.values.max())) < HIGH_RATE:
        return None
    told, restart = f"The learning rate is {highest:.2g} (the paper's is 2e-4), and", "train.learning_rate = 2e-4"
    diverged = gradients_not_finite(run)
    if diverged and diverged.severity == "problem":
        return "problem", f"{told} there are no finite gradients left. Restart with {restart}."
    gain = run.latest("validation/text_gain")
    if highest > EXTREME_RATE and gain and gain.median < NO_TEXT_GAIN and run.last_step >= EXTREME_STEPS:
        return "problem", (
            f"{told} after {run.last_step} steps the voice does not use the text ({gain.median:.2g} nats per frame): "
            f"the updates are too large to find the alignment. Restart with {restart}."
        )
    if mel is None or mel.now < HIGH_MEL or run.last_step < EARLY_STEPS:
        return None
    told += f" the mel distance is {mel.now:.3g} nats after {run.last_step} steps ({mel.before:.3g} at step {mel.step})"
    if mel.fallen > STILL_FALLING:
        return "notice", f"{told}: training would be more stable with {restart}."
    return "problem", f"{told}: the updates are too large to converge. Restart with {restart}."


@rule
def learning_rate_too_low(run: Run) -> tuple[Severity, str] | None:
    """A low learning rate where much is left to learn; for a voice that is good already, as in fine-tuning, it fits."""
    rate, mel = _rate(run), run.progress("loss/generator/mel", "validation/mel")
    if rate is None or mel is None or run.last_step < EARLY_STEPS:
        return None
    if rate.values.max() > LOW_RATE or mel.now < HIGH_MEL:
        return None
    return "notice", (
        f"The learning rate never exceeded {rate.values.max():.2g}, and the mel distance is still {mel.now:.3g} nats: "
        "train.learning_rate = 2e-4 would learn about as well in far fewer steps."
    )


@rule
def learning_rate_flat(run: Run) -> tuple[Severity, str] | None:
    """A learning-rate schedule that is configured and not applied: a scheduler that is created and never stepped."""
    rate, epochs = _rate(run), run.known("schedule/epoch", least=2)
    if rate is None or epochs is None or run.config is None:
        return None
    highest = int(rate.values.argmax())  # the end of the warm-up
    since = epochs.between(float(rate.steps[highest]) - 1, np.inf)
    if len(since) < 2 or not rate.values[highest] > 0:
        return None
    passed = since.values[-1] - since.values[0]
    expected = float(np.power(run.config.train.learning_rate_decay, max(passed, 0.0)))
    if expected > EXPECTED_DECAY or rate.values[-1] / rate.values[highest] < FLAT:
        return None
    return "notice", (
        f"The learning rate has stayed at {rate.values[-1]:.3g} over {passed:.0f} epochs, where "
        f"train.learning_rate_decay should have left {percent(expected)} of it: the schedule is not followed."
    )


@rule
def learning_rate_finished(run: Run) -> tuple[Severity, str] | None:
    """A learning rate that has decayed to nothing: in coqui-ai/TTS issue 1003, 7e-111 after 244 000 steps."""
    rate = _rate(run)
    if rate is None or not (highest := float(rate.values.max())) > 0 or rate.values[-1] > FINISHED * highest:
        return None
    since = int(rate.steps[np.flatnonzero(rate.values > FINISHED * highest)[-1]])
    return "problem" if since < run.last_step / 2 else "notice", (
        f"The learning rate has decayed from {highest:.2g} to {rate.values[-1]:.2g}, and has been below "
        f"{percent(FINISHED)} of it since step {since}: the voice no longer learns. To continue, set "
        "train.learning_rate_decay nearer to 1."
    )


def _rate(run: Run) -> Curve | None:
    return run.known("schedule/learning_rate", least=LEAST_REPORTS)
