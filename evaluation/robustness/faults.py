"""What can be wrong with a spoken text, as rules over its durations and its energy.

Every rule is a pure function. A bound that is relative to the voice's usual speech has an absolute one beside it,
because what is usual for a voice that is broken everywhere is broken as well. The bounds are those of read speech:
a phrase's last syllable is drawn out to about twice its length and a stressed vowel to about three times that of an
unstressed one (Klatt, "Linguistic uses of segmental duration in English", 1976), nobody reads faster than some 20
sounds a second, and a closure before a stop is silent for less than a quarter of a second.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import numpy as np

from evaluation.robustness.hearing import WINDOW_SECONDS, HeardSentence, is_pause
from evaluation.robustness.usual import Usual, sounds_per_second
from text.front_end import is_sound

# A symbol: six is 2 for the end of a phrase times 3 for stress; half a second is longer than the longest such vowel.
STRETCHED_TIMES, STRETCHED_SECONDS = 6.0, 0.5
# Symbols in a row that together have two fifths of their usual time. The durations of VITS end at one frame for a
# symbol and one for its blank, 23 ms, which is that share of a usual 60 ms. Swallowed syllables are shorter than eight.
RUSHED_ROW, RUSHED_SHARE = 8, 0.4
RUSHED_LEAST = 3  # symbols of a sentence that can be judged at all
# Sounds a second, of at least ten: single words are drawn out or clipped by right.
PACE_TIMES, PACE_SLOWEST, PACE_FASTEST, PACE_SOUNDS = 2.0, 4.0, 25.0, 10
# A pause at marks: readers pause for 0.2 to 1 s between clauses; a mark may take four times its usual time.
PAUSE_SECONDS, PAUSE_TIMES = 1.0, 4.0
# Silence where no pause is written: 40 dB under the sentence, longer than the closure of a doubled stop.
SILENCE_SECONDS, SILENCE_UNDER_DB = 0.35, 40.0
# A sentence: the quietest mumble of a reader is some 10 dB under the usual; recordings at -60 dBFS are noise.
QUIETER_DB, NEAR_SILENT_DBFS = 20.0, -60.0
# Samples at full scale: single peaks may touch it, one in a thousand is heard as a crackle.
CLIPPED_SHARE = 0.001
# A word that makes half of a text, against the median of its repetitions: only the end of a phrase is drawn out, to 2.
REPEATED_TIMES, REPEATED_LEAST, REPEATED_SHARE = 2.5, 4, 0.5


@dataclass(frozen=True)
class Reason:
    """Why a spoken text is wrong."""

    rule: str
    sentence: str


def faults_of_sentence(heard: HeardSentence, usual: Usual) -> Iterator[Reason]:
    """What is wrong with one sentence, taken alone."""
    yield from _stretched(heard, usual)
    yield from _rushed(heard, usual)
    yield from _pace(heard, usual)
    yield from _long_pause(heard, usual)
    if not heard.finite:
        yield Reason("not finite", "samples are NaN or infinite")
        return
    if heard.full_scale_share > CLIPPED_SHARE:
        yield Reason("clipped", f"{heard.full_scale_share:.1%} of the samples are at full scale")
    least = max(NEAR_SILENT_DBFS, NEAR_SILENT_DBFS if usual.level_dbfs is None else usual.level_dbfs - QUIETER_DB)
    if heard.level_dbfs < least:
        yield Reason("near silent", f"a sentence is at {heard.level_dbfs:.0f} dBFS, under {least:.0f} dBFS")
    else:
        yield from _silence_within(heard)


def faults_of_repetition(sentences: Sequence[Sequence[tuple[str, float]]]) -> Iterator[Reason]:
    """What is wrong with a text that is mostly one word: repetitions that are skipped or drawn out.

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
            yield Reason("repetitions differ", f"{word} takes {length:.2f} s once and {usual:.2f} s usually")


def _stretched(heard: HeardSentence, usual: Usual) -> Iterator[Reason]:
    for symbol in heard.spoken:
        seconds, usually = symbol.end - symbol.start, usual.seconds_of(symbol.text)
        if seconds > max(STRETCHED_SECONDS, STRETCHED_TIMES * usually):
            yield Reason("stretched", f"{symbol.text} lasts {seconds:.2f} s, usually {usually:.2f} s")


def _rushed(heard: HeardSentence, usual: Usual) -> Iterator[Reason]:
    seconds = np.array([symbol.end - symbol.start for symbol in heard.spoken])
    usually = np.array([usual.seconds_of(symbol.text) for symbol in heard.spoken])
    row = min(RUSHED_ROW, len(seconds))
    if row < RUSHED_LEAST:
        return
    shares = np.convolve(seconds, np.ones(row), "valid") / np.convolve(usually, np.ones(row), "valid")
    worst = int(shares.argmin())
    if shares[worst] < RUSHED_SHARE:
        symbols = "".join(symbol.text for symbol in heard.spoken[worst : worst + row])
        yield Reason("rushed", f"{symbols} have {shares[worst]:.0%} of their usual time")


def _pace(heard: HeardSentence, usual: Usual) -> Iterator[Reason]:
    if sum(is_sound(symbol.text) for symbol in heard.spoken) < PACE_SOUNDS:
        return
    pace, usually = sounds_per_second(heard), usual.sounds_per_second
    slowest = max(PACE_SLOWEST, 0.0 if usually is None else usually / PACE_TIMES)
    fastest = min(PACE_FASTEST, PACE_FASTEST if usually is None else usually * PACE_TIMES)
    if not slowest <= pace <= fastest:
        yield Reason("pace", f"{pace:.1f} sounds a second are not within {slowest:.1f} to {fastest:.1f}")


def _long_pause(heard: HeardSentence, usual: Usual) -> Iterator[Reason]:
    for pause, run in groupby(heard.timed.phonemes, key=lambda symbol: is_pause(symbol.text)):
        symbols = list(run)
        seconds = symbols[-1].end - symbols[0].start
        most = max(PAUSE_SECONDS, PAUSE_TIMES * sum(usual.seconds_of(symbol.text) for symbol in symbols))
        if pause and seconds > most:
            marks = "".join(symbol.text for symbol in symbols)
            yield Reason("long pause", f"a pause of {seconds:.1f} s at {marks!r} is longer than {most:.1f} s")


def _silence_within(heard: HeardSentence) -> Iterator[Reason]:
    """Silence where no pause is written."""
    silent = heard.powers < heard.powers.mean() * 10 ** (-SILENCE_UNDER_DB / 10)
    for symbol in heard.timed.phonemes:
        if is_pause(symbol.text):
            silent[int(symbol.start / WINDOW_SECONDS) : int(np.ceil(symbol.end / WINDOW_SECONDS))] = False
    longest = max((sum(run) for quiet, run in groupby(silent.tolist()) if quiet), default=0) * WINDOW_SECONDS
    if longest > SILENCE_SECONDS:
        yield Reason("silence within", f"{longest:.2f} s of silence where the text has no pause")
