"""Perceived quality and intelligibility, each metric by its library.

Where a library is not installed its metric is NaN, and `missing` says what to install.
"""

import importlib.util
import warnings
from dataclasses import dataclass

import numpy as np

from metrics.spectra import Audio

RATE_HZ = 16000  # of wide-band PESQ and of DNSMOS
SHORTEST_STOI_SECONDS = 0.4  # of one segment
TOO_LITTLE_FOR_STOI = 1e-5  # what pystoi returns for less, after it has removed silence

_LIBRARIES = {
    "pesq": ("pesq",),
    "stoi": ("pystoi",),
    "dnsmos": ("speechmos", "onnxruntime"),
    "speaker encoder": ("resemblyzer", "webrtcvad"),
}
# What else resemblyzer names it does not need, or is there.
INSTALL_SPEAKER_ENCODER = "--no-deps resemblyzer webrtcvad-wheels"
_INSTALL = {"speaker encoder": INSTALL_SPEAKER_ENCODER}


@dataclass(frozen=True, slots=True)
class Dnsmos:
    """Predicted mean opinion scores, 1 to 5 (Reddy, Gopal & Cutler, 2021 and 2022)."""

    signal: float  # P.835 SIG: is the speech itself natural and undistorted
    background: float  # P.835 BAK: is the background free of noise
    overall: float  # P.835 OVRL
    p808: float  # P.808: one score of everything


def missing() -> dict[str, str]:
    """Metrics whose library is missing, each with a sentence that says what to install."""
    sentences = {}
    for metric, libraries in _LIBRARIES.items():
        absent = [library for library in libraries if importlib.util.find_spec(library) is None]
        if absent:
            install = _INSTALL.get(metric, " ".join(absent))
            verb = "is" if len(absent) == 1 else "are"
            sentences[metric] = f"{' and '.join(absent)} {verb} not installed: pip install {install}"
    return sentences


def pesq_wideband(reference: Audio, other: Audio, sample_rate: int) -> float:
    """Perceptual evaluation of speech quality, wide band (ITU-T P.862.2): 1.04 bad to 4.64 the same.

    Args:
        reference: float32 [S].
        other: float32 [S], aligned in time.
        sample_rate: of both, in hertz.

    Returns:
        The score; NaN where pesq is not installed, or finds no speech.
    """
    first, second = (_resampled(audio, sample_rate) for audio in _as_long(reference, other))
    if "pesq" in missing() or not (first.any() and second.any()):
        return float("nan")
    from pesq import PesqError, pesq

    try:
        return float(pesq(RATE_HZ, first, second, "wb"))
    except PesqError:  # too short, or too quiet
        return float("nan")


def stoi(reference: Audio, other: Audio, sample_rate: int) -> float:
    """Short-time objective intelligibility (Taal et al., 2011): a correlation, 1 for the same audio.

    Its arguments are those of `pesq_wideband`; NaN where pystoi is not installed, or there is too little speech.
    """
    first, second = _as_long(reference, other)
    if "stoi" in missing() or len(first) < SHORTEST_STOI_SECONDS * sample_rate:
        return float("nan")
    import pystoi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of too little speech
        share = float(pystoi.stoi(first, second, sample_rate))
    return float("nan") if share == TOO_LITTLE_FOR_STOI else share


def dnsmos(audio: Audio, sample_rate: int) -> Dnsmos:
    """Predict the opinion scores of one recording, without a reference.

    Args:
        audio: float32 [S]; shorter audio is repeated to the 9 s of the model's input.
        sample_rate: in hertz.

    Returns:
        The scores; all NaN where speechmos or onnxruntime is not installed, or the recording is empty.
    """
    if "dnsmos" in missing() or len(audio) == 0:
        return Dnsmos(*[float("nan")] * 4)
    from speechmos import dnsmos as speechmos_dnsmos

    scores = speechmos_dnsmos.run(np.clip(_resampled(audio, sample_rate), -1, 1), RATE_HZ)
    return Dnsmos(*(float(scores[f"{name}_mos"]) for name in ("sig", "bak", "ovrl", "p808")))


def _as_long(reference: Audio, other: Audio) -> tuple[Audio, Audio]:
    samples = min(len(reference), len(other))
    return reference[:samples], other[:samples]


def _resampled(audio: Audio, sample_rate: int) -> Audio:
    import soxr

    return audio if sample_rate == RATE_HZ else soxr.resample(audio, sample_rate, RATE_HZ)
