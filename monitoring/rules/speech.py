"""Whether the voice speaks: the alignment of texts and recordings, and the validation sentences it generates."""

from dataclasses import dataclass

from monitoring.finding import Severity, percent, rule
from monitoring.rules.generalisation import memorised
from monitoring.rules.optimisation import learning_rate_too_high
from monitoring.run import LEAST_VALIDATIONS, NO_TEXT_GAIN, Run

EARLY_STEPS = 1000  # until then an alignment may still form, and a voice may be quiet
EARLY_ALIGNMENT = 500  # no voice here has found one in fewer steps, unless it was fine-tuned
ONE_PHONEME = 0.5  # share of a clip's frames that one phoneme has; of 50 phonemes the longest has a tenth at most
LONG_PHONEME = 0.3
# In steps at the paper's learning rate. The text gain of small voices was seen to rise above it after 6000 to 9000, and
# never with wrong texts, nor where silences are longer than the speech.
EARLY_LEARNING, PATIENT_LEARNING = 6000, 11_000
# Before the alignment is found, the text gain of voices here stays below 0.03 nats for hundreds of steps; then it
# passes 0.2 within two hundred. An untrained network has up to 0.6 by chance, but that is 3 % of the KL divergence with
# another text; of a voice that has memorised one recording it is 9 %, of aligned ones 20 to 60 %.
ALIGNED_GAIN = 0.1  # nats per frame
ALIGNED_SHARE = 0.15  # of the KL divergence with another text
SILENT_DB = 20.0  # loudness units below the recording: hardly audible beside it
OFF_DB = 3.0  # loudness units; twice what a listener notices between two voices
DRIFTED_DB = 1.0  # loudness units between the middle and the end of the run
WRONG_LENGTH = 2.0  # times as long or as short as the recording
ODD_LENGTH = 1.25  # a reader varies by a tenth


@rule
def alignment_never_formed(run: Run) -> tuple[Severity, str] | None:
    """Monotonic alignment search (VITS, section 2.2.1) gives one phoneme nearly all frames while none fits.

    Where phonemes have similar durations, the alignment may still be arbitrary: then the text gain is low.
    """
    longest = run.latest("validation/longest_phoneme_share")
    if longest is None or run.last_step < EARLY_STEPS:
        return None
    if longest.median <= LONG_PHONEME:
        return _alignment_late(run)
    told = f"After {run.last_step} steps one phoneme has {percent(longest.median)} of the frames of a clip"
    if longest.median > ONE_PHONEME:
        return "problem", (
            f"{told}: the alignment has not formed, and the voice will mumble. Check that the texts belong to the "
            "recordings and that data.language is theirs, and cut off long silences with data.trim_silence = true."
        )
    return "notice", (
        f"{told} (a tenth is usual): the alignment is not good yet. Long silences do this: data.trim_silence = true."
    )


def _alignment_late(run: Run) -> tuple[Severity, str] | None:
    """The text is used, but less than it should be by now."""
    gain = _gain(run)
    if gain is None or run.learning < PATIENT_LEARNING or _unweighted(run) or gain.median < NO_TEXT_GAIN:
        return None
    if (gain.median >= ALIGNED_GAIN and gain.share >= ALIGNED_SHARE) or memorised(run):
        return None
    return "notice", (
        f"After {run.last_step} steps the alignment has not formed: its own text explains a recording by only "
        f"{gain.median:.2g} nats per frame better than another's, which is {percent(gain.share)} of what another's "
        f"leaves unexplained (good voices pass {ALIGNED_GAIN:g} nats and {percent(ALIGNED_SHARE)} early), so speech is "
        "mumbled. Listen to a few recordings beside their texts: do they agree, from the first word to the last?"
    )


@rule
def text_not_used(run: Run) -> tuple[Severity, str] | None:
    """A recording's own text should explain it better than the text of another recording.

    The difference of the two KL divergences estimates the information that a text has about its recording, as
    contrastive estimates do with shuffled pairs (van den Oord et al., 2018, section 2.3). It is 0 where texts and
    recordings do not belong together, and where all recordings have the same text.
    """
    gain = run.latest("validation/text_gain")
    if gain is None or run.learning < EARLY_LEARNING or gain.median >= NO_TEXT_GAIN or _unweighted(run):
        return None
    rate = learning_rate_too_high(run)
    if rate is not None and rate.severity == "problem":
        return None  # the cause
    told = f"After {run.last_step} steps a recording is explained no better by its own text than by that of another "
    told += f"({gain.median:.2g} nats per frame): the voice does not use the text"
    if run.learning < PATIENT_LEARNING:
        return "notice", (
            f"{told} yet, and speech is mumbled. This should rise above {NO_TEXT_GAIN:g} soon; in the meantime, listen "
            "to a few recordings beside their texts."
        )
    return "problem", (
        f"{told}, and the alignment has not formed. The texts are mislabelled, shifted by a row, of another language "
        "than data.language, all the same, or the recordings have long silences (data.trim_silence = true): listen to "
        "a few beside their texts."
    )


@rule
def alignment_formed(run: Run) -> tuple[Severity, str] | None:
    """The alignment has formed, and has stayed over some validations.

    That no phoneme is long does not show it, for an arbitrary alignment may have that; nor does a single text gain,
    for untrained networks have one.
    """
    longest, gain = run.latest("validation/longest_phoneme_share"), _gain(run)
    if run.last_step < EARLY_ALIGNMENT or longest is None or gain is None or longest.median > LONG_PHONEME:
        return None
    if gain.share < ALIGNED_SHARE or gain.least < ALIGNED_GAIN:
        return None
    return "ok", (
        f"The alignment has formed: its own text explains a recording by {gain.median:.2f} nats per frame better than "
        f"another's, which is {percent(gain.share)} of what another's leaves unexplained, and the longest phoneme has "
        f"{percent(longest.median)} of the frames of a clip."
    )


@dataclass(frozen=True)
class _Gain:
    """The text gain, in nats per frame, now."""

    median: float
    least: float  # of the newest validations
    share: float  # of the KL divergence with another text


def _gain(run: Run) -> _Gain | None:
    gain, kl = run.latest("validation/text_gain"), run.latest("validation/kl")
    if gain is None or kl is None or not gain.steps[0] > 0:  # step 0 is before training
        return None
    left = gain.median + kl.median
    share = gain.median / left if left > 0 else 0.0
    return _Gain(gain.median, float(gain.last(LEAST_VALIDATIONS).values.min()), share)


@rule
def loudness_off(run: Run) -> tuple[Severity, str] | None:
    """Speech should be as loud as the recordings (loudness after ITU-R BS.1770-4), and stay so."""
    loudness = run.latest("validation/loudness_db")
    if loudness is None or run.last_step < EARLY_STEPS or abs(now := loudness.median) < OFF_DB:
        return None
    told, advice = f"The generated sentences are {_louder(now)} than the recordings", "listen to them"
    middle = _middle(run, "validation/loudness_db")
    if middle is not None and abs(now) > abs(middle) + DRIFTED_DB:
        advice = "they drift away; data.level = 'lufs' brings all recordings to one loudness"
    elif middle is not None and abs(now) < abs(middle) - DRIFTED_DB:
        advice = "they come nearer, so continue"
    halfway = "" if middle is None else f" and were {_louder(middle)} halfway"
    return "problem" if now < -SILENT_DB else "notice", f"{told}{halfway}: {advice}."


def _louder(units: float) -> str:
    return f"{abs(units):.1f} LU {'quieter' if units < 0 else 'louder'}"


@rule
def length_off(run: Run) -> tuple[Severity, str] | None:
    """Speech should last about as long as the recordings."""
    ratio = run.latest("validation/length_ratio")
    if ratio is None or run.last_step < EARLY_STEPS or 1 / ODD_LENGTH <= ratio.median <= ODD_LENGTH:
        return None
    wrong = not 1 / WRONG_LENGTH <= ratio.median <= WRONG_LENGTH
    return "problem" if wrong else "notice", (
        f"The generated sentences are {ratio.median:.2f} times as long as the recordings: the durations are not "
        "learned yet, or the recordings have long silences that are not in the text (data.trim_silence = true)."
    )


def _unweighted(run: Run) -> bool:
    """Whether nothing trained the prior, which `kl_exploding` reports."""
    return run.config is not None and run.config.loss.kl == 0


def _middle(run: Run, name: str) -> float | None:
    """The median of the points around half of the run."""
    curve = run.known(name)
    points = curve.between(0.375 * run.last_step, 0.625 * run.last_step) if curve else None
    return points.median if points is not None and len(points) >= 2 else None
