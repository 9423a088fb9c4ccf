"""Ways to spoil speech, each weaker to stronger."""

import numpy as np
import scipy.signal
import soxr

from metrics.spectra import Audio, log_mel
from metrics.warping import warp
from tests.metrics.conftest import RATE

STRENGTHS = {
    "noise": (-50.0, -40.0, -30.0),  # dBFS
    "low-pass": (6000.0, 3000.0, 1000.0),  # Hz
    "pitch shift": (0.5, 1.0, 2.0),  # semitones
    "time stretch": (1.02, 1.05, 1.1),  # times as long
}
PIECE, SEARCH = 512, 256  # samples


def degraded(audio: Audio, kind: str, strength: float) -> Audio:
    """A copy that was spoiled."""
    if kind == "noise":
        return audio + np.float32(10 ** (strength / 20)) * np.random.default_rng(0).standard_normal(
            len(audio), np.float32
        )
    if kind == "low-pass":
        filters = scipy.signal.butter(6, strength, fs=RATE, output="sos")
        return np.asarray(scipy.signal.sosfiltfilt(filters, audio), np.float32)
    if kind == "pitch shift":
        ratio = 2 ** (strength / 12)
        return soxr.resample(stretched(audio, ratio), RATE * ratio, RATE)
    return stretched(audio, strength)


def stretched(audio: Audio, times: float) -> Audio:
    """As many times as long at the same pitch: overlapping pieces, each moved to where it goes on from the last.

    Verhelst & Roelands, "An overlap-add technique based on waveform similarity" (1993).
    """
    pieces = int(len(audio) * times) // PIECE
    padded = np.pad(audio, (SEARCH, 2 * PIECE + 3 * SEARCH))
    window = scipy.signal.get_window("hann", 2 * PIECE).astype(np.float32)
    longer = np.zeros((pieces + 1) * PIECE, np.float32)
    place = SEARCH
    for piece in range(pieces):
        around = int(piece * PIECE / times)
        if piece:
            onward = padded[place + PIECE : place + 3 * PIECE]
            region = padded[around : around + 2 * SEARCH + len(onward)]
            place = around + int(scipy.signal.correlate(region, onward, mode="valid").argmax())
        longer[piece * PIECE : (piece + 2) * PIECE] += window * padded[place : place + 2 * PIECE]
    return longer


def warped_mel_distance(reference: Audio, other: Audio, sample_rate: int) -> float:
    """Mean absolute difference of log-mel frames along the path of `warp`, in nats; NaN without a whole frame."""
    first, second = log_mel(reference, sample_rate), log_mel(other, sample_rate)
    if not len(first) or not len(second):
        return float("nan")
    path = warp(first, second)
    return float(np.abs(first[path.reference] - second[path.other]).mean())
