"""A trained recogniser: audio in, phonemes out, by best-path decoding (Graves et al., 2006, section 3.2).

There is no language model: it would hide errors of the voice as well as those of the recogniser.

On disk it is a SHA-256 of the rest, one line of JSON, and the weights as safetensors.

S samples · F frames · T frames of the network's output · M mel bands · K classes
"""

import hashlib
import json
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from configs.atomic_file import replacing
from configs.content import UNFIT, json_object, require_like
from models.recogniser import RecogniserNetwork
from training.recogniser.error_rate import ErrorCounts
from training.recogniser.examples import MEL_BANDS, frames_of

BLANK = 0  # the class of no phoneme; phoneme n of the alphabet has the class n + 1
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Recogniser:
    """Recognises phonemes, or letters where the voice's front end has letters."""

    network: RecogniserNetwork
    alphabet: tuple[str, ...]  # that it can recognise
    calibration: ErrorCounts  # on the recordings by which these weights were chosen, so a little too good

    def recognise(self, audio: npt.NDArray[np.float32], sample_rate: int) -> list[str]:
        """The phonemes in mono audio [S] at any rate and level; none in silence."""
        return self.recognise_frames(frames_of(audio, sample_rate))

    @torch.inference_mode()
    def recognise_frames(self, frames: Tensor) -> list[str]:
        """The phonemes in the frames [F, M] of `frames_of`."""
        if not frames.any():
            return []
        scores, _ = self.network(frames[None], torch.tensor([len(frames)]))  # [1, T, K]
        classes = scores[0].argmax(dim=1).unique_consecutive()
        return [self.alphabet[best - 1] for best in classes[classes != BLANK].tolist()]


def store(path: Path, key: str, recogniser: Recogniser) -> None:
    """Write a recogniser, or replace the file, in one step.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    facts = {"key": key, "alphabet": recogniser.alphabet, "calibration": astuple(recogniser.calibration)}
    body = json.dumps(facts).encode() + b"\n" + save(recogniser.network.state_dict())
    with replacing(path) as file:
        file.write(hashlib.sha256(body).digest() + body)


def load_stored(path: Path, key: str) -> Recogniser | None:
    """Read the recogniser of this key; None where there is none, or where the file is damaged or of another key."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    line, _, weights = body.partition(b"\n")
    try:
        facts = json_object(line)
        if facts["key"] != key:
            return None
        require_like(facts, {"alphabet": [""], "calibration": [0]})
        alphabet = tuple(facts["alphabet"])
        with torch.device("meta"):
            network = RecogniserNetwork(bands=MEL_BANDS, classes=len(alphabet) + 1)
        network.load_state_dict(load(weights), assign=True)
        return Recogniser(network.eval().requires_grad_(False), alphabet, ErrorCounts(*facts["calibration"]))
    except (SafetensorError, *UNFIT):
        return None
