"""What the layers of the phoneme recogniser make of segments, for the perceptual loss.

The recogniser of `training.recogniser` is trained once on the user's recordings, as `python -m evaluation` does, and
shares its cache.

B batch · S samples · F frames · M mel bands
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from configs import Config
from data.corpus import Corpus
from models.recogniser import RecogniserNetwork
from training.frozen.network import FrozenNetwork
from training.recogniser import train_or_load
from training.recogniser.examples import MEL_BANDS
from training.speech_frames import FrameStatistics, SpeechFrames


class RecogniserMaps(FrozenNetwork):
    """Feature maps of the two convolutions and of the LSTMs after them, each [B, C, T].

    Args:
        network: a trained recogniser.
        sample_rate: of the audio, in hertz.
    """

    def __init__(self, network: RecogniserNetwork, sample_rate: int) -> None:
        super().__init__()
        self.network, self.frames = network, SpeechFrames(sample_rate)
        self.freeze()
        for lstm in (*network.forwards, *network.backwards):
            lstm.train()  # the same, as they have no dropout; cuDNN has gradients of LSTMs in training mode alone

    @classmethod
    def trained(cls, corpus: Corpus, config: Config) -> Self:
        """That of the recogniser of a corpus, which is trained the first time."""
        found = train_or_load(corpus, config, trained_hours=config.loss.recogniser_hours)
        return cls(found.network, config.audio.sample_rate)

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], sample_rate: int) -> Self:
        """The one of a checkpoint.

        Raises:
            KeyError, RuntimeError, AttributeError: the state is of another structure.
        """
        own = {name.removeprefix("network."): tensor for name, tensor in state.items()}
        with torch.device("meta"):
            network = RecogniserNetwork(bands=MEL_BANDS, classes=len(own["output.bias"]))
        network.load_state_dict({name: tensor.float().clone() for name, tensor in own.items()}, assign=True)
        return cls(network, sample_rate)

    def statistics(self, audio: Tensor, samples: Tensor) -> FrameStatistics:
        """Level and bands of recordings [B, 1, S] with so many samples each, int64 [B]."""
        return self.frames.statistics(audio, samples)

    def forward(self, audio: Tensor, by: FrameStatistics | None, samples: Tensor) -> list[Tensor]:
        """The maps of segments [B, 1, S]."""
        assert by is not None
        frames = self.frames.normalised(audio, by, samples).mT  # [B, F, M]
        maps, _ = self.network.feature_maps(frames, self.frames.lengths(samples))
        return maps
