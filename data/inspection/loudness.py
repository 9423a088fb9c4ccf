"""Integrated loudness of a mono recording: ITU-R BS.1770-4, annex 1.

The standard gives its K-weighting as two filters at 48 kHz and asks for the same frequency response at other rates;
here that response is applied in the frequency domain, which needs no filters of its own for every rate.
"""

import functools
import math

import numpy as np
import numpy.typing as npt

# Tables 1 and 2 of the standard: a high shelf for the head, and a high pass; b over a, at 48 kHz.
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
TABLE_RATE_HZ = 48000
OFFSET_DB = -0.691  # makes a full-scale 997 Hz tone read -3.01 LUFS
STEPS_PER_BLOCK = 4  # blocks of 0.4 s begin every 0.1 s
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_DB = -70.0, -10.0
TOGETHER = 8  # windows that are transformed at once
SETTLING_SECONDS = 0.04  # after which the high pass has forgotten all but e^-9


def integrated_loudness(audio: npt.NDArray[np.float32], rate_hz: int) -> float | None:
    """Measure the loudness of one channel, in LUFS.

    Args:
        audio: float [S], full scale at 1.
        rate_hz: samples per second.

    Returns:
        The loudness, or None where there is no whole block of 0.4 s louder than the gate at -70 LUFS.
    """
    step = round(rate_hz / 10)
    steps = len(audio) // step
    if steps < STEPS_PER_BLOCK:
        return None
    cells = _k_weighted(audio, rate_hz)[: steps * step].reshape(steps, step)
    energy = np.einsum("ij,ij->i", cells, cells).astype(np.float64)
    blocks = np.convolve(energy, np.ones(STEPS_PER_BLOCK), mode="valid") / (STEPS_PER_BLOCK * step)  # mean squares
    gated = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
    if len(gated) == 0:
        return None
    gated = gated[gated > gated.mean() * 10 ** (RELATIVE_GATE_DB / 10)]
    return OFFSET_DB + 10 * math.log10(gated.mean())


def _power(lufs: float) -> float:
    return 10 ** ((lufs - OFFSET_DB) / 10)


def _k_weighted(audio: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    """Weight by overlap and save: windows that overlap by twice the settling time, of which only the middle is kept."""
    response = _k_response(rate_hz)
    size = 2 * (len(response) - 1)
    margin = round(SETTLING_SECONDS * rate_hz)
    kept = size - 2 * margin
    windows = -(-len(audio) // kept)
    padded = np.zeros(windows * kept + 2 * margin, np.float32)
    padded[margin : margin + len(audio)] = audio
    overlapping = np.lib.stride_tricks.sliding_window_view(padded, size)[::kept]  # [windows, size]
    weighted = np.empty((windows, kept), np.float32)
    # A few at a time, because memory for all of them is asked of the system and given back on every call, which takes
    # longer than the transforms.
    for first in range(0, windows, TOGETHER):
        some = slice(first, first + TOGETHER)
        weighted[some] = np.fft.irfft(np.fft.rfft(overlapping[some]) * response, size)[:, margin : margin + kept]
    return weighted.reshape(-1)[: len(audio)]


@functools.lru_cache(maxsize=8)
def _k_response(rate_hz: int) -> npt.NDArray[np.float32]:
    """Gain of the K-weighting from 0 to half the rate; above half the table's rate, the gain there."""
    size = 1 << math.ceil(math.log2(rate_hz * 8 * SETTLING_SECONDS))
    hz = np.minimum(np.fft.rfftfreq(size, 1 / rate_hz), TABLE_RATE_HZ / 2)
    delay = np.exp(-2j * np.pi * hz / TABLE_RATE_HZ)
    gain = np.ones(len(hz))
    for over, under in (SHELF, HIGH_PASS):
        gain *= np.abs(np.polyval(over[::-1], delay) / np.polyval(under[::-1], delay))
    return gain.astype(np.float32)
