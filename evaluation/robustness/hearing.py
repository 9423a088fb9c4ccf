"""What is kept of a text while it is spoken: of each sentence the symbols with their times, and the energy.

The sound itself is let go chunk by chunk, unless it is asked for, so that a text of any length needs little memory.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.inspection.metrics import to_dbfs
from infer import Voice
from speaking.engine import Audio
from speaking.timestamps import Timed, TimedSentence, Timeline
from speaking.utterance import Utterance

WINDOW_SECONDS = 0.01  # of energy: shorter than nearly every sound of speech
FULL_SCALE = 0.999  # the last 33 of the 32768 values of 16 bits


@dataclass(frozen=True, eq=False)
class HeardSentence:
    """One spoken sentence."""

    timed: TimedSentence  # times count from its own beginning
    seconds: float
    powers: NDArray[np.float64]  # [W] mean squares of windows of 10 ms; not finite where the sound is not
    full_scale_share: float  # of its samples
    sound: Audio | None = None  # [S], where it was asked for

    @property
    def finite(self) -> bool:
        """Whether all its samples are numbers."""
        return bool(np.isfinite(self.powers).all())

    @property
    def level_dbfs(self) -> float:
        """Its root mean square; at least -100."""
        return to_dbfs(float(self.powers.mean()))

    @property
    def spoken(self) -> list[Timed]:
        """Its sounds, with the marks of stress and length, which take time from them; no pauses."""
        return [symbol for symbol in self.timed.phonemes if not is_pause(symbol.text)]


def hear(
    voice: Voice, text: str, *, seed: int, speaker: str | None, keep_sound: bool = False
) -> Iterator[HeardSentence]:
    """Let a voice speak a text, and listen sentence by sentence.

    Raises:
        InputError: as `Voice.speak`.
    """
    for said in voice.say(text, seed=seed, speaker=speaker):
        if isinstance(said, Utterance):
            timeline = Timeline(voice.sample_rate)
            (heard,) = timeline.noting([said])
            chunks: Iterable[Audio] = list(heard.chunks()) if keep_sound else heard.chunks()
            powers, at_full_scale = _energy(chunks, round(WINDOW_SECONDS * voice.sample_rate))
            yield HeardSentence(
                timed=timeline.timestamps.sentences[0],
                seconds=said.samples / voice.sample_rate,
                powers=powers,
                full_scale_share=at_full_scale / max(1, said.samples),
                sound=np.concatenate([np.zeros(0, np.float32), *chunks]) if keep_sound else None,
            )


def is_pause(symbol: str) -> bool:
    """Whether a symbol is a space, a mark, a start or an end: no letter, phoneme, accent, stress or length."""
    return unicodedata.category(symbol)[0] not in "LMN"


def _energy(chunks: Iterable[Audio], window: int) -> tuple[NDArray[np.float64], int]:
    """Mean squares of whole windows (of what there is, where there is less than one), and samples at full scale."""
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
