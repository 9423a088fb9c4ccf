"""Faults of a generated text, found by rules on its durations and its power.

Every rule is a pure function. A bound that is relative to the voice's usual speech has an absolute one beside it,
because a voice may be broken everywhere. The bounds are those of read speech: the last syllable of a phrase is about
twice as long as others, and a stressed vowel about three times as long as an unstressed one (Klatt, "Linguistic uses of
segmental duration in English", 1976), nobody reads faster than some 20 sounds per second, and the closure before a stop
is silent for less than a quarter of a second.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import numpy as np

from evaluation.robustness.generated import WINDOW_SECONDS, GeneratedSentence, Usual, is_pause
from text.symbols import is_sound

# A symbol: six is 2 for the end of a phrase times 3 for stress; half a second is longer than the longest such vowel.
STRETCHED_TIMES, STRETCHED_SECONDS = 6.0, 0.5
# Consecutive symbols with two fifths of their usual time. The least duration in VITS is one frame for a symbol and one
# for its blank, 23 ms, which is that share of a usual 60 ms. Reduced syllables are shorter than eight symbols.
RUSHED_ROW, RUSHED_SHARE = 8, 0.4
RUSHED_LEAST = 3  # symbols, for shorter sentences tell nothing
# Sounds per second, of at least ten sounds: the durations of single words vary more.
RATE_TIMES, RATE_SLOWEST, RATE_FASTEST, RATE_SOUNDS = 2.0, 4.0, 25.0, 10
# A pause at marks: readers pause for 0.2 to 1 s between clauses; a mark may take four times its usual time.
PAUSE_SECONDS, PAUSE_TIMES = 1.0, 4.0
# Silence where no pause is written: 40 dB under the sentence, longer than the closure of a doubled stop.
SILENCE_SECONDS, SILENCE_UNDER_DB = 0.35, 40.0
# A sentence: the quietest mumble of a reader is some 10 dB under the usual; recordings at -60 dBFS are noise.
QUIETER_DB, NEAR_SILENT_DBFS = 20.0, -60.0
# Samples at full scale: single peaks may reach it, one in a thousand is an audible crackle.
CLIPPED_SHARE = 0.001
# A word that makes half of a text, against the median of its repetitions: only the end of a phrase is longer, by 2.
REPEATED_TIMES, REPEATED_LEAST, REPEATED_SHARE = 2.5, 4, 0.5


@dataclass(frozen=True)
class RobustnessFault:
    """Why a generated text is wrong."""

    rule: str
    sentence: str


def faults_of_sentence(sentence: GeneratedSentence, usual: Usual) -> Iterator[RobustnessFault]:
    """The faults of one sentence."""
    yield from _stretched(sentence, usual)
    yield from _rushed(sentence, usual)
    yield from _speaking_rate(sentence, usual)
    yield from _long_pause(sentence, usual)
    if not sentence.finite:
        yield RobustnessFault("not finite", "samples are NaN or infinite")
        return
    if sentence.full_scale_share > CLIPPED_SHARE:
        yield RobustnessFault("clipped", f"{sentence.full_scale_share:.1%} of the samples are at full scale")
    least = max(NEAR_SILENT_DBFS, NEAR_SILENT_DBFS if usual.level_dbfs is None else usual.level_dbfs - QUIETER_DB)
    if sentence.level_dbfs < least:
        yield RobustnessFault("near silent", f"a sentence is at {sentence.level_dbfs:.0f} dBFS, under {least:.0f} dBFS")
    else:
        yield from _silence_within(sentence)


def faults_of_repetition(sentences: Sequence[Sequence[tuple[str, float]]]) -> Iterator[RobustnessFault]:
    """The faults of a text that is mostly one word: repetitions that are too short or too long.

    Args:
        sentences: the words of each, as phonemes and seconds.
    """
    words = [word for sentence in sentences for word in sentence]
    word, count = Counter(phonemes for phonemes, _ in words).most_common(1)[0] if words else ("", 0)
    if count < max(REPEATED_LEAST, REPEATED_SHARE * len(words)):
        return
    lengths = [seconds for phonemes, seconds in words if phonemes == word]
    usual = median(lengths)
    for length in (min(lengths), max(lengths)):
        if not usual / REPEATED_TIMES <= length <= usual * REPEATED_TIMES:
            yield RobustnessFault("repetitions differ", f"{word} takes {length:.2f} s once and {usual:.2f} s usually")


def _stretched(sentence: GeneratedSentence, usual: Usual) -> Iterator[RobustnessFault]:
    for symbol in sentence.symbols:
        seconds, usually = symbol.end - symbol.start, usual.seconds_of(symbol.text)
        if seconds > max(STRETCHED_SECONDS, STRETCHED_TIMES * usually):
            yield RobustnessFault("stretched", f"{symbol.text} lasts {seconds:.2f} s, usually {usually:.2f} s")


def _rushed(sentence: GeneratedSentence, usual: Usual) -> Iterator[RobustnessFault]:
    seconds = np.array([symbol.end - symbol.start for symbol in sentence.symbols])
    usually = np.array([usual.seconds_of(symbol.text) for symbol in sentence.symbols])
    row = min(RUSHED_ROW, len(seconds))
    if row < RUSHED_LEAST:
        return
    shares = np.convolve(seconds, np.ones(row), "valid") / np.convolve(usually, np.ones(row), "valid")
    worst = int(shares.argmin())
    if shares[worst] < RUSHED_SHARE:
        symbols = "".join(symbol.text for symbol in sentence.symbols[worst : worst + row])
        yield RobustnessFault("rushed", f"{symbols} have {shares[worst]:.0%} of their usual time")


def _speaking_rate(sentence: GeneratedSentence, usual: Usual) -> Iterator[RobustnessFault]:
    if sum(is_sound(symbol.text) for symbol in sentence.symbols) < RATE_SOUNDS:
        return
    rate, usually = sentence.sounds_per_second, usual.sounds_per_second
    slowest = max(RATE_SLOWEST, 0.0 if usually is None else usually / RATE_TIMES)
    fastest = min(RATE_FASTEST, RATE_FASTEST if usually is None else usually * RATE_TIMES)
    if not slowest <= rate <= fastest:
        yield RobustnessFault(
            "speaking rate", f"{rate:.1f} sounds per second are not within {slowest:.1f} to {fastest:.1f}"
        )


def _long_pause(sentence: GeneratedSentence, usual: Usual) -> Iterator[RobustnessFault]:
    for pause, run in groupby(sentence.timed.phonemes, key=lambda symbol: is_pause(symbol.text)):
        symbols = list(run)
        seconds = symbols[-1].end - symbols[0].start
        most = max(PAUSE_SECONDS, PAUSE_TIMES * sum(usual.seconds_of(symbol.text) for symbol in symbols))
        if pause and seconds > most:
            marks = "".join(symbol.text for symbol in symbols)
            yield RobustnessFault("long pause", f"a pause of {seconds:.1f} s at {marks!r} is longer than {most:.1f} s")


def _silence_within(sentence: GeneratedSentence) -> Iterator[RobustnessFault]:
    """Silence where no pause is written."""
    silent = sentence.powers < sentence.powers.mean() * 10 ** (-SILENCE_UNDER_DB / 10)
    for symbol in sentence.timed.phonemes:
        if is_pause(symbol.text):
            silent[int(symbol.start / WINDOW_SECONDS) : int(np.ceil(symbol.end / WINDOW_SECONDS))] = False
    longest = max((sum(run) for quiet, run in groupby(silent.tolist()) if quiet), default=0) * WINDOW_SECONDS
    if longest > SILENCE_SECONDS:
        yield RobustnessFault("silence within", f"{longest:.2f} s of silence where the text has no pause")
