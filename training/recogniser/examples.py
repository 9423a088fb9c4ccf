"""The training examples of a recogniser: log-mel frames, their phonemes, and augmentation.

The frames do not depend on the level or the frequency response of a recording. Augmentation: tempo (Ko, Povey, Peddinti
& Khudanpur, "Audio Augmentation for Speech Recognition", 2015, section 2), on frames, and masks (Park et al.,
"SpecAugment", 2019, section 2), with zeros, which are the mean of every band.

S samples · F frames · M mel bands · N phonemes
"""

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor
from torch.nn import functional

from data.audio_file import to_float
from data.clips import Clip
from data.spectrogram import MelSpectrogram
from text import SymbolTable

MEL_BANDS = 80
FRAMES_PER_SECOND = 100
SAMPLE_RATE = 16000  # what is above 8 kHz tells phonemes apart no better
RMS = 0.1  # to which all recordings are scaled, so that the floor of the logarithm is the same for all
SILENT = 1e-5  # root mean square, a third of a step of 16 bits
LEAST_DEVIATION = 0.1  # of a band, in nats: a band without signal is not amplified to the level of speech
_TEMPO = 0.1  # largest relative change
_WIDEST_BANDS = 13  # of a mask over mel bands, of which there is one
_LONGEST_FRAMES = 12  # of a mask over time: a longer one would hide whole phonemes
_FRAMES_PER_MASK = 250
_STRESS = frozenset("ˈˌ")


@dataclass(frozen=True, eq=False)
class Example:
    """A recording, and its phonemes."""

    frames: Tensor  # [F, M]
    said: list[str]  # [N]

    @classmethod
    def of(cls, clip: Clip, symbols: SymbolTable, sample_rate: int) -> "Example":
        """The example of a clip."""
        audio = to_float(clip.audio)
        return cls(frames_of(audio, sample_rate), phonemes_of_ids(clip.phoneme_ids, symbols))

    def varied(self, generator: random.Random) -> "Example":
        """The same at another tempo, with some bands and moments masked."""
        length = max(1, round(len(self.frames) * generator.uniform(1 - _TEMPO, 1 + _TEMPO)))
        changed = functional.interpolate(self.frames.T[None], size=length, mode="linear")[0].T.contiguous()
        width = generator.randint(0, _WIDEST_BANDS)
        low = generator.randint(0, max(0, changed.shape[1] - width))
        changed[:, low : low + width] = 0.0
        for _ in range(max(1, length // _FRAMES_PER_MASK)):
            width = generator.randint(0, _LONGEST_FRAMES)
            start = generator.randint(0, max(0, length - width))
            changed[start : start + width] = 0.0
        return Example(changed, self.said)


def frames_of(audio: npt.NDArray[np.float32], sample_rate: int) -> Tensor:
    """Mono audio [S] at any rate and level to log-mel [F, M], each band of mean 0 and deviation 1; silence is zeros."""
    narrow = torch.from_numpy(soxr.resample(audio, sample_rate, SAMPLE_RATE, quality="MQ"))
    rms = float(narrow.square().mean().sqrt()) if len(narrow) else 0.0
    mel = _mel_transform()(narrow[None] * (RMS / max(rms, SILENT)))[0].T  # [F, M]
    if rms < SILENT or not len(mel):
        return torch.zeros_like(mel)
    centred = mel - mel.mean(dim=0)
    return centred / centred.square().mean(dim=0).sqrt().clamp(min=LEAST_DEVIATION)


def new_mel_transform() -> MelSpectrogram:
    """Audio at `SAMPLE_RATE` to log-mel spectrograms of `MEL_BANDS` and `FRAMES_PER_SECOND`."""
    return MelSpectrogram(
        sample_rate=SAMPLE_RATE,
        n_fft=512,
        window_length=400,
        hop_length=SAMPLE_RATE // FRAMES_PER_SECOND,
        mel_bands=MEL_BANDS,
        fmin_hz=20.0,
        fmax_hz=None,
    )


_mel_transform = cache(new_mel_transform)


def phonemes_said(symbols: Iterable[str]) -> list[str]:
    """The phonemes or letters among the symbols of a sentence, and the marks that belong to them.

    Length, nasalisation and vowel signs stay, each as a symbol of its own; stress, word gaps, punctuation, blanks,
    starts and ends are left out.
    """
    return [symbol for symbol in symbols if unicodedata.category(symbol)[0] in "LM" and symbol not in _STRESS]


def phonemes_of_ids(ids: npt.NDArray[np.int64], symbols: SymbolTable) -> list[str]:
    """The same of the ids [P] of a clip."""
    names = {index: symbol for symbol, index in symbols.ids.items()}
    return phonemes_said(names[index] for index in ids.tolist())
