"""Whether what is heard (the posterior) and what is read (the prior) stay close: the KL divergence, in nats per frame.

VITS, section 2.1.3. It starts near 100, falls to a few nats within some hundred steps, and stays between 0.5 and 3
for good: 2.25 after 843 400 steps of a published LJSpeech run (jaywalnut310/vits issue 233), 0.8 to 1.5 of small voices
here, whose latent variables say less. It may rise slowly while copies get better, for the posterior then keeps more of
what it hears.
"""

from monitoring.finding import Finding
from monitoring.progress import progress
from monitoring.run import Run
from monitoring.wording import steps_of

EARLY_STEPS = 500
USUAL_KL = (0.5, 3.0)  # nats per frame
USUAL = "{:g} to {:g}".format(*USUAL_KL)
EXPLODING_KL = 20.0  # nats per frame, ten times the usual
HIGH_KL = 8.0  # nats per frame, thrice the usual
COLLAPSED_KL = 0.05  # nats per frame; jaywalnut310/vits issue 108 has 0.01 and below
BAD_COPIES_MEL = 0.8  # nats; above it a collapsed posterior is what keeps copies from getting better


def _kl(run: Run) -> tuple[float, str] | None:
    kl = run.latest("validation/kl", "loss/kl") if run.last_step >= EARLY_STEPS else None
    return None if kl is None else (kl.median, steps_of(kl, run.last_step))


def kl_exploding(run: Run) -> Finding | None:
    """Copies come from the posterior, speech from the prior: where the two part, copies sound well and speech does not.

    As reported in jaywalnut310/vits issue 19.
    """
    kl = _kl(run)
    unweighted = run.config is not None and run.config.loss.kl == 0
    if kl is None or kl[0] < HIGH_KL:
        return None
    told = f"The KL divergence is {kl[0]:.3g} nats per frame over {kl[1]} ({USUAL} is usual): what is read is far from "
    told += "what is heard, so copies of recordings may sound well, and spoken texts will not."
    if unweighted:
        return Finding("kl_exploding", "problem", f"{told} loss.kl is 0, so nothing draws them together: set it to 1.")
    if kl[0] >= EXPLODING_KL:
        return Finding(
            "kl_exploding", "problem", f"{told} Raise loss.kl (1 in the paper) or lower train.learning_rate."
        )
    return Finding("kl_exploding", "notice", f"{told} It should fall soon; if it does not, raise loss.kl.")


def kl_collapsed(run: Run) -> Finding | None:
    """A posterior that says no more than the text leaves intonation and timbre to chance.

    Bowman et al., "Generating Sentences from a Continuous Space" (2016), section 3.1, named the fault.
    """
    kl = _kl(run)
    if kl is None or kl[0] > COLLAPSED_KL:
        return None
    told = f"The KL divergence is {kl[0]:.3g} nats per frame over {kl[1]} ({USUAL} is usual): it has collapsed, so the "
    told += "latent variables carry nothing of a recording that its text does not say. Lower loss.kl."
    mel = progress(run, "validation/mel", "loss/mel")
    return Finding("kl_collapsed", "problem" if mel and mel.now > BAD_COPIES_MEL else "notice", told)


def kl_settled(run: Run) -> Finding | None:
    """As it is in good runs."""
    kl = _kl(run)
    if kl is None or not USUAL_KL[0] <= kl[0] <= USUAL_KL[1]:
        return None
    return Finding(
        "kl_settled", "ok", f"The KL divergence is {kl[0]:.3g} nats per frame over {kl[1]} ({USUAL} is usual)."
    )
