"""A trained recogniser: sound in, phonemes out, with nothing that guesses what ought to have been said.

The likeliest class of each frame is taken, repetitions and blanks are left out (Graves et al., 2006, section 3.2, best
path decoding). A language model would hear fewer errors, also those that a voice makes.

S samples · F frames · T frames of the network's output · M mel bands
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evaluation.recogniser.error_rate import ErrorCounts
from evaluation.recogniser.features import frames_of
from evaluation.recogniser.network import RecogniserNetwork

BLANK = 0  # the class of no phoneme; phoneme n of the alphabet has the class n + 1


@dataclass(frozen=True, eq=False)
class Recogniser:
    """Hears phonemes, or letters where the voice reads letters."""

    network: RecogniserNetwork
    alphabet: tuple[str, ...]  # that it can hear
    calibration: ErrorCounts  # on recordings set aside, by which these weights were chosen: a little too good

    def hear(self, audio: npt.NDArray[np.float32], sample_rate: int) -> list[str]:
        """The phonemes in mono audio [S] at any rate and level; none in silence."""
        return self.hear_frames(frames_of(audio, sample_rate))

    @torch.inference_mode()
    def hear_frames(self, frames: Tensor) -> list[str]:
        """The phonemes in what `frames_of` made, [F, M]."""
        if not frames.any():
            return []
        scores, _ = self.network(frames[None], torch.tensor([len(frames)]))  # [1, T, K]
        return [self.alphabet[best - 1] for best in best_path(scores[0])]


def best_path(scores: Tensor) -> list[int]:
    """The classes that are likeliest in the frames of one clip, [T, K], without repetitions and blanks."""
    classes = scores.argmax(dim=1).unique_consecutive()
    return classes[classes != BLANK].tolist()
