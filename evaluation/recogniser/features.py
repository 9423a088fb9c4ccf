"""What a recogniser listens to: log-mel frames that do not depend on how loud or through which line a voice is heard.

S samples · F frames · M mel bands
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor

from data.spectrogram import MelSpectrogram

MEL_BANDS = 80
FRAMES_PER_SECOND = 100
_SAMPLE_RATE = 16000  # what lies above 8 kHz tells phonemes apart no better
_RMS = 0.1  # the level that every recording is brought to, so that the floor of the logarithm means the same to all
_SILENT = 1e-5  # root mean square, a third of a step of 16 bits
_LEAST_DEVIATION = 0.1  # of a band, in nats: one in which nothing happens is not blown up to the size of speech


@cache
def _transform() -> MelSpectrogram:
    return MelSpectrogram(
        sample_rate=_SAMPLE_RATE,
        n_fft=512,
        window_length=400,
        hop_length=_SAMPLE_RATE // FRAMES_PER_SECOND,
        mel_bands=MEL_BANDS,
        fmin_hz=20.0,
        fmax_hz=None,
    )


def frames_of(audio: npt.NDArray[np.float32], sample_rate: int) -> Tensor:
    """Mono audio [S] at any rate and level to log-mel [F, M], each band of mean 0 and deviation 1; silence is zeros."""
    narrow = torch.from_numpy(soxr.resample(audio, sample_rate, _SAMPLE_RATE, quality="MQ"))
    rms = float(narrow.square().mean().sqrt()) if len(narrow) else 0.0
    mel = _transform()(narrow[None] * (_RMS / max(rms, _SILENT)))[0].T  # [F, M]
    if rms < _SILENT or not len(mel):
        return torch.zeros_like(mel)
    centred = mel - mel.mean(dim=0)
    return centred / centred.square().mean(dim=0).sqrt().clamp(min=_LEAST_DEVIATION)
