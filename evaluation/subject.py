"""The voice under evaluation: it generates, reconstructs and aligns, with the same noise each time.

P ids · F frames
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from configs.content import UNFIT
from infer import Voice
from metrics.perception import missing
from metrics.spectra import Audio
from models.device import choose_device
from models.synthesizer import Synthesizer
from speaking.engine import SpokenSentence
from speaking.torch_engine import TorchEngine
from text import Encoded
from voices.checkpoint import checkpoint_path, load_checkpoint
from voices.importing.own import folded_synthesizer
from voices.importing.report import file_digest
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile

_NO_POSTERIOR = {
    "onnx": "an .onnx voice has no posterior encoder: give the run folder that it was exported from",
    "weights": "this voice has no posterior encoder, and beside it is no checkpoint that it was written with: "
    "leave it in its run folder, or give a checkpoint",
}


@dataclass(frozen=True, eq=False)
class Aligned:
    """A recording aligned with its text."""

    scores: npt.NDArray[np.float32]  # [F, P], log-likelihood of each frame under the prior of each id
    frames: npt.NDArray[np.int64]  # [P], of each id


class Subject:
    """A voice under evaluation, with its posterior encoder if there is one.

    Args:
        name: in the table.
        voice: to evaluate.
        step: of training; None where it is not known.
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
        # What metrics may need and is missing here, each with a sentence that says what to do.
        self.lacks = missing() | ({"posterior encoder": no_posterior} if no_posterior else {})

    @property
    def sample_rate(self) -> int:
        """Of all audio, in hertz."""
        return self.voice.sample_rate

    def render(self, encoded: Encoded, speaker: int | None, *, text: str) -> SpokenSentence:
        """Render a sentence as one utterance, with the voice's own settings.

        The noise depends on the text, not on what else is evaluated.

        Raises:
            InputError: the voice would take absurdly long.
        """
        seed = int.from_bytes(hashlib.sha256(f"{self.seed} {text}".encode()).digest()[:7])
        return self.voice.render(encoded, speaker, text=text, seed=seed)

    def reconstruct(self, recorded: Audio, speaker: int | None) -> Audio:
        """Encode and decode a recording, from the mean of the posterior: [S], whole frames."""
        return self._engine.convert(recorded, self.voice.config.audio, speaker, None)

    def align(self, ids: Sequence[int], recorded: Audio, speaker: int | None) -> Aligned:
        """Align a recording with the ids of its text, from the mean of the posterior.

        Raises:
            InputError: the recording has fewer frames than there are ids.
        """
        alignment = self._engine.align(ids, recorded, self.voice.config.audio, speaker)
        return Aligned(alignment.scores[0].cpu().numpy(), alignment.durations[0].cpu().numpy())

    @property
    def _engine(self) -> TorchEngine:
        engine = self.voice.engine
        assert isinstance(engine, TorchEngine), "metrics that need a posterior encoder are skipped without one"
        return engine


def load_subject(path: Path, *, device: str, seed: int) -> Subject:
    """Load a voice to evaluate.

    The file of a single-speaker voice has no posterior encoder; it is taken from the checkpoint of its step.

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
    whole = file.synthesizer if hasattr(file.synthesizer, "posterior_encoder") else _checkpoint_of(file, run)
    synthesizer = whole or file.synthesizer
    return Subject(
        str(path),
        Voice(replace(file, synthesizer=synthesizer), TorchEngine(synthesizer, choose_device(device))),
        step=file.step,
        seed=seed,
        no_posterior="" if whole else _NO_POSTERIOR["weights"],
        sha256=file_digest(path),
    )


def _checkpoint_of(voice: VoiceFile, run: Path) -> Synthesizer | None:
    """The synthesizer in the checkpoint that a voice was written with: the same weights, and a posterior encoder.

    Raises:
        InputError: that checkpoint is damaged.
    """
    path = checkpoint_path(run / "checkpoints", voice.step)
    if not path.exists():
        return None
    state, weights = load_checkpoint(path), voice.synthesizer.state_dict()
    for kind in ("average", "synthesizer"):  # the best voice may have the raw weights
        try:
            whole = folded_synthesizer(state[kind], voice.config, num_speakers=1)
        except UNFIT:  # of another network
            return None
        found = whole.state_dict()
        if all(name in found and torch.equal(weight, found[name]) for name, weight in weights.items()):
            return whole
    return None
