"""Whether the discriminator and the generator are in balance.

The discriminator's loss is the least-squares loss of Mao et al., "Least Squares Generative Adversarial Networks"
(2017): its target is 1 for recordings and 0 for generated audio. A sub-discriminator that cannot tell them apart
outputs 0.5 for both and has a loss of 0.25 + 0.25 = 0.5, the equilibrium (their section 3.2); a perfect one has 0; an
untrained one outputs 0 for both and has 1. A published LJSpeech run of VITS has 2.38 over six sub-discriminators after
843 400 steps, 0.40 each (jaywalnut310/vits issue 233).
"""

import math
from dataclasses import dataclass

import numpy as np

from monitoring.finding import Finding
from monitoring.progress import progress
from monitoring.run import Run
from monitoring.wording import percent, steps_of

EARLY_STEPS = 500  # until then discriminators may be far ahead or behind without harm
WON_LOSS = 0.1  # a sub-discriminator's; jik876/hifi-gan issue 100 stays below 0.1 and sounds poor after 600 000 steps
WON_RIGHT = 0.95  # share of scores on the right side of 0.5, of recordings and of copies
ASLEEP_LOSS = 0.6  # a sub-discriminator's; a fifth above what 0.5 as the answer to everything would cost
GUESSING_LOSS = 0.49  # a sub-discriminator's, within 2 % of a draw
GUESSING_RIGHT = 0.53  # mean over recordings and copies; tossing a coin gives 0.5
STILL_FALLING = 0.01  # share that validation/mel must have lost over half of the run to say that copies still improve


@dataclass(frozen=True)
class _Balance:
    loss: float  # of a sub-discriminator, the mean over discriminators
    right_real: float  # share of recordings' scores above 0.5; NaN where it was not reported
    right_fake: float  # share of copies' scores below 0.5
    strongest: str
    stretch: str  # the last ... steps

    @property
    def right(self) -> float:
        return (self.right_real + self.right_fake) / 2

    @property
    def won(self) -> bool:
        lowest = min(self.right_real, self.right_fake)
        return self.loss < WON_LOSS and not lowest < WON_RIGHT

    @property
    def guessing(self) -> bool:
        return self.loss > GUESSING_LOSS and self.right < GUESSING_RIGHT

    def __str__(self) -> str:
        told = ""
        if not math.isnan(self.right):
            told = f"right about {percent(self.right_real)} of the recordings and {percent(self.right_fake)} of the "
            told += "copies, and "
        return f"Over {self.stretch} the discriminators are {told}at a loss of {self.loss:.2f} each"


def _balance(run: Run) -> _Balance | None:
    if run.last_step < EARLY_STEPS:
        return None
    losses, rights_real, rights_fake = {}, [], []
    stretch = ""
    for sub_discriminator in run.suffixes("discriminator_real"):
        real, fake = (
            run.latest(f"discriminator_real/{sub_discriminator}"),
            run.latest(f"discriminator_fake/{sub_discriminator}"),
        )
        if real is None or fake is None:
            continue
        losses[sub_discriminator], stretch = real.median + fake.median, steps_of(real, run.last_step)
        right_real, right_fake = (
            run.latest(f"accuracy_real/{sub_discriminator}"),
            run.latest(f"accuracy_fake/{sub_discriminator}"),
        )
        if right_real and right_fake:
            rights_real.append(right_real.median)
            rights_fake.append(right_fake.median)
    if not losses:
        return None
    return _Balance(
        loss=float(np.mean(list(losses.values()))),
        right_real=float(np.mean(rights_real)) if rights_real else math.nan,
        right_fake=float(np.mean(rights_fake)) if rights_fake else math.nan,
        strongest=min(losses, key=losses.__getitem__),
        stretch=stretch,
    )


def discriminator_winning(run: Run) -> Finding | None:
    """Discriminators that are always right have nothing left to teach.

    No problem while the copies still come closer to the recordings: least squares has a slope even then (Mao et al.,
    section 3.1), and feature matching goes on teaching.
    """
    balance = _balance(run)
    if balance is None or not balance.won:
        return None
    told = f"{balance} ({balance.strongest} is the strongest; 0.5 is a draw): they have won"
    if run.config is not None and not (run.config.loss.adversarial or run.config.loss.feature_matching):
        return Finding(
            "discriminator_winning",
            "problem",
            f"{told}, for the voice is not told what they hear: loss.adversarial and loss.feature_matching are 0, so "
            "it will sound muffled and buzz. Set both to 1.",
        )
    mel = progress(run, "validation/mel", "loss/mel")
    if mel and mel.fallen > STILL_FALLING:
        return Finding(
            "discriminator_winning",
            "notice",
            f"{told}. The copies still come closer to the recordings (mel {mel.before:.3g} at step {mel.step}, "
            f"{mel.now:.3g} now), so go on, and look again.",
        )
    return Finding(
        "discriminator_winning",
        "problem",
        f"{told}, and the copies no longer come closer to the recordings. Weaken them with a larger "
        "discriminator.channel_divisor or fewer of discriminator.resolutions and scales, or give them more recordings "
        "to know; then begin again, for discriminators that have won stay so.",
    )


def discriminator_asleep(run: Run) -> Finding | None:
    """A discriminator worse than the constant 0.5 does not learn; one that is as good gives no useful gradient."""
    balance = _balance(run)
    if balance is None:
        return None
    if balance.loss > ASLEEP_LOSS:
        return Finding(
            "discriminator_asleep",
            "problem",
            f"{balance}, where answering one half to everything would cost 0.5: they do not learn, so the voice is "
            "taught by nothing that hears, and will buzz. A train.learning_rate that is too high does this, and so "
            "do discriminators whose updates are passed over or never made: look at gradient_norm/discriminator.",
        )
    if balance.guessing:
        return Finding(
            "discriminator_asleep",
            "notice",
            f"{balance}: they guess (0.5 is a draw). Either the copies are as good as recordings to them, or they are "
            "too weak to hear the difference: listen, and lower discriminator.channel_divisor if you hear one.",
        )
    return None


def discriminator_balanced(run: Run) -> Finding | None:
    """Neither asleep nor winning.

    Both losses may rise and fall without the sound getting better or worse: each is measured against the other
    network (jaywalnut310/vits issue 14, jik876/hifi-gan issues 17 and 59).
    """
    balance = _balance(run)
    if balance is None or balance.won or balance.loss > ASLEEP_LOSS or balance.guessing:
        return None
    return Finding(
        "discriminator_balanced",
        "ok",
        f"{balance} (0.5 is a draw, good long runs stay near 0.4): neither side has won. That these losses rise and "
        "fall says nothing of the sound.",
    )
