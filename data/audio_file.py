"""Recordings from disk and speech to disk: 16-bit mono waveforms.

soundfile accepts a good deal in silence (several channels, other rates, NaN, nothing at all); what training or
listening could suffer from is refused here, by the name of the file.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from configs import InputError
from data.findings import Fault
from data.inspection.decoding import NotDecodedError, decode

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


def write_wav(path: str | Path, audio: npt.NDArray[np.float32], *, sample_rate: int) -> None:
    """Write a mono 16-bit wav; samples outside [-1, 1) are clipped, never wrapped.

    Args:
        path: the file to write; its folder must exist.
        audio: float [S], full scale at 1.
        sample_rate: samples per second, in hertz.

    Raises:
        InputError: the folder does not exist, the file cannot be written, or the audio has NaN or infinite samples.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist: create it, or choose another place")
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: not written, because the audio has samples that are NaN or infinite")
    try:
        soundfile.write(path, to_int16(audio), sample_rate, format="WAV", subtype="PCM_16")
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"{path}: cannot be written ({error}): choose another place") from error


def to_int16(audio: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    """Round samples to the nearest of 16 bits; those outside [-1, 1) are clipped, never wrapped."""
    samples: npt.NDArray[np.int16] = np.clip(np.rint(audio * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return samples
