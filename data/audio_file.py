"""Reading audio files as mono 16-bit waveforms.

soundfile silently accepts several channels, other sample rates, NaN and empty files; what would harm training is
refused here.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from configs import InputError
from data.faults import FaultKind
from data.inspection.decoding import NotDecodedError, decode_file

FULL_SCALE = 32768  # samples lie in [-32768, 32767]; divided by this they lie in [-1, 1)


def read_audio(path: str | Path, *, sample_rate: int) -> npt.NDArray[np.int16]:
    """Read an audio file as 16-bit mono: the mean of its channels, resampled if necessary (soxr, VHQ).

    Args:
        path: any file soundfile can decode (wav, flac, ogg, opus, mp3).
        sample_rate: of the result, in hertz.

    Returns:
        int16 [S], S > 0.

    Raises:
        InputError: no such file, not audio, truncated, empty, or with NaN or infinite samples.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording")
    try:
        decoded = decode_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): change its permissions, or remove it") from error
    except NotDecodedError as error:
        if error.fault.kind is FaultKind.ZERO_SAMPLES:
            raise InputError(f"{path}: has no samples: record it again, or remove it") from error
        raise InputError(
            f"{path}: cannot be read as audio ({error}): convert it to wav or flac, or remove it"
        ) from error
    if not np.isfinite(decoded.audio).all():
        raise InputError(f"{path}: has samples that are NaN or infinite: export it again, or remove it")
    mono = decoded.audio.mean(axis=1)
    if decoded.rate_hz != sample_rate:
        mono = soxr.resample(mono, decoded.rate_hz, sample_rate, quality="VHQ")
        if len(mono) == 0:
            raise InputError(f"{path}: has no samples left at {sample_rate} Hz: record it again, or remove it")
    return to_int16(mono)


def to_int16(audio: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    """Round samples to 16 bits; those outside [-1, 1) are clipped."""
    samples: npt.NDArray[np.int16] = np.clip(np.rint(audio * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return samples


def to_float(audio: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """16-bit samples as numbers in [-1, 1)."""
    return audio.astype(np.float32) / np.float32(FULL_SCALE)
