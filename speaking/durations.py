"""Durations that nobody would speak are an error, before they become minutes of noise.

Seconds are those at speed 1, so that slow speech is not mistaken for a voice that has lost its way.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from configs import InputError

# The longest sound of speech, silence within a sentence included, lasts about two seconds; a voice that has learned
# nothing yet predicts two frames, its noise a few times that; one that is broken predicts as much as it may.
LONGEST_SECONDS = 4.0  # of one symbol or blank
MEAN_SECONDS = 0.6  # per symbol with its blank: eight times as slow as people speak
FREE_SECONDS = 3.0  # of silence around


def check_durations(
    frames: NDArray[np.int64], *, symbols: int, frame_seconds: float, speed: float, text: Callable[[], str]
) -> None:
    """Refuse durations that are absurd.

    Args:
        frames: [P], of each id of a sentence.
        symbols: that the sentence has, without blanks.
        frame_seconds: how long a frame lasts.
        speed: that was asked for.
        text: tells the words of the sentence.

    Raises:
        InputError: the sentence or one of its sounds would last longer than anybody speaks.
    """
    # Frames were rounded up, which at a high speed is nearly all there is of them.
    seconds = (frames - 1).clip(min=0) * frame_seconds
    longest, total = seconds.max() * speed, seconds.sum() * speed
    if longest > LONGEST_SECONDS or total > FREE_SECONDS + MEAN_SECONDS * symbols:
        raise InputError(
            f"the voice would take {seconds.sum():.0f} s to say {_shortened(text())!r}, {seconds.max():.1f} s of it "
            "for one sound: lower the duration noise scale, try another seed or other words, or train it for longer"
        )


def _shortened(sentence: str, most: int = 60) -> str:
    return sentence if len(sentence) <= most else sentence[:most] + "…"
