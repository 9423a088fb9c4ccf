"""Whether posterior and prior stay close: the KL divergence, in nats per frame (VITS, section 2.1.3).

It starts near 100, falls to a few nats within some hundred steps, and then stays between 0.5 and 3: 2.25 after 843 400
steps of a published LJSpeech run (jaywalnut310/vits issue 233), 0.8 to 1.5 of small voices here. It may rise slowly
while reconstructions improve, as the posterior encodes more of the recording.
"""

from monitoring.finding import Severity, rule, steps_of
from monitoring.run import Run

EARLY_STEPS = 500
USUAL_KL = (0.5, 3.0)  # nats per frame
USUAL = "{:g} to {:g}".format(*USUAL_KL)
EXPLODING_KL = 20.0  # nats per frame, ten times the usual
HIGH_KL = 8.0  # nats per frame, three times the usual
COLLAPSED_KL = 0.05  # nats per frame; jaywalnut310/vits issue 108 has 0.01 and below
BAD_MEL = 0.8  # nats; above it, a collapsed posterior is what limits reconstructions


def _kl(run: Run) -> tuple[float, str] | None:
    """The KL divergence now, and a sentence that says it."""
    kl = run.latest("validation/kl", "loss/generator/kl") if run.last_step >= EARLY_STEPS else None
    if kl is None:
        return None
    window = steps_of(kl, run.last_step)
    return kl.median, f"The KL divergence is {kl.median:.3g} nats per frame over {window} ({USUAL} is usual)"


@rule
def kl_exploding(run: Run) -> tuple[Severity, str] | None:
    """Reconstructions use the posterior, speech uses the prior: where the two differ, only reconstructions are good.

    As reported in jaywalnut310/vits issue 19.
    """
    kl = _kl(run)
    if kl is None or kl[0] < HIGH_KL:
        return None
    told = f"{kl[1]}: the prior is far from the posterior, so reconstructions may sound well, and speech from text not."
    if run.config is not None and run.config.loss.kl == 0:
        return "problem", f"{told} loss.kl is 0, so nothing brings them together: set it to 1."
    if kl[0] >= EXPLODING_KL:
        return "problem", f"{told} Raise loss.kl (1 in the paper) or lower train.learning_rate."
    return "notice", f"{told} It should fall soon; if it does not, raise loss.kl."


@rule
def kl_collapsed(run: Run) -> tuple[Severity, str] | None:
    """Posterior collapse: intonation and timbre are left to chance.

    Bowman et al., "Generating Sentences from a Continuous Space" (2016), section 3.1, named it.
    """
    kl = _kl(run)
    if kl is None or kl[0] > COLLAPSED_KL:
        return None
    mel = run.progress("validation/mel", "loss/generator/mel")
    return "problem" if mel and mel.now > BAD_MEL else "notice", (
        f"{kl[1]}: the posterior has collapsed, so the latent variables carry no information beyond the text. "
        "Lower loss.kl."
    )


@rule
def kl_settled(run: Run) -> tuple[Severity, str] | None:
    """The KL divergence is as in good runs."""
    kl = _kl(run)
    return ("ok", f"{kl[1]}.") if kl is not None and USUAL_KL[0] <= kl[0] <= USUAL_KL[1] else None
