"""Recordings from disk: mono waveforms of 16 bits.

soundfile accepts a good deal in silence (several channels, other rates, NaN, nothing at all); what training could
suffer from is refused here, by the name of the file.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from configs import InputError
from data.findings import Fault
from data.inspection.decoding import NotDecodedError, decode
from data.inspection.header import refuse_by_header

FULL_SCALE = 32768  # samples lie in [-32768, 32767]; divided by this they lie in [-1, 1)


def read_audio(path: str | Path, *, sample_rate: int) -> npt.NDArray[np.int16]:
    """Read one recording as 16-bit mono: the mean of its channels, at the rate that is asked for.

    Args:
        path: any file soundfile can decode (wav, flac, ogg, opus, mp3).
        sample_rate: samples per second of the result, in hertz; files at another rate are resampled (soxr, VHQ).

    Returns:
        int16 [S], S > 0.

    Raises:
        InputError: no such file, not audio, cut short, empty, or with NaN or infinite samples.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording")
    try:
        refuse_by_header(path)
        decoded = decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): change its permissions, or remove it") from error
    except NotDecodedError as error:
        if error.fault.fault is Fault.ZERO_SAMPLES:
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
    """Round samples to the nearest of 16 bits; those outside [-1, 1) are clipped, never wrapped."""
    samples: npt.NDArray[np.int16] = np.clip(np.rint(audio * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return samples
