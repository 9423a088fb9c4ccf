"""How a voice usually speaks: measured on ordinary sentences, so that hard ones are held against the voice itself."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from evaluation.robustness.hearing import HeardSentence, is_pause
from text.front_end import is_sound

# Until a voice has shown something else. English is read aloud with 12 to 15 sounds a second; half of a symbol's time
# goes to marks of stress and length, which have durations of their own.
_SOUND_SECONDS, _PAUSE_SECONDS = 0.06, 0.2
_ENOUGH = 5  # occurrences of a symbol, for a median that an odd one out does not move


@dataclass(frozen=True)
class Usual:
    """Medians of a voice."""

    seconds: Mapping[str, float]  # of each symbol that occurred often enough
    sound_seconds: float = _SOUND_SECONDS  # of any symbol that is spoken
    pause_seconds: float = _PAUSE_SECONDS  # of any that is not
    sounds_per_second: float | None = None  # without the pauses
    level_dbfs: float | None = None  # of a sentence

    @classmethod
    def of(cls, sentences: Iterable[HeardSentence]) -> "Usual":
        """What is usual in these; nothing is known of the pace and level where there are none."""
        by_symbol, sounds, pauses = defaultdict[str, list[float]](list), list[float](), list[float]()
        paces, levels = list[float](), list[float]()
        for heard in sentences:
            for symbol in heard.timed.phonemes:
                seconds = symbol.end - symbol.start
                by_symbol[symbol.text].append(seconds)
                (pauses if is_pause(symbol.text) else sounds).append(seconds)
            paces.append(sounds_per_second(heard))
            if heard.finite:
                levels.append(heard.level_dbfs)
        return cls(
            seconds={symbol: median(some) for symbol, some in by_symbol.items() if len(some) >= _ENOUGH},
            sound_seconds=median(sounds or [_SOUND_SECONDS]),
            pause_seconds=median(pauses or [_PAUSE_SECONDS]),
            sounds_per_second=median(paces) if paces else None,
            level_dbfs=median(levels) if levels else None,
        )

    def seconds_of(self, symbol: str) -> float:
        """How long a symbol usually lasts, with the blank behind it."""
        return self.seconds.get(symbol, self.pause_seconds if is_pause(symbol) else self.sound_seconds)


def sounds_per_second(heard: HeardSentence) -> float:
    """How fast a sentence is spoken, without its pauses."""
    seconds = sum(symbol.end - symbol.start for symbol in heard.spoken)
    return sum(is_sound(symbol.text) for symbol in heard.spoken) / max(seconds, 1e-9)
