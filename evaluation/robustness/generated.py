"""Generated sentences: their symbols with times, and their power over time; and the usual values of a voice.

The audio itself is dropped chunk by chunk, unless it is asked for, so that a text of any length needs little memory.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from data.inspection.signal_level import to_dbfs
from infer import Voice
from speaking.engine import Audio, SpokenSentence
from speaking.timestamps import Timed, TimedSentence, Timeline
from text.symbols import is_sound

WINDOW_SECONDS = 0.01  # of power: shorter than nearly every phoneme
FULL_SCALE = 0.999  # the last 33 of the 32768 values of 16 bits
# Defaults of `Usual`. English is read aloud with 12 to 15 sounds per second; half of a symbol's time belongs to marks
# of stress and length, which have durations of their own.
_SOUND_SECONDS, _PAUSE_SECONDS = 0.06, 0.2
_ENOUGH = 5  # occurrences of a symbol, for a median that an outlier does not move


@dataclass(frozen=True, eq=False)
class GeneratedSentence:
    """One generated sentence."""

    timed: TimedSentence  # times count from its own beginning
    seconds: float
    powers: NDArray[np.float64]  # [W] mean squares of windows of 10 ms; not finite where the audio is not
    full_scale_share: float  # of its samples
    audio: Audio | None = None  # [S], where it was asked for

    @property
    def finite(self) -> bool:
        """Whether all its samples are finite."""
        return bool(np.isfinite(self.powers).all())

    @property
    def level_dbfs(self) -> float:
        """Its root mean square; at least -100."""
        return to_dbfs(float(self.powers.mean()))

    @property
    def symbols(self) -> list[Timed]:
        """Its sounds, stress marks and length marks, without the pauses."""
        return [symbol for symbol in self.timed.phonemes if not is_pause(symbol.text)]

    @property
    def sounds_per_second(self) -> float:
        """The speaking rate without the pauses."""
        seconds = sum(symbol.end - symbol.start for symbol in self.symbols)
        return sum(is_sound(symbol.text) for symbol in self.symbols) / max(seconds, 1e-9)


def generate(voice: Voice, text: str, *, seed: int, keep_audio: bool = False) -> Iterator[GeneratedSentence]:
    """Generate a text sentence by sentence.

    Raises:
        InputError: as `Voice.speak`.
    """
    for said in voice.say(text, seed=seed):
        if isinstance(said, SpokenSentence):
            timeline = Timeline(voice.sample_rate)
            (utterance,) = timeline.record([said])
            chunks: Iterable[Audio] = list(utterance.chunks()) if keep_audio else utterance.chunks()
            powers, at_full_scale = _powers(chunks, round(WINDOW_SECONDS * voice.sample_rate))
            yield GeneratedSentence(
                timed=timeline.timestamps.sentences[0],
                seconds=said.samples / voice.sample_rate,
                powers=powers,
                full_scale_share=at_full_scale / max(1, said.samples),
                audio=np.concatenate([np.zeros(0, np.float32), *chunks]) if keep_audio else None,
            )


def is_pause(symbol: str) -> bool:
    """Whether a symbol is a space, a mark, a start or an end: no letter, phoneme, accent, stress or length."""
    return unicodedata.category(symbol)[0] not in "LMN"


def _powers(chunks: Iterable[Audio], window: int) -> tuple[NDArray[np.float64], int]:
    """Mean squares of whole windows (of a shorter one if there is none), and the number of samples at full scale."""
    powers: list[NDArray[np.float64]] = []
    rest, at_full_scale = np.zeros(0), 0
    for chunk in chunks:
        at_full_scale += int((np.abs(chunk) >= FULL_SCALE).sum())
        waiting = np.concatenate([rest, chunk.astype(np.float64)])
        whole = len(waiting) - len(waiting) % window
        powers.append(np.square(waiting[:whole]).reshape(-1, window).mean(axis=1))
        rest = waiting[whole:]
    if len(rest) and not sum(map(len, powers)):
        powers.append(np.square(rest).mean(keepdims=True))
    return np.concatenate([np.zeros(0), *powers]), at_full_scale


@dataclass(frozen=True)
class Usual:
    """Medians of a voice's ordinary sentences, which hard ones are compared with."""

    seconds: Mapping[str, float]  # of each symbol that occurred often enough
    sound_seconds: float = _SOUND_SECONDS  # of any symbol that is no pause
    pause_seconds: float = _PAUSE_SECONDS  # of any that is one
    sounds_per_second: float | None = None  # without the pauses
    level_dbfs: float | None = None  # of a sentence

    @classmethod
    def of(cls, sentences: Iterable[GeneratedSentence]) -> "Usual":
        """The medians of these sentences; without any, speaking rate and level are unknown."""
        by_symbol, sounds, pauses = defaultdict[str, list[float]](list), list[float](), list[float]()
        rates, levels = list[float](), list[float]()
        for sentence in sentences:
            for symbol in sentence.timed.phonemes:
                seconds = symbol.end - symbol.start
                by_symbol[symbol.text].append(seconds)
                (pauses if is_pause(symbol.text) else sounds).append(seconds)
            rates.append(sentence.sounds_per_second)
            if sentence.finite:
                levels.append(sentence.level_dbfs)
        return cls(
            seconds={symbol: median(some) for symbol, some in by_symbol.items() if len(some) >= _ENOUGH},
            sound_seconds=median(sounds or [_SOUND_SECONDS]),
            pause_seconds=median(pauses or [_PAUSE_SECONDS]),
            sounds_per_second=median(rates) if rates else None,
            level_dbfs=median(levels) if levels else None,
        )

    def seconds_of(self, symbol: str) -> float:
        """The usual duration of a symbol with the blank behind it."""
        return self.seconds.get(symbol, self.pause_seconds if is_pause(symbol) else self.sound_seconds)
