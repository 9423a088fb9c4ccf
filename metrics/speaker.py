"""Speaker similarity: the cosine of speaker embeddings by Resemblyzer's encoder (Wan et al., 2018, GE2E).

Its embeddings have no negative component, so that the cosine is in [0, 1]; two readers may well have 0.6 in common.
"""

import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metrics.perception import missing
from metrics.spectra import Audio

if TYPE_CHECKING:
    from resemblyzer import VoiceEncoder

SHORTEST_SECONDS = 0.1
Embedding = npt.NDArray[np.float32]  # [256], of length 1; NaN where there is none


def speaker_embedding(audio: Audio, sample_rate: int) -> Embedding:
    """Embed the speaker of a recording.

    Args:
        audio: float32 [S]; the encoder takes windows of 1.6 s, and levels and trims the recording itself.
        sample_rate: in hertz.

    Returns:
        The embedding; NaN where resemblyzer is not installed, or nobody speaks.
    """
    nobody = np.full(256, np.nan, np.float32)
    if "speaker encoder" in missing() or len(audio) < SHORTEST_SECONDS * sample_rate or not audio.any():
        return nobody
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of scipy's old names
        from resemblyzer import preprocess_wav
    speech = preprocess_wav(audio, sample_rate)
    return _encoder().embed_utterance(speech.astype(np.float32)) if speech.any() else nobody


def similarity(one: Embedding, other: Embedding) -> float:
    """The cosine of two embeddings; NaN where either is."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@cache
def _encoder() -> "VoiceEncoder":
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)
