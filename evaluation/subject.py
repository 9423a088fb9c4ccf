"""The voice that is judged: it speaks, copies and aligns, in the same noise each time.

B batch, of one · P ids · F frames · Z latent channels · C speaker channels
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from configs import InputError
from configs.content import UNFIT
from data.spectrogram import LinearSpectrogram
from infer import Voice
from metrics.perception import missing
from metrics.spectra import Audio
from models.device import choose_device
from models.synthesizer import Synthesizer
from speaking.durations import check_durations
from speaking.manner import Manner
from speaking.torch_engine import TorchEngine
from text import Encoded
from voices.checkpoint import checkpoint_path, load_checkpoint
from voices.importing.own import folded_synthesizer
from voices.importing.report import file_digest
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile

_NO_POSTERIOR = {
    "onnx": "an .onnx voice cannot listen: give the run folder that it was made of",
    "weights": "this voice has no posterior encoder, and beside it is no checkpoint that it was written with: "
    "leave it in its run folder, or give a checkpoint",
}


@dataclass(frozen=True, eq=False)
class Rendered:
    """A sentence as the voice says it."""

    audio: Audio  # [S]
    frames: npt.NDArray[np.int64]  # [P], of each id


@dataclass(frozen=True, eq=False)
class Aligned:
    """A recording as the alignment search hears it."""

    scores: npt.NDArray[np.float32]  # [F, P], log-likelihood of each frame under the prior of each id
    frames: npt.NDArray[np.int64]  # [P], of each id


class Subject:
    """A voice, and with its posterior encoder if there is one.

    Args:
        name: what it is called in the table.
        voice: ready to speak.
        step: of the training that made it; None where that is not known.
        seed: of the noise.
        no_posterior: why it has no posterior encoder; empty where it has one.
        sha256: of its file; None where it is not known.
    """

    def __init__(
        self,
        name: str,
        voice: Voice,
        *,
        step: int | None,
        seed: int,
        no_posterior: str = "",
        sha256: str | None = None,
    ) -> None:
        self.name, self.voice, self.step, self.seed, self.sha256 = name, voice, step, seed, sha256
        # What metrics may need and is not here, each with a sentence that says what to do.
        self.lacks = missing() | ({"posterior encoder": no_posterior} if no_posterior else {})

    @property
    def sample_rate(self) -> int:
        """Of all audio, in hertz."""
        return self.voice.sample_rate

    def speak(self, encoded: Encoded, speaker: int | None, *, text: str) -> Rendered:
        """Say a whole sentence in one breath, in the noise and at the speed that the voice itself prefers.

        Raises:
            InputError: the voice would take absurdly long, or what it says is no sound.
        """
        config = self.voice.config
        manner = Manner.chosen(config.speaking, seed=self._seed_of(text))
        noise_scale, duration_noise_scale = manner.noise_scales(encoded)
        rendering = self.voice.engine.render(
            encoded.ids,
            speaker,
            check=partial(
                check_durations,
                symbols=len(encoded.symbols),
                frame_seconds=1 / config.audio.frames_per_second,
                speed=manner.speed,
                text=lambda: text,
            ),
            noise_scale=noise_scale,
            duration_noise_scale=duration_noise_scale,
            speed=manner.speed,
            generator=self.voice.engine.generator(manner.seed),
        )
        return Rendered(_heard(rendering.whole()), rendering.frames)

    @torch.inference_mode()
    def copy(self, recorded: Audio, speaker: int | None) -> Audio:
        """Say a recording again, from the mean of the posterior: [S], whole frames.

        Raises:
            InputError: what the voice says is no sound.
        """
        synthesizer, device = self._synthesizer()
        spectrogram = self._spectrogram(recorded, device)
        lengths = _row(spectrogram.shape[2], device)
        audio = synthesizer.reconstruct(spectrogram, lengths, None if speaker is None else _row(speaker, device))
        return _heard(audio[0, 0].cpu().numpy())

    @torch.inference_mode()
    def align(self, ids: Sequence[int], recorded: Audio, speaker: int | None) -> Aligned:
        """Search which frames of a recording belong to which id, as training does, from the mean of the posterior.

        Raises:
            InputError: the recording has fewer frames than there are ids.
        """
        synthesizer, device = self._synthesizer()
        spectrogram = self._spectrogram(recorded, device)
        if spectrogram.shape[2] < len(ids):
            raise InputError(f"the recording has {spectrogram.shape[2]} frames, too few for the {len(ids)} ids it says")
        phonemes, frames = (_row(length, device) for length in (len(ids), spectrogram.shape[2]))
        speakers = None if speaker is None else _row(speaker, device)
        alignment = synthesizer.align(torch.tensor([list(ids)], device=device), phonemes, spectrogram, frames, speakers)
        return Aligned(alignment.scores[0].cpu().numpy(), alignment.durations[0].cpu().numpy())

    def _synthesizer(self) -> tuple[Synthesizer, torch.device]:
        engine = self.voice.engine
        assert isinstance(engine, TorchEngine), "who lacks a posterior encoder is not asked to listen"
        return engine.synthesizer, engine.device

    def _spectrogram(self, audio: Audio, device: torch.device) -> Tensor:
        settings = self.voice.config.audio
        linear = LinearSpectrogram(
            n_fft=settings.n_fft, window_length=settings.window_length, hop_length=settings.hop_length
        ).to(device)
        return linear(torch.from_numpy(audio)[None].to(device))

    def _seed_of(self, text: str) -> int:
        """Of a sentence: another for each, whatever else is judged beside it."""
        return int.from_bytes(hashlib.sha256(f"{self.seed} {text}".encode()).digest()[:7])


def load_subject(path: Path, *, device: str, seed: int) -> Subject:
    """Load a voice to judge it.

    The file of a voice with one speaker has no posterior encoder; the checkpoint of its step, in the same run, has.

    Raises:
        InputError: there is no voice, or it is damaged.
    """
    if path.suffix == ".onnx":
        voice = Voice.load(path)
        from voices.export.digest import digest  # onnx is needed for such voices alone

        sha256 = digest(path.read_bytes())
        return Subject(str(path), voice, step=None, seed=seed, no_posterior=_NO_POSTERIOR["onnx"], sha256=sha256)
    file = load_voice_from(path).voice
    run = path if path.is_dir() else path.parent
    whole = file.synthesizer if _listens(file.synthesizer) else _checkpoint_of(file, run)
    synthesizer = whole or file.synthesizer
    return Subject(
        str(path),
        Voice(replace(file, synthesizer=synthesizer), TorchEngine(synthesizer, choose_device(device))),
        step=file.step,
        seed=seed,
        no_posterior="" if whole else _NO_POSTERIOR["weights"],
        sha256=file_digest(path),
    )


def _listens(synthesizer: Synthesizer) -> bool:
    return hasattr(synthesizer, "posterior_encoder")


def _checkpoint_of(voice: VoiceFile, run: Path) -> Synthesizer | None:
    """What a voice was written from: the checkpoint of its step has the same weights, and a posterior encoder.

    Raises:
        InputError: that checkpoint is damaged.
    """
    path = checkpoint_path(run / "checkpoints", voice.step)
    if not path.exists():
        return None
    state, weights = load_checkpoint(path), voice.synthesizer.state_dict()
    for kind in ("average", "synthesizer"):  # the best voice may be of the newest weights
        try:
            whole = folded_synthesizer(state[kind], voice.config, num_speakers=1)
        except UNFIT:  # of another network
            return None
        found = whole.state_dict()
        if all(name in found and torch.equal(weight, found[name]) for name, weight in weights.items()):
            return whole
    return None


def _heard(audio: Audio) -> Audio:
    if not np.isfinite(audio).all():
        raise InputError("what the voice says has samples that are NaN or infinite")
    return audio


def _row(value: int, device: torch.device) -> Tensor:
    return torch.tensor([value], device=device)
