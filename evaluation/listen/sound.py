"""The audio of a listening test: equal loudness, encoding, and the low anchor."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import soundfile
import soxr

from data.audio_file import to_int16
from data.inspection.metrics import integrated_loudness, peak_of
from speaking.engine import Audio

LOUDNESS_LUFS = -23.0  # EBU R 128
HIGHEST_PEAK = 0.99  # of full scale
# ITU-R BS.1534-3, low anchor: a low-pass at 3.5 kHz with a ripple of at most 0.1 dB, 25 dB of attenuation at 4 kHz and
# 50 dB at 4.5 kHz. A Kaiser window between the edges meets all three.
ANCHOR_PASSES_HZ, ANCHOR_STOPS_HZ, ANCHOR_STOPS_DB = 3500.0, 4000.0, 55.0
# Every browser plays MP3, and it keeps these rates.
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


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


def data_uri(audio: Audio, rate_hz: int, *, lossless: bool) -> str:
    """Audio [S] as a data URI: an MP3 of some 90 kbit/s, or a FLAC of 16 bits."""
    encoded = io.BytesIO()
    if lossless:
        soundfile.write(encoded, to_int16(audio), rate_hz, format="FLAC", subtype="PCM_16")
    else:
        fitting = next((rate for rate in _MP3_RATES if rate >= rate_hz), _MP3_RATES[-1])
        resampled = audio if fitting == rate_hz else soxr.resample(audio, rate_hz, fitting)
        soundfile.write(encoded, resampled.clip(-1, 1), fitting, format="MP3", compression_level=0.0)
    kind = "flac" if lossless else "mpeg"
    return f"data:audio/{kind};base64,{base64.b64encode(encoded.getvalue()).decode()}"
