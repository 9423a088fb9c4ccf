"""The audio of a listening test: equal loudness, and the low anchor."""

from collections.abc import Sequence

import numpy as np

from data.inspection.signal_level import integrated_loudness, peak_of
from speaking.engine import Audio

LOUDNESS_LUFS = -23.0  # EBU R 128
HIGHEST_PEAK = 0.99  # of full scale
# ITU-R BS.1534-3, low anchor: a low-pass at 3.5 kHz with a ripple of at most 0.1 dB, 25 dB of attenuation at 4 kHz and
# 50 dB at 4.5 kHz. A Kaiser window between the edges meets all three.
ANCHOR_PASSES_HZ, ANCHOR_STOPS_HZ, ANCHOR_STOPS_DB = 3500.0, 4000.0, 55.0


def loudness_matched(versions: Sequence[Audio], rates_hz: Sequence[int]) -> list[Audio]:
    """Scale the versions of a sentence to -23 LUFS (ITU-R BS.1770-4), or all to less, so that none clips.

    Versions that are too short or too quiet for a loudness are not scaled.

    Args:
        versions: [S] each, of any length.
        rates_hz: of each.
    """
    measured = [integrated_loudness(audio, rate) for audio, rate in zip(versions, rates_hz, strict=True)]
    matched = [
        audio if loudness is None else (audio * 10 ** ((LOUDNESS_LUFS - loudness) / 20)).astype(np.float32)
        for audio, loudness in zip(versions, measured, strict=True)
    ]
    lower = np.float32(HIGHEST_PEAK / max(HIGHEST_PEAK, *map(peak_of, matched)))
    return [audio * lower for audio in matched]


def low_anchor(audio: Audio, rate_hz: int) -> Audio:
    """A recording [S] through a low-pass at 3.5 kHz."""
    from scipy.signal import firwin, kaiserord, oaconvolve  # lazily: it takes a second to load

    length, beta = kaiserord(ANCHOR_STOPS_DB, (ANCHOR_STOPS_HZ - ANCHOR_PASSES_HZ) / (rate_hz / 2))
    middle = (ANCHOR_PASSES_HZ + ANCHOR_STOPS_HZ) / 2
    taps = firwin(length | 1, middle, window=("kaiser", beta), fs=rate_hz)  # an odd length has no delay
    filtered: Audio = oaconvolve(audio, taps, mode="same").astype(np.float32)
    return filtered
