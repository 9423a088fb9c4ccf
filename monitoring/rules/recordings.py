"""Whether the recordings are what the settings take them for, and enough of them."""

from monitoring.finding import Finding
from monitoring.run import Run
from monitoring.wording import percent

EMPTY_ABOVE = 0.85  # share of half the sample rate; LJSpeech reaches 0.99, 16 kHz speech at 22.05 kHz 0.70
# Phonemes per second, pauses counted. Of eleven readers the slowest has 10.1 and the fastest 16.5; LJSpeech has 13.2.
USUAL = "10 to 16"
FAST = 17.3
MUCH_TOO_FAST = 21.0
SLOW = 7.0
MUCH_TOO_SLOW = 5.0
# 16 kHz speech that is called 22.05 kHz is 1.38 times as fast: from here on it may be that of a slow reader.
MAYBE_FAST = 13.9
MAYBE_SLOW = 10.0
LEAST_MINUTES = 1.0
LITTLE_MINUTES = 10.0  # what people fine-tune on; from nothing, a voice takes hours (jaywalnut310/vits issue 87)
LEAST_CLIPS = 10  # fewer are learnt by heart


def bandwidth_missing(run: Run) -> Finding | None:
    """Recordings that were made at a lower rate and brought to this one: nothing sounds in the upper part.

    By the sampling theorem a recording has nothing above half its rate (Shannon, 1949).
    """
    bandwidth, rate = run.figure("bandwidth_hz"), run.figure("sample_rate")
    if not bandwidth or not rate or bandwidth >= EMPTY_ABOVE * rate / 2:
        return None
    return Finding(
        "bandwidth_missing",
        "notice",
        f"The recordings hold nothing above {bandwidth:.0f} Hz, where {rate:.0f} samples a second could hold "
        f"{rate / 2:.0f} Hz: they were made at about {2 * bandwidth:.0f} Hz or came from a lossy file. The voice will "
        "sound as dull as they do; audio.sample_rate at the rate they were made at makes it smaller and faster.",
    )


def speaking_rate_unlikely(run: Run) -> Finding | None:
    """Speech too fast or too slow to be believed: a sample rate that the files state wrongly, or another language.

    Readers of 17 languages say 5 to 8 syllables a second (Coupe et al., 2019, Science Advances 5), which with their
    pauses is 10 to 17 phonemes. 16 kHz speech that calls itself 22.05 kHz is 1.38 times as fast. Of letters there may
    be any few: in some scripts one is a syllable or a word.
    """
    rate = run.figure("phonemes_per_second")
    letters = run.config is not None and run.config.data.front_end == "graphemes"
    if not rate or SLOW <= rate <= FAST or (letters and rate < SLOW):
        return None
    told = f"The recordings have {rate:.1f} phonemes a second, "
    if rate > FAST:
        told += (
            f"more than any of eleven readers ({USUAL}). Files that state too high a sample rate do this, as 16 kHz "
        )
        told += (
            "called 22.05 kHz, and the voice would speak as they sound. Listen to one before you train on: if it is "
        )
        told += "hurried and high, state the rate it was made at and begin again."
    else:
        told += f"fewer than any of eleven readers ({USUAL}). Long silences do this, and no alignment forms over them: "
        told += (
            "data.trim_silence = true cuts off those at both ends. Files that state too low a sample rate do it too. "
        )
        told += "Listen to one before you train on; what is mended is begun again."
    return Finding(
        "speaking_rate_unlikely",
        "notice" if MUCH_TOO_SLOW <= rate <= MUCH_TOO_FAST else "problem",
        f"{told} If it sounds right, look whether data.language is that of the texts; with both right, it is how your "
        "speaker speaks.",
    )


def too_little_data(run: Run) -> Finding | None:
    """What a voice can be made of: jaywalnut310/vits issue 87 calls 2 hours good; fine-tuning takes minutes."""
    hours, clips = run.figure("hours"), run.figure("clips")
    minutes = None if hours is None else 60 * hours
    if clips is not None and clips < LEAST_CLIPS:
        return _too_little(True, f"There are {clips:.0f} recordings to train on: the voice will know them by heart.")
    if minutes is None or minutes >= LITTLE_MINUTES:
        return None
    return _too_little(minutes < LEAST_MINUTES, f"There are {minutes:.1f} minutes of recordings.")


def _too_little(problem: bool, told: str) -> Finding:
    return Finding(
        "too_little_data",
        "problem" if problem else "notice",
        f"{told} Fine-tuning a good voice takes ten minutes or more, a voice from nothing some hours.",
    )


def recordings_fit(run: Run) -> Finding | None:
    """Enough recordings, and nothing about them that speaks against the settings.

    Nothing is said where slow speech whose sample rate is stated wrongly is as fast as usual speech: the rate alone
    does not tell the two apart.
    """
    bandwidth, rate, hours = (run.figure(name) for name in ("bandwidth_hz", "phonemes_per_second", "hours"))
    if bandwidth is None or rate is None or hours is None:
        return None
    if bandwidth_missing(run) or too_little_data(run) or not MAYBE_SLOW <= rate < MAYBE_FAST:
        return None
    held = bandwidth / (run.figure("sample_rate") or 2 * bandwidth) * 2
    return Finding(
        "recordings_fit",
        "ok",
        f"{hours:.2g} hours of recordings, with {rate:.1f} phonemes a second ({USUAL} is usual) and sound up to "
        f"{bandwidth:.0f} Hz ({percent(held)} of what the sample rate can hold).",
    )
