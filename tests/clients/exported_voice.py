"""Small voices for other programs to speak with, and what we ourselves make of the same ids without noise."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from configs import Config, parse_config
from models.synthesizer import Synthesizer
from tests.voices.random_voice import calm_pitch, randomised, speak_up
from text import Encoded, SymbolTable, TextFrontEnd, grapheme_symbols, piper_symbols
from voices.export.comparison import parity_bound
from voices.voice_file import VoiceFile, save_voice

HOUSE = Path(__file__).resolve().parents[2]
CHOIR = ("ann", "bob", "cem")

# Texts that our normaliser leaves alone, and that every client's espeak-ng reads alike.
SENTENCE = "Good morning, said the doctor, while others slept."
TEXT = f"{SENTENCE} Is that so? Most of them believed him; a few did not!"

_RESIDUAL = {"residual_kernel_sizes": [3, 5], "residual_dilations": [[1, 2], [2, 6]]}
_TO_SAMPLES = {"upsample_rates": [8, 8, 4], "upsample_kernel_sizes": [16, 16, 8]}
# One small decoder of each family; Vocos at a rate and a hop of its own, so that nobody can take them for given.
DECODERS: Mapping[str, dict[str, Any]] = {
    "hifigan": {"initial_channels": 32, **_TO_SAMPLES, **_RESIDUAL},
    "bigvgan": {"initial_channels": 32, "residual_block": 2, **_TO_SAMPLES, **_RESIDUAL},
    "istftnet": {"initial_channels": 32, "residual_block": 2, **_RESIDUAL},
    "mb-istft": {"initial_channels": 32, "residual_block": 2, **_RESIDUAL},
    "ms-istft": {"initial_channels": 32, "residual_block": 2, **_RESIDUAL},
    "vocos": {"channels": 32, "expansion_channels": 64, "layers": 2, "istft_n_fft": 640},
    "harmonic_noise": {"channels": 32, "expansion_channels": 64, "layers": 2},
}
_AUDIO = {"vocos": {"sample_rate": 16000, "n_fft": 640, "window_length": 640, "hop_length": 160}}


@dataclass(frozen=True)
class ExportedVoice:
    """A voice, and what was written of it for other programs."""

    file: Path  # the voice.safetensors
    voice: VoiceFile  # what it holds
    onnx: Path  # its settings and tokens lie beside it

    @property
    def tolerance(self) -> float:
        """Of samples, as the contract has it."""
        return parity_bound(self.voice)

    @property
    def sample_rate(self) -> int:
        """Of the audio, in Hz."""
        return self.voice.config.audio.sample_rate

    @property
    def front_end(self) -> TextFrontEnd:
        """Our reading of a text."""
        data = self.voice.config.data
        symbols = SymbolTable.from_json(self.voice.symbols)
        return TextFrontEnd(kind=data.front_end, language=data.language, symbols=symbols)

    def encode(self, text: str) -> list[Encoded]:
        """The sentences of a text as we read them."""
        return self.front_end.sentences(text)

    def say(self, ids: Sequence[int], *, speed: float = 1.0, speaker: int = 0) -> NDArray[np.float32]:
        """Audio [S] of these ids without noise, and with it the certainty that it is worth a comparison."""
        audio = self._speak(ids, speed, speaker).audio[0, 0].numpy()
        assert np.abs(audio).max() > 0.05
        assert np.mean(np.abs(audio) >= 1) < 0.01
        return audio

    def durations(self, ids: Sequence[int], *, speed: float = 1.0) -> NDArray[np.int64]:
        """How many samples [P] each of these ids lasts without noise."""
        frames: NDArray[np.int64] = self._speak(ids, speed, 0).durations[0].numpy()
        return frames * self.voice.config.audio.hop_length

    def _speak(self, ids: Sequence[int], speed: float, speaker: int) -> Any:
        return self.voice.synthesizer.speak(
            torch.tensor([list(ids)]),
            torch.tensor([len(ids)]),
            torch.tensor([speaker]) if self.voice.speakers else None,
            noise_scale=0,
            duration_noise_scale=0,
            speed=speed,
        )


Exports = Callable[[str], ExportedVoice]


def tiny_config(decoder: str, **sections: dict[str, Any]) -> Config:
    """The tiny experiment with a decoder of this family and some settings replaced."""
    settings = tomllib.loads((HOUSE / "configs" / "tiny.toml").read_text())
    settings["decoder"] = {"kind": decoder, **DECODERS[decoder]}
    own = {"audio": _AUDIO.get(decoder, {})} | sections
    merged = {name: settings.get(name, {}) | own.get(name, {}) for name in {*settings, *own}}
    merged["train"]["segment_samples"] = 16 * merged["audio"].get("hop_length", 256)
    return parse_config(merged, source="tiny_config")


def write_random_voice(folder: Path, decoder: str, *, speakers: Sequence[str] = (), graphemes: bool = False) -> Path:
    """A voice file in which no weight is zero."""
    front_end = "graphemes" if graphemes else "espeak"
    config = tiny_config(decoder, data={"root": "corpus", "front_end": front_end, "language": "en-us"})
    symbols = grapheme_symbols([TEXT], "en-us") if graphemes else piper_symbols()
    synthesizer = randomised(lambda: Synthesizer(config, num_symbols=symbols.size, num_speakers=max(1, len(speakers))))
    if decoder in ("hifigan", "bigvgan"):  # the others are loud enough: behind their last layer stands an exponential
        speak_up(synthesizer)
    else:
        calm_pitch(synthesizer)
    folder.mkdir()
    file = folder / "voice.safetensors"
    save_voice(file, synthesizer, config, symbols=symbols.to_json(), speakers=speakers, step=1)
    return file
