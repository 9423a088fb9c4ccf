"""Whether the discriminator and the generator are in balance.

A sub-discriminator that cannot tell recordings from generated audio does best with a constant output, whose loss is
the equilibrium of the objective: 0.25 + 0.25 = 0.5 for least squares (Mao et al., "Least Squares Generative Adversarial
Networks", 2017, section 3.2), 2 log 2 for the games of probabilities (Goodfellow et al., 2014, theorem 1), and 2 for
hinge. A perfect one has 0. A Wasserstein critic and BEGAN's autoencoder have no such value, and no rule here. A
published LJSpeech run of VITS, with least squares, has 2.38 over six sub-discriminators after 843 400 steps, 0.40 each
(jaywalnut310/vits issue 233).
"""

import math
from dataclasses import dataclass

import numpy as np

from monitoring.finding import Severity, percent, rule, steps_of
from monitoring.run import Run

EARLY_STEPS = 500  # of the discriminator; before these, an imbalance does no harm
EQUILIBRIUM = {
    "least_squares": 0.5,
    "minimax": 2 * math.log(2),
    "non_saturating": 2 * math.log(2),
    "dragan": 2 * math.log(2),
    "hinge": 2.0,
}
# Losses per sub-discriminator, in equilibria. jik876/hifi-gan issue 100 stays below 0.2 and sounds poor after 600 000
# steps of least squares.
WON_LOSS = 0.2
WON_ACCURACY = 0.95
NOT_LEARNING_LOSS = 1.2
GUESSING_LOSS = 0.98
GUESSING_ACCURACY = 0.53  # mean over recordings and generated audio; chance is 0.5
STILL_FALLING = 0.01  # relative decrease of validation/mel over half of the run, above which reconstructions improve


@dataclass(frozen=True)
class _Balance:
    """Means over the sub-discriminators, now."""

    loss: float
    equilibrium: float
    accuracy_real: float  # share of recordings' logits that say real; NaN where it was not reported
    accuracy_generated: float  # share of generated audio's logits that do not
    strongest: str  # sub-discriminator
    window: str  # the last ... steps

    @property
    def won(self) -> bool:
        lowest = min(self.accuracy_real, self.accuracy_generated)
        return self.loss < WON_LOSS * self.equilibrium and not lowest < WON_ACCURACY

    @property
    def not_learning(self) -> bool:
        return self.loss > NOT_LEARNING_LOSS * self.equilibrium

    @property
    def guessing(self) -> bool:
        accuracy = (self.accuracy_real + self.accuracy_generated) / 2
        return self.loss > GUESSING_LOSS * self.equilibrium and accuracy < GUESSING_ACCURACY

    def __str__(self) -> str:
        accuracy = ""
        if not math.isnan(self.accuracy_real):
            accuracy = f"an accuracy of {percent(self.accuracy_real)} on recordings and "
            accuracy += f"{percent(self.accuracy_generated)} on generated audio, and "
        return f"Over {self.window} the discriminator has {accuracy}a loss of {self.loss:.2f} per sub-discriminator"


def _before_discriminator(run: Run) -> int:
    """The last reported step without a discriminator, which `loss.schedule` may bring in late."""
    starts = [run.curve(f"loss/discriminator/real/{name}").steps for name in run.suffixes("loss/discriminator/real")]
    first = min((int(steps[0]) for steps in starts if len(steps)), default=0)
    without = run.curve("loss/generator/mel").between(0, first - 1)
    return int(without.steps[-1]) if len(without) else 0


def _balance(run: Run) -> _Balance | None:
    equilibrium = EQUILIBRIUM.get(run.config.loss.adversarial_objective if run.config else "least_squares")
    if equilibrium is None or run.last_step - _before_discriminator(run) < EARLY_STEPS:
        return None
    losses, accuracies, window = {}, [], ""
    for name in run.suffixes("loss/discriminator/real"):
        real, generated = (run.latest(f"loss/discriminator/{of}/{name}") for of in ("real", "generated"))
        if real is None or generated is None:
            continue
        losses[name], window = real.median + generated.median, steps_of(real, run.last_step)
        both = [run.latest(f"discriminator_accuracy/{of}/{name}") for of in ("real", "generated")]
        accuracies += [[curve.median for curve in both if curve]] if all(both) else []
    if not losses:
        return None
    accuracy_real, accuracy_generated = np.mean(accuracies, axis=0).tolist() if accuracies else (math.nan, math.nan)
    strongest = min(losses, key=losses.__getitem__)
    loss = float(np.mean(list(losses.values())))
    return _Balance(loss, equilibrium, accuracy_real, accuracy_generated, strongest, window)


@rule
def discriminator_winning(run: Run) -> tuple[Severity, str] | None:
    """A discriminator that is always right gives the generator little to learn from.

    No problem while reconstructions still improve: feature matching has a gradient even then, and so has least squares
    (Mao et al., section 3.1).
    """
    balance = _balance(run)
    if balance is None or not balance.won:
        return None
    told = f"{balance} ({balance.strongest} is the strongest; {balance.equilibrium:.2g} is the equilibrium): it has won"
    if run.config is not None and not (run.config.loss.adversarial or run.config.loss.feature_matching):
        return "problem", (
            f"{told}, because the generator gets no gradient from it: loss.adversarial and loss.feature_matching are "
            "0, so the voice will sound muffled and buzz. Set both to 1."
        )
    mel = run.progress("validation/mel", "loss/generator/mel")
    if mel and mel.fallen > STILL_FALLING:
        return "notice", (
            f"{told}. Reconstructions still come closer to the recordings (mel distance {mel.before:.3g} at step "
            f"{mel.step}, {mel.now:.3g} now), so continue, and look again."
        )
    return "problem", (
        f"{told}, and reconstructions no longer come closer to the recordings. Weaken it with a larger "
        "discriminator.channel_divisor or fewer of discriminator.resolutions and scales, or train on more recordings; "
        "then restart, for a discriminator that has won does not lose again."
    )


@rule
def discriminator_not_learning(run: Run) -> tuple[Severity, str] | None:
    """A discriminator that is worse than a constant output, or no better."""
    balance = _balance(run)
    if balance is not None and balance.not_learning:
        return "problem", (
            f"{balance}, where a constant output would have {balance.equilibrium:.2g}: it does not learn, so the "
            "generator gets no useful adversarial gradient, and the voice will buzz. A train.learning_rate that is too "
            "high does this, and so do skipped updates: look at gradient_norm/discriminator and "
            "skipped_updates/discriminator."
        )
    if balance is not None and balance.guessing:
        return "notice", (
            f"{balance}: it is guessing ({balance.equilibrium:.2g} is the equilibrium). "
            "Either generated audio is as good as recordings, or "
            "the discriminator is too weak: listen, and lower discriminator.channel_divisor if you hear a difference."
        )
    return None


@rule
def discriminator_balanced(run: Run) -> tuple[Severity, str] | None:
    """Neither side has won.

    Both losses may rise and fall without the audio getting better or worse: each depends on the other network
    (jaywalnut310/vits issue 14, jik876/hifi-gan issues 17 and 59).
    """
    balance = _balance(run)
    if balance is None or balance.won or balance.not_learning or balance.guessing:
        return None
    return "ok", (
        f"{balance} ({balance.equilibrium:.2g} is the equilibrium, good long runs stay at four fifths of it): neither "
        "side has won. That adversarial losses rise and fall says nothing about the audio."
    )
