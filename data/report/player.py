"""Recordings as data URIs, for players in a self-contained page."""

import base64
import io
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from data.audio_file import to_int16
from data.audio_writer import FORMATS
from data.inspection.decoding import is_slow_to_open, quiet_stderr

LONGEST_SECONDS = 30.0
_MOST_SAMPLES = 40_000_000  # of all channels: a header is not trusted
# What soundfile writes: FLAC loses nothing; MP3 takes about 8 kB per second, or 11 kB in the best quality.
_ENCODINGS: dict[str, dict[str, Any]] = {
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mp3": {"format": "MP3"},
    "best mp3": {"format": "MP3", "compression_level": 0.0},
}


def data_uri(audio: npt.NDArray[np.float32], sample_rate: int, encoding: Literal["flac", "mp3", "best mp3"]) -> str:
    """Mono audio [S] in [-1, 1] as a data URI; for MP3, it is resampled to a sample rate in hertz that MP3 has."""
    samples: npt.NDArray[np.int16] | npt.NDArray[np.float32]
    if encoding == "flac":
        kind, samples = "flac", to_int16(audio)
    else:
        fitting = FORMATS[".mp3"].rate_for(sample_rate)  # every browser plays MP3
        samples = audio if fitting == sample_rate else soxr.resample(audio, sample_rate, fitting)
        kind, samples, sample_rate = "mpeg", samples.clip(-1, 1), fitting
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, sample_rate, **_ENCODINGS[encoding])
    return f"data:audio/{kind};base64,{base64.b64encode(encoded.getvalue()).decode()}"


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
        return data_uri(mono, rate, "mp3") if len(mono) else None
    except (soundfile.SoundFileError, OSError, ValueError, TypeError):  # TypeError: a .raw, which has no header
        return None
