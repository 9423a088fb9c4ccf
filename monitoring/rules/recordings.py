"""Whether there are enough recordings, and whether they fit the settings; and whether the metrics file is whole."""

from configs.wording import listed
from monitoring.finding import Severity, percent, rule
from monitoring.run import Run

EMPTY_ABOVE = 0.85  # share of half the sample rate; LJSpeech reaches 0.99, 16 kHz speech at 22.05 kHz 0.70
# Phonemes per second, pauses counted. Of eleven readers the slowest has 10.1 and the fastest 16.5; LJSpeech has 13.2.
USUAL = "10 to 16"
FAST = 17.3
MUCH_TOO_FAST = 21.0
SLOW = 7.0
MUCH_TOO_SLOW = 5.0
# 16 kHz speech that is declared as 22.05 kHz is 1.38 times as fast: from here on it may be that of a slow reader.
MAYBE_FAST = 13.9
MAYBE_SLOW = 10.0
LEAST_MINUTES = 1.0
LITTLE_MINUTES = 10.0  # enough to fine-tune; training from scratch takes hours (jaywalnut310/vits issue 87)
LEAST_CLIPS = 10  # fewer are memorised
MOST_NAMED = 5  # damaged lines


@rule
def bandwidth_missing(run: Run) -> tuple[Severity, str] | None:
    """Recordings that were upsampled: they are empty above half the rate they were made at (Shannon, 1949)."""
    bandwidth, rate = run.figure("bandwidth_hz"), run.figure("sample_rate")
    if not bandwidth or not rate or bandwidth >= EMPTY_ABOVE * rate / 2:
        return None
    return "notice", (
        f"The recordings hold nothing above {bandwidth:.0f} Hz, where {rate:.0f} samples per second could hold "
        f"{rate / 2:.0f} Hz: they were made at about {2 * bandwidth:.0f} Hz or came from a lossy file. The voice will "
        "sound as dull as they do; audio.sample_rate at the rate they were made at makes it smaller and faster."
    )


@rule
def speaking_rate_unlikely(run: Run) -> tuple[Severity, str] | None:
    """An implausible speaking rate: a wrong sample rate in the files, or another language.

    Readers of 17 languages say 5 to 8 syllables per second (Coupe et al., 2019, Science Advances 5), which with their
    pauses is 10 to 17 phonemes. 16 kHz speech that is declared as 22.05 kHz is 1.38 times as fast. Of letters there may
    be any few: in some scripts one is a syllable or a word.
    """
    rate = run.figure("phonemes_per_second")
    letters = run.config is not None and run.config.data.front_end == "graphemes"
    if not rate or SLOW <= rate <= FAST or (letters and rate < SLOW):
        return None
    if rate > FAST:
        why = (
            f"more than any of eleven readers ({USUAL}). Files that state too high a sample rate do this, such as 16 "
            "kHz declared as 22.05 kHz, and the voice would sound like them. Listen to one before you continue: if it "
            "is hurried and high, correct its sample rate and restart."
        )
    else:
        why = (
            f"fewer than any of eleven readers ({USUAL}). Long silences do this, and no alignment forms over them: "
            "data.trim_silence = true cuts off those at both ends. Files that state too low a sample rate do it too. "
            "Listen to one before you continue; after a correction, restart."
        )
    return "notice" if MUCH_TOO_SLOW <= rate <= MUCH_TOO_FAST else "problem", (
        f"The recordings have {rate:.1f} phonemes per second, {why} If it sounds right, check that data.language is "
        "that of the texts; with both right, it is how your speaker speaks."
    )


@rule
def too_little_data(run: Run) -> tuple[Severity, str] | None:
    """Too few recordings: jaywalnut310/vits issue 87 calls 2 hours good; fine-tuning takes minutes."""
    hours, clips = run.figure("hours"), run.figure("clips")
    minutes = None if hours is None else 60 * hours
    few = clips is not None and clips < LEAST_CLIPS
    if few:
        told = f"There are {clips:.0f} recordings to train on: the voice will memorise them."
    elif minutes is not None and minutes < LITTLE_MINUTES:
        told = f"There are {minutes:.1f} minutes of recordings."
    else:
        return None
    severity: Severity = "problem" if few or (minutes is not None and minutes < LEAST_MINUTES) else "notice"
    return severity, f"{told} Fine-tuning a good voice takes ten minutes or more, training from scratch some hours."


@rule
def recordings_fit(run: Run) -> tuple[Severity, str] | None:
    """Enough recordings, which agree with the settings.

    Not reported where slow speech with a wrong sample rate would be as fast as usual speech: the speaking rate alone
    does not tell the two apart.
    """
    bandwidth, rate, hours = (run.figure(name) for name in ("bandwidth_hz", "phonemes_per_second", "hours"))
    if bandwidth is None or rate is None or hours is None:
        return None
    if bandwidth_missing(run) or too_little_data(run) or not MAYBE_SLOW <= rate < MAYBE_FAST:
        return None
    held = bandwidth / (run.figure("sample_rate") or 2 * bandwidth) * 2
    return "ok", (
        f"{hours:.2g} hours of recordings, with {rate:.1f} phonemes per second ({USUAL} is usual) and a bandwidth of "
        f"{bandwidth:.0f} Hz ({percent(held)} of what the sample rate can hold)."
    )


@rule
def lines_damaged(run: Run) -> tuple[Severity, str] | None:
    """Lines of metrics.jsonl that could not be read, such as one that a crash truncated."""
    if not run.damaged:
        return None
    lines = listed(map(str, run.damaged), MOST_NAMED)
    which = f"Line {lines}" if len(run.damaged) == 1 else f"{len(run.damaged)} lines ({lines})"
    return "notice", (
        f"{which} of metrics.jsonl cannot be read and {'is' if len(run.damaged) == 1 else 'are'} ignored. Crashes and "
        "full disks truncate lines: check that there is free space."
    )
