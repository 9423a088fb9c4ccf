"""Speaker similarity: the cosine of speaker embeddings by Resemblyzer's encoder (Wan et al., 2018, GE2E).

Its embeddings have no negative component, so that the cosine is in [0, 1]; two readers may well have 0.6 in common.
"""

import warnings
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metrics.perception import INSTALL_SPEAKER_ENCODER, missing
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
        The embedding; NaN where resemblyzer is not installed or cannot be imported, or nobody speaks.
    """
    nobody = np.full(256, np.nan, np.float32)
    if "speaker encoder" in missing() or len(audio) < SHORTEST_SECONDS * sample_rate or not audio.any():
        return nobody
    if (library := _library()) is None:
        return nobody
    speech = library.preprocess_wav(audio, sample_rate)
    return _encoder().embed_utterance(speech.astype(np.float32)) if speech.any() else nobody


def similarity(one: Embedding, other: Embedding) -> float:
    """The cosine of two embeddings; NaN where either is."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@cache
def _library() -> ModuleType | None:
    """Resemblyzer; None where its import fails, as that of webrtcvad does beside newer setuptools."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of scipy's old names
            import resemblyzer
    except ImportError as error:
        warnings.warn(f"no speaker similarity: {error}: pip install {INSTALL_SPEAKER_ENCODER}", stacklevel=2)
        return None
    module: ModuleType = resemblyzer
    return module


@cache
def _encoder() -> "VoiceEncoder":
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)
