"""Recordings as data URIs, for players in a self-contained page."""

import base64
import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from data.inspection.decoding import is_slow_to_open, quiet_stderr

LONGEST_SECONDS = 30.0
_MOST_SAMPLES = 40_000_000  # of all channels: a header is not trusted
# Every browser plays MP3, at these sample rates.
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def data_uri(audio: npt.NDArray[np.int16] | npt.NDArray[np.float32], sample_rate: int) -> str:
    """Mono audio [S] as `data:audio/mpeg;base64,...`, about 8 kB per second; the sample rate is in hertz."""
    audio = audio[: int(LONGEST_SECONDS * sample_rate)]
    if sample_rate not in _MP3_RATES:
        if audio.dtype == np.int16:
            audio = (audio / 32768).astype(np.float32)
        audio, sample_rate = soxr.resample(audio, sample_rate, 22050), 22050
    encoded = io.BytesIO()
    soundfile.write(encoded, audio, sample_rate, format="MP3")
    return f"data:audio/mpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"


def file_data_uri(path: Path, root: Path) -> str | None:
    """The beginning of a recording; None if it cannot be decoded, or is not inside `root`."""
    inside = Path(os.path.normpath(path)).is_relative_to(os.path.normpath(root))
    try:
        if not inside or not path.is_file() or is_slow_to_open(path):
            return None
        with quiet_stderr(), soundfile.SoundFile(path) as file:
            if file.samplerate < 1:
                return None
            frames = min(int(LONGEST_SECONDS * file.samplerate), _MOST_SAMPLES // file.channels)
            audio = file.read(min(frames, file.frames), dtype="float32", always_2d=True)
            rate = file.samplerate
        mono = np.clip(np.nan_to_num(audio.mean(axis=1)), -1, 1)
        return data_uri(mono, rate) if len(mono) else None
    except (soundfile.SoundFileError, OSError, ValueError, TypeError):  # TypeError: a .raw, which has no header
        return None
