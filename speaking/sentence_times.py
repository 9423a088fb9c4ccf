"""Alignment of texts with a recording by a voice (monotonic alignment search; VITS, section 2.2.1)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch

from configs import InputError
from speaking.torch_engine import TorchEngine
from voices.importing.sources import load_voice_from
from voices.parts import front_end_of


class VoiceAligner:
    """Aligns texts with a recording, which need not be of the speaker of the voice.

    Args:
        path: a voice with a posterior encoder: a run folder, or a voice of several speakers.

    Raises:
        InputError: there is no voice, or it has no posterior encoder.
    """

    def __init__(self, path: Path) -> None:
        voice = load_voice_from(path, to_train=True).voice
        if getattr(voice.synthesizer, "posterior_encoder", None) is None:
            raise InputError(f"{path}: has no posterior encoder, which finds texts in recordings: give its run folder")
        self.engine = TorchEngine(voice.synthesizer.eval(), torch.device("cpu"))
        self.speakers, self.audio = voice.speakers, voice.config.audio
        self.front_end = front_end_of(voice)

    def __call__(
        self, audio: npt.NDArray[np.float32], sample_rate: int, texts: Sequence[str], speaker: str | None
    ) -> npt.NDArray[np.float64]:
        """The end of each text; implements `data.splitting.aligner.Aligner`.

        The texts are [U], the audio [S]; the result is [U], in seconds. A speaker that the voice does not have is
        taken for its first.
        """
        if sample_rate != self.audio.sample_rate:
            audio = soxr.resample(audio, sample_rate, self.audio.sample_rate)
        symbols: list[str] = []
        ends = []  # symbols up to the end of each text
        for text in texts:
            own = self.front_end.utterance(text).symbols
            symbols += [" "] * bool(symbols and own) + list(own)
            ends.append(len(symbols))
        encoded = self.front_end.symbols.encode(symbols)
        known = self.speakers.index(speaker) if speaker in self.speakers else 0
        even = np.linspace(0, len(audio) / self.audio.sample_rate, len(texts) + 1)[1:]
        if len(encoded.symbols) != len(symbols):  # some are not the voice's
            return even
        try:
            alignment = self.engine.align(encoded.ids, audio, self.audio, known if len(self.speakers) > 1 else None)
        except InputError:  # fewer frames than symbols
            return even
        frame_ends = alignment.durations[0].cumsum(0).double().numpy()
        first = (len(encoded.ids) - 2 * len(symbols)) // 2  # of the ids, that of the first symbol
        found = frame_ends[[first + 2 * (end - 1) for end in ends]] * self.audio.hop_length / self.audio.sample_rate
        return np.asarray(found, np.float64)
