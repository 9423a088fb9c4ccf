"""Fundamental frequency, voicing and periodicity of speech by autocorrelation, and their differences.

Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound"
(1993): the autocorrelation of a windowed frame, divided by that of the window, has a peak at the period, and its height
is the periodicity; the best path through the peaks of all frames, with transition costs, gives voicing and period.

It is ours because librosa.pyin takes 15 times as long, errs by 2 to 10 cents on glides of a known pitch (this by less
than 1), and has no periodicity; pyworld must be compiled.

S samples · F frames · W samples of a window · K bins · L lags · C candidates of a frame, the first of them "unvoiced"
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.spectra import Audio, hop_samples
from metrics.warping import WarpingPath

LOWEST_HZ, HIGHEST_HZ = 60.0, 600.0
CENTS_PER_OCTAVE = 1200.0
WINDOW_SECONDS = 3 / LOWEST_HZ  # three of the longest periods
# Higher harmonics are noisier, and would make peaks too narrow to find between lags.
HIGHEST_HARMONIC_HZ = 6000.0
LAG_STEPS = 2  # per sample: at whole lags, the peak of a high voice could be missed
CANDIDATES = 8
BLOCK_FRAMES = 1024  # that are transformed at once
# Boersma's constants, but a threshold above his 0.45, because the noisiest harmonics are left out; transition costs are
# per 10 ms.
VOICING_THRESHOLD = 0.5
SILENCE_THRESHOLD = 0.03
OCTAVE_COST = 0.01
OCTAVE_JUMP_COST = 0.35
VOICING_CHANGE_COST = 0.14
COST_SECONDS = 0.01

Array = npt.NDArray[np.floating]  # of 32 bits while there are many bins or lags


@dataclass(frozen=True, eq=False)
class Pitch:
    """The fundamental frequency of a recording, in frames of `spectra.hop_samples`."""

    hz: Array  # [F], NaN where unvoiced
    voiced: npt.NDArray[np.bool_]  # [F]
    periodicity: Array  # [F], the periodic share of the power: 0 noise, 1 a steady tone


@dataclass(frozen=True, slots=True)
class PitchDifference:
    """The difference of two recordings' pitch (Morrison et al., "Chunked autoregressive GAN", 2022).

    A few octave errors dominate the first: one in 200 frames gives 85 cents.
    """

    rmse_cents: float  # over the frames that are voiced in both; NaN where there are none
    voiced_f1: float  # of the voiced frames, 0 to 1; NaN where neither recording has one
    periodicity_rmse: float  # 0 to 1


def track_pitch(audio: Audio, sample_rate: int) -> Pitch:
    """Estimate the fundamental frequency of speech between 60 and 600 Hz.

    On 20 clips of LJSpeech the voicing of 94 % of the frames is that of Praat; where both are voiced, 0.3 % differ by
    more than 20 %, and the others by a median of 0.4 cents. Where Praat and both estimators of WORLD (dio, harvest)
    agree, 99.9 % of the frames are voiced and 0.04 % differ by more than 20 %.

    Args:
        audio: float32 [S].
        sample_rate: in hertz.

    Returns:
        F = S // hop_samples(sample_rate) frames.
    """
    frames = _frames(audio, sample_rate)
    if not np.any(audio[: len(frames) * hop_samples(sample_rate)]):
        return Pitch(np.full(len(frames), np.nan), np.zeros(len(frames), np.bool_), np.zeros(len(frames)))
    blocks = [
        _analyse(frames[first : first + BLOCK_FRAMES], sample_rate) for first in range(0, len(frames), BLOCK_FRAMES)
    ]
    power, loudest, lags, heights = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    chosen = _best_path(lags, heights, loudest / loudest.max(), sample_rate)
    rows = np.flatnonzero(chosen)
    exact, height = _refined(power[rows], lags[rows, chosen[rows] - 1], sample_rate)
    hz, periodicity = np.full(len(frames), np.nan), heights.max(axis=1)
    hz[rows], periodicity[rows] = sample_rate / exact, height
    return Pitch(hz, chosen > 0, periodicity.clip(0, 1))


def pitch_difference(reference: Pitch, other: Pitch, path: WarpingPath | None = None) -> PitchDifference:
    """Compare two recordings frame by frame.

    Args:
        reference: pitch of the recording.
        other: pitch of the reconstruction, or of generated speech.
        path: of corresponding frames; None takes equal indices up to the end of the shorter recording.
    """
    frames = np.arange(min(len(reference.hz), len(other.hz)))
    one, two = (frames, frames) if path is None else (path.reference, path.other)
    voiced_one, voiced_two = reference.voiced[one], other.voiced[two]
    both = voiced_one & voiced_two
    calls = voiced_one.sum() + voiced_two.sum()
    return PitchDifference(
        rmse_cents=CENTS_PER_OCTAVE * _root_mean_square(np.log2(other.hz[two][both] / reference.hz[one][both])),
        voiced_f1=float(2 * both.sum() / calls) if calls else float("nan"),
        periodicity_rmse=_root_mean_square(other.periodicity[two] - reference.periodicity[one]),
    )


def log_f0_rmse(reference: Pitch, other: Pitch, path: WarpingPath | None = None) -> float:
    """Root mean square difference of ln F0 over the frames that are voiced in both; NaN where there are none."""
    return pitch_difference(reference, other, path).rmse_cents * float(np.log(2)) / CENTS_PER_OCTAVE


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else float("nan")


def _frames(audio: Audio, sample_rate: int) -> npt.NDArray[np.float32]:
    """Centred frames, zero-padded at both ends: a view [F, W]."""
    hop, window = hop_samples(sample_rate), _window_samples(sample_rate)
    count = len(audio) // hop
    padded = np.pad(np.asarray(audio, np.float32), (window // 2 - hop // 2, window))
    return np.lib.stride_tricks.sliding_window_view(padded, window)[: count * hop : hop]


def _analyse(frames: npt.NDArray[np.float32], sample_rate: int) -> tuple[Array, Array, Array, Array]:
    """Frames [F, W] to their power [F, K], their peaks [F], and the lags and heights of candidates [F, C - 1]."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    window = np.hanning(frames.shape[1] + 2)[1:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window, _n_fft(sample_rate))
    hz = np.arange(spectrum.shape[1]) * sample_rate / _n_fft(sample_rate)
    kept = hz < HIGHEST_HARMONIC_HZ
    fade = np.minimum(1, 2 - 2 * hz[kept] / HIGHEST_HARMONIC_HZ).astype(np.float32)  # over the upper half
    power = np.abs(spectrum[:, kept]) ** 2 * fade
    return power, np.abs(frames).max(axis=1), *_candidates(power, sample_rate)


def _candidates(power: Array, sample_rate: int) -> tuple[Array, Array]:
    """The highest peaks of the autocorrelation: their lags in samples and their heights, both 0 where there is none."""
    first, last = (int(LAG_STEPS * sample_rate / hz) for hz in (HIGHEST_HZ, LOWEST_HZ))
    steps = np.arange(first - 1, last + 2)
    correlation = np.fft.irfft(power, LAG_STEPS * _n_fft(sample_rate))[:, : last + 2]
    correlation /= np.maximum(correlation[:, :1], np.finfo(np.float32).tiny)
    correlation = correlation[:, first - 1 :] / _window_correlation(steps / LAG_STEPS, sample_rate).astype(np.float32)
    left, middle, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    is_peak = (middle > left) & (middle >= right) & (middle > 0)
    ranked = np.argsort(np.where(is_peak, -middle, 0), axis=1)[:, :CANDIDATES]
    offset, height = _parabola(*(np.take_along_axis(each, ranked, 1) for each in (left, middle, right)))
    found = np.take_along_axis(is_peak, ranked, 1)
    return np.where(found, (steps[ranked + 1] + offset) / LAG_STEPS, 0), np.where(found, height, 0)


def _parabola(left: Array, middle: Array, right: Array) -> tuple[Array, Array]:
    """Position, -0.5 to 0.5, and height of the vertex of the parabola through three neighbours."""
    slope, bend = (right - left) / 2, np.minimum(left - 2 * middle + right, -1e-12)
    offset = (-slope / bend).clip(-0.5, 0.5)
    return offset, middle + slope * offset + bend * offset**2 / 2


def _best_path(lags: Array, heights: Array, loudness: Array, sample_rate: int) -> npt.NDArray[np.int64]:
    """The candidate of every frame, 0 unvoiced, on the path with the greatest strength less the costs (Viterbi)."""
    frames, peaks = lags.shape
    per_frame = COST_SECONDS * sample_rate / hop_samples(sample_rate)
    octaves = np.log2(np.where(lags > 0, lags, 1) * LOWEST_HZ / sample_rate)
    strength = np.empty((frames, peaks + 1))
    strength[:, 0] = VOICING_THRESHOLD + np.maximum(0, 2 - loudness * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD)
    strength[:, 1:] = np.where(lags > 0, heights - OCTAVE_COST * octaves, -np.inf)
    cost = np.full((frames - 1, peaks + 1, peaks + 1), VOICING_CHANGE_COST * per_frame)  # from, to
    cost[:, 0, 0] = 0
    cost[:, 1:, 1:] = OCTAVE_JUMP_COST * per_frame * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    total, came_from = strength[0], np.empty((frames - 1, peaks + 1), np.int64)
    for frame in range(frames - 1):
        arrived = total[:, None] - cost[frame]
        came_from[frame] = arrived.argmax(axis=0)
        total = arrived.max(axis=0) + strength[frame + 1]
    chosen = np.empty(frames, np.int64)
    chosen[-1] = total.argmax()
    for frame in range(frames - 2, -1, -1):
        chosen[frame] = came_from[frame, chosen[frame + 1]]
    return chosen


def _refined(power: Array, lags: Array, sample_rate: int) -> tuple[Array, Array]:
    """The exact position and height of the peaks near these lags: [R] from power [R, K] and lags [R]."""
    angle = 2 * np.pi * np.arange(power.shape[1]) / _n_fft(sample_rate)
    power = power * np.where(angle == 0, 1, 2)
    power = power / np.maximum(power.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    for step in (0.5, 0.05):
        around = lags + step * np.array([[-1.0], [0.0], [1.0]])  # [3, R]
        heights = np.einsum("rk,nrk->nr", power, np.cos(around[:, :, None] * angle))
        offset, height = _parabola(*(heights / _window_correlation(around, sample_rate)))
        lags = lags + step * offset
    return lags, height


def _window_correlation(lags: Array, sample_rate: int) -> Array:
    """Autocorrelation of the Hann window, 1 at lag 0."""
    share = np.abs(lags) / (_window_samples(sample_rate) + 1)
    turn = 2 * np.pi * share
    return (1 - share) * (2 / 3 + np.cos(turn) / 3) + np.sin(turn) / (2 * np.pi)


def _window_samples(sample_rate: int) -> int:
    return 2 * round(WINDOW_SECONDS * sample_rate / 2)


def _n_fft(sample_rate: int) -> int:
    """A power of two for a window and the longest lag."""
    return 1 << int(WINDOW_SECONDS * sample_rate * 4 / 3).bit_length()
