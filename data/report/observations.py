"""Observations on a corpus as a whole, a sentence each; faults of single rows are not repeated here."""

from collections.abc import Iterable, Iterator, Sequence

from configs import DataSettings
from configs.wording import listed, shortened
from data.preparation import Preparation, PreparedClip
from data.report.statistics import MUCH_SILENCE_SECONDS, NOISY_SNR_DB, CorpusStatistics
from data.report.web_page import symbol_name

RARE = 10  # occurrences of a symbol, below which it is hardly learnt
LITTLE_HOURS = 1.0
LEAST_SHARE = 0.25  # of an equal share of the minutes, per speaker
WIDE_LOUDNESS_LU = 8.0  # between the 5th and the 95th percentile
LONG_SILENCE_SECONDS = 0.5
_SHOWN, _LONGEST_NAME = 5, 60  # examples in a sentence, and characters of each


def observations(preparation: Preparation, statistics: CorpusStatistics) -> tuple[str, ...]:
    """The observations, the most serious first."""
    if not statistics.clips:
        return ("No row of the corpus can be trained on.",)
    return (
        *_lost_speakers(preparation.lost_speakers),
        *_clips(statistics),
        *_symbols(statistics, preparation.data),
        *_levels(statistics, preparation.data, preparation.audio.sample_rate, preparation.clips),
        *_amounts(statistics),
    )


def _lost_speakers(names: Sequence[str]) -> Iterator[str]:
    if names:
        verb = _either(names, "speaker has", "speakers have")
        yield (
            f"{len(names)} {verb} no recording that can be trained on, and will not be in the voice: "
            f"{_some(map(_cut, names))}."
        )


def _clips(statistics: CorpusStatistics) -> Iterator[str]:
    if groups := statistics.same_audio:
        verb = _either(groups, "group of recordings holds", "groups of recordings hold")
        yield f"{len(groups)} {verb} the same audio: {_some((' = '.join(map(_cut, ids)) for ids in groups), '; ')}."
    if texts := statistics.same_text:
        what = _either(texts, "text is", "texts are")
        examples = (f"{_cut(same.text)!r} ({_some(map(_cut, same.ids))})" for same in texts)
        yield f"{len(texts)} {what} spoken more than once by one speaker: {_some(examples, '; ')}."
    if (outliers := statistics.character_rate_outliers) and (rate := statistics.characters_per_second):
        examples = (f"{_cut(clip.id)} ({clip.value:.1f})" for clip in outliers)
        yield (
            f"{_clip_count(len(outliers))} far from the usual {rate.median:.1f} characters per second, so text and "
            f"recording may not belong together: {_some(examples)}."
        )
    if noisy := statistics.noisy:
        examples = (f"{_cut(clip.id)} ({clip.value:.1f} dB)" for clip in noisy)
        yield f"{_clip_count(len(noisy))} noisy, with an SNR below {NOISY_SNR_DB:g} dB: {_some(examples)}."
    if silences := statistics.much_silence:
        examples = (f"{_cut(clip.id)} ({clip.value:.1f} s)" for clip in silences)
        yield (
            f"{_clip_count(len(silences))} silent for more than {MUCH_SILENCE_SECONDS:g} s at the beginning or the "
            f"end: {_some(examples)}; data.trim_silence=true cuts it off."
        )


def _levels(
    statistics: CorpusStatistics, data: DataSettings, sample_rate: int, clips: Sequence[PreparedClip]
) -> Iterator[str]:
    lower = {rate: count for rate, count in statistics.sample_rates.items() if rate < sample_rate}
    if lower:
        rates = ", ".join(f"{count} of {rate} Hz" for rate, count in lower.items())
        yield (
            f"{_clip_count(sum(lower.values()))} of a lower sample rate than the voice ({rates}; the voice has "
            f"{sample_rate} Hz) and will sound duller than the rest."
        )
    loudness = statistics.loudness_lufs
    if data.level == "as recorded" and loudness and loudness.p95 - loudness.p05 > WIDE_LOUDNESS_LU:
        yield (
            f"The loudness of the recordings differs by {loudness.p95 - loudness.p05:.1f} LU (from {loudness.p05:.1f} "
            f"to {loudness.p95:.1f} LUFS, 5th to 95th percentile); data.level=lufs evens it out."
        )
    if limited := [clip for clip in clips if clip.note]:
        examples = (f"{_cut(clip.recording.id)} ({clip.note})" for clip in limited)
        yield f"{_clip_count(len(limited))} not at the level that was asked for: {_some(examples)}."
    ends = {"begin": statistics.leading_silence_seconds, "end": statistics.trailing_silence_seconds}
    for verb, silence in ends.items():
        if not data.trim_silence and silence and silence.median > LONG_SILENCE_SECONDS:
            yield (
                f"Half of the recordings {verb} with more than {silence.median:.2f} seconds of silence; "
                "data.trim_silence=true cuts it off."
            )


def _symbols(statistics: CorpusStatistics, data: DataSettings) -> Iterator[str]:
    if statistics.phonemes and (missing := statistics.phonemes.missing):
        yield (
            f"{_list(missing)} {_either(missing, 'does', 'do')} not occur, although {data.language} has "
            f"{_either(missing, 'it', 'them')}: the voice cannot learn to say {_either(missing, 'it', 'them')}."
        )
    if data.front_end == "espeak" and statistics.phonemes is None:
        yield f"Which phonemes are missing is not known: there is no inventory of the phonemes of {data.language!r}."
    once = [symbol for symbol, count in statistics.symbol_counts.items() if count == 1]
    if once:
        yield f"{_list(once)} {_either(once, 'occurs', 'occur')} only once: too seldom to be learnt."
    rare = [(symbol, count) for symbol, count in statistics.symbol_counts.items() if 1 < count < RARE]
    if rare:
        counts = ", ".join(f"{symbol_name(symbol)} ({count})" for symbol, count in rare)
        yield f"These symbols occur less than {RARE} times: {counts}."


def _amounts(statistics: CorpusStatistics) -> Iterator[str]:
    equal = statistics.hours * 60 / len(statistics.speakers)
    few = [share for share in statistics.speakers if share.minutes < LEAST_SHARE * equal]
    if few:
        names = _some(f"{_cut(str(share.name))} ({share.minutes:.1f} min)" for share in few)
        verb = _either(few, "has", "have")
        yield (
            f"{len(few)} of {len(statistics.speakers)} speakers {verb} less than a quarter of an equal share "
            f"({equal:.1f} min): {names}."
        )
    if statistics.hours < LITTLE_HOURS:
        yield (
            f"{statistics.hours * 60:.1f} minutes of speech are little for a voice from scratch, and enough to "
            "continue the training of one."
        )


def _either(things: Sequence[object], one: str, many: str) -> str:
    return one if len(things) == 1 else many


def _clip_count(count: int) -> str:
    return "1 recording is" if count == 1 else f"{count} recordings are"


def _list(symbols: Sequence[str]) -> str:
    return " ".join(map(symbol_name, symbols))


def _cut(text: str) -> str:
    return shortened(text, _LONGEST_NAME)


def _some(examples: Iterable[str], separator: str = ", ") -> str:
    return listed(examples, _SHOWN, separator)
