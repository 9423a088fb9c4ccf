"""Whether the optimizers learn: their learning rate and their gradients."""

import numpy as np

from monitoring.curves import Curve
from monitoring.finding import Finding
from monitoring.progress import progress
from monitoring.run import LEAST_REPORTS, NO_TEXT_GAIN, Run
from monitoring.wording import percent, steps_of

NETWORKS = ("synthesizer", "discriminator")
PASSED_OVER = 0.05  # share of steps; fp16 loses a few while it looks for its scale (espnet/espnet issue 3237)
MOSTLY_PASSED_OVER = 0.5
SPIKE = 30.0  # times the median norm; within a report of a good run the greatest is a few times the mean
SPIKES = 0.05  # share of reports with a spike
GROWTH = 10.0  # times the norm of the second quarter of the run; good runs stay within a factor of 3
HIGH_RATE = (
    1e-3  # five times that of VITS and HiFi-GAN; small models have learned with 2e-3, so it is no fault by itself
)
LOW_RATE = 2e-5  # a tenth of it
EXTREME_RATE = 5e-3  # with more than this, no voice here has found its alignment
EXTREME_STEPS = 500
UNLEARNED_MEL = 1.0  # nats; good runs pass it early
STILL_FALLING = 0.05  # share of the mel distance lost over half of the run
EARLY_STEPS = 1000
EXPECTED_DECAY = 0.9  # a schedule that should have taken less than a tenth off is not worth a word
FLAT = 0.99  # share of the rate that is left, above which it has not moved
FINISHED = 0.01  # share of its greatest value; steps this small change nothing that is heard


def gradients_not_finite(run: Run) -> Finding | None:
    """Gradients that are not numbers; the step is passed over, and nothing is learnt from it."""
    stopped = run.curves.get("loss/synthesizer") or run.curves.get("loss/mel")
    if stopped and len(stopped) >= LEAST_REPORTS and not np.isfinite(stopped.last(LEAST_REPORTS).values).any():
        since = stopped.known.steps
        return Finding(
            "gradients_not_finite",
            "problem",
            f"The losses are not numbers {f'since step {since[-1]}' if len(since) else 'at all'}: the run has broken. "
            "Go back to a checkpoint before that with a smaller train.learning_rate, a train.max_gradient_norm, or "
            "train.precision = 'fp32'.",
        )
    shares = {network: run.latest(f"passed_over/{network}") for network in NETWORKS}
    worst, share = max(
        ((network, curve) for network, curve in shares.items() if curve),
        key=lambda pair: np.mean(pair[1].values),
        default=(None, None),
    )
    if share is None or (lost := float(np.mean(share.values))) <= PASSED_OVER:
        return None
    told = f"{percent(lost)} of the {worst}'s steps over {steps_of(share, run.last_step)} were passed over, for their "
    told += "gradients were not finite."
    if lost > MOSTLY_PASSED_OVER:
        return Finding(
            "gradients_not_finite",
            "problem",
            f"{told} It hardly learns: lower train.learning_rate, or train with train.precision = 'fp32'.",
        )
    return Finding(
        "gradients_not_finite",
        "notice",
        f"{told} A few at the beginning are usual in fp16; these are too many: try train.precision = 'bf16' or 'fp32'.",
    )


def gradients_spiking(run: Run) -> Finding | None:
    """Single steps with gradients far above the rest: Adam divides by what was usual, so such a step goes far astray.

    Pascanu et al., "On the difficulty of training recurrent neural networks" (2013), proposed clipping for it.
    """
    for network in NETWORKS:
        usual, most = run.latest(f"gradient_norm/{network}"), run.latest(f"gradient_norm_max/{network}")
        if usual is None or most is None or not usual.median > 0:
            continue
        spikes = int((most.values > SPIKE * usual.median).sum())
        if spikes > 1 and spikes >= SPIKES * len(most):
            return Finding(
                "gradients_spiking",
                "notice",
                f"The {network}'s gradients spike: {spikes} of {len(most)} reports over "
                f"{steps_of(most, run.last_step)} have one of up to {most.values.max():.3g}, where {usual.median:.3g} "
                f"is usual. Set train.max_gradient_norm to about {3 * usual.median:.2g}; one bad recording may be the "
                "cause, so look at the report of python -m data.prepare.",
            )
    return None


def gradients_growing(run: Run) -> Finding | None:
    """Gradients that grow without end come before losses that do."""
    for network in NETWORKS:
        curve = run.known(f"gradient_norm/{network}", least=4 * LEAST_REPORTS)
        if curve is None or run.latest(f"gradient_norm/{network}") is None or run.last_step < EARLY_STEPS:
            continue  # the discriminators' grow in the first steps of every run
        before, now = _quarter(curve, 1), _quarter(curve, 3)
        if now > GROWTH * before > 0:
            return Finding(
                "gradients_growing",
                "notice",
                f"The {network}'s gradients have grown from {before:.3g} in the second quarter of the run to "
                f"{now:.3g} in the last: lower train.learning_rate or set train.max_gradient_norm.",
            )
    return None


def _quarter(curve: Curve, number: int) -> float:
    points = len(curve) // 4
    return float(np.median(curve.values[number * points : (number + 1) * points]))


def gradients_calm(run: Run) -> Finding | None:
    """Gradients as they should be."""
    curves = {network: run.latest(f"gradient_norm/{network}") for network in NETWORKS}
    known = {network: curve for network, curve in curves.items() if curve}
    if not known or gradients_not_finite(run) or gradients_spiking(run) or gradients_growing(run):
        return None
    norms = " and ".join(f"{curve.median:.3g} ({network})" for network, curve in known.items())
    return Finding("gradients_calm", "ok", f"The gradients are finite and calm, with norms of about {norms}.")


def learning_rate_too_high(run: Run) -> Finding | None:
    """A high rate where the voice does not learn.

    VITS and HiFi-GAN train with 2e-4; smaller models bear more, so a high rate is accused only beside harm. A lower
    one mended runs that diverged in barronalex/Tacotron issue 7 and TensorSpeech/TensorFlowTTS issue 538.
    """
    rate, mel = _rate(run), progress(run, "loss/mel", "validation/mel")
    if rate is None or rate.values.max() < HIGH_RATE:
        return None
    told, advice = (
        f"The learning rate is {rate.values.max():.2g} (the paper's is 2e-4), and",
        "train.learning_rate = 2e-4",
    )
    broken = gradients_not_finite(run)
    if broken and broken.severity == "problem":
        return Finding(
            "learning_rate_too_high",
            "problem",
            f"{told} there are no finite gradients left. Begin again with {advice}.",
        )
    gain = run.latest("validation/text_gain")
    if rate.values.max() > EXTREME_RATE and gain and gain.median < NO_TEXT_GAIN and run.last_step >= EXTREME_STEPS:
        return Finding(
            "learning_rate_too_high",
            "problem",
            f"{told} after {run.last_step} steps the texts tell nothing of the recordings ({gain.median:.2g} nats per "
            f"frame): the steps are too long to find the alignment. Begin again with {advice}.",
        )
    if mel is None or mel.now < UNLEARNED_MEL or run.last_step < EARLY_STEPS:
        return None
    told += f" the mel distance is {mel.now:.3g} nats after {run.last_step} steps ({mel.before:.3g} at step {mel.step})"
    if mel.fallen > STILL_FALLING:
        return Finding("learning_rate_too_high", "notice", f"{told}: {advice} would learn more calmly.")
    return Finding(
        "learning_rate_too_high",
        "problem",
        f"{told}: the steps are too long to arrive anywhere. Begin again with {advice}.",
    )


def learning_rate_too_low(run: Run) -> Finding | None:
    """A low rate where there is much to learn; beside a voice that is good already, as in fine-tuning, it is right."""
    rate, mel = _rate(run), progress(run, "loss/mel", "validation/mel")
    if (
        rate is None
        or mel is None
        or rate.values.max() > LOW_RATE
        or mel.now < UNLEARNED_MEL
        or run.last_step < EARLY_STEPS
    ):
        return None
    return Finding(
        "learning_rate_too_low",
        "notice",
        f"The learning rate never exceeded {rate.values.max():.2g}, and the mel distance is still {mel.now:.3g} nats: "
        "train.learning_rate = 2e-4 would learn about as well in far fewer steps.",
    )


def learning_rate_flat(run: Run) -> Finding | None:
    """A schedule that was asked for and never stepped; the settings say what should be left of the rate by now.

    The peers have shipped this fault: a scheduler that is built and not used.
    """
    rate, epochs = _rate(run), run.known("pace/epoch", least=2)
    if rate is None or epochs is None or run.config is None:
        return None
    greatest = int(rate.values.argmax())  # from the end of the warm-up on
    since = epochs.between(float(rate.steps[greatest]) - 1, np.inf)
    if len(since) < 2 or not rate.values[greatest] > 0:
        return None
    expected = float(np.power(run.config.train.learning_rate_decay, max(since.values[-1] - since.values[0], 0.0)))
    left = rate.values[-1] / rate.values[greatest]
    if expected > EXPECTED_DECAY or left < FLAT:
        return None
    return Finding(
        "learning_rate_flat",
        "notice",
        f"The learning rate has stayed at {rate.values[-1]:.3g} over {since.values[-1] - since.values[0]:.0f} epochs, "
        f"where train.learning_rate_decay should have left {percent(expected)} of it: the schedule is not followed.",
    )


def learning_rate_finished(run: Run) -> Finding | None:
    """A rate that has decayed to nothing, as in coqui-ai/TTS issue 1003: 7e-111 after 244 000 steps of no progress."""
    rate = _rate(run)
    if rate is None or not rate.values.max() > 0 or rate.values[-1] > FINISHED * rate.values.max():
        return None
    since = int(rate.steps[np.flatnonzero(rate.values > FINISHED * rate.values.max())[-1]])
    early = since < run.last_step / 2
    return Finding(
        "learning_rate_finished",
        "problem" if early else "notice",
        f"The learning rate has decayed from {rate.values.max():.2g} to {rate.values[-1]:.2g}, and has been below "
        f"{percent(FINISHED)} of it since step {since}: the run learns nothing any more. To go on, set "
        "train.learning_rate_decay nearer to 1.",
    )


def _rate(run: Run) -> Curve | None:
    return run.known("pace/learning_rate", least=LEAST_REPORTS)
