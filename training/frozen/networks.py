"""The frozen networks of an experiment: made before its first step, and in its checkpoints ever after.

N speakers · E embedding
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from configs import Config
from data.corpus import Corpus
from training.frozen.network import FrozenNetwork, PlugInNetwork
from training.frozen.recogniser_maps import RecogniserMaps
from training.frozen.speaker_embeddings import SpeakerEmbeddings, SpeakerRecordings, references, train_encoder

_SPEAKER_TERMS = ("speaker_contrastive", "speaker_info_nce")


class FrozenNetworks(nn.Module):
    """Networks of the terms that have a weight.

    Args:
        perceptual: whose feature maps are compared; None where no term needs it.
        speaker: whose embeddings are compared; None where no term needs it.
        speaker_references: [N, E], the embedding of each speaker; None where no term needs it.
    """

    speaker_references: Tensor | None

    def __init__(
        self,
        perceptual: FrozenNetwork | None = None,
        speaker: FrozenNetwork | None = None,
        speaker_references: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.perceptual, self.speaker = perceptual, speaker
        self.register_buffer("speaker_references", speaker_references)

    @classmethod
    def made(cls, config: Config, corpus: Corpus, *, verbose: bool = False) -> "FrozenNetworks":
        """Train them, or build the user's.

        Args:
            config: the experiment.
            corpus: its recordings.
            verbose: whether to print how long that took.

        Raises:
            InputError: a network of the user's cannot be used, or the recordings are too few.
        """
        found = cls()
        if config.loss.weights["perceptual"]:
            with _timed("loss.perceptual_network", verbose):
                found.perceptual = _plugged_in(config, "perceptual_network") or RecogniserMaps.trained(corpus, config)
        if any(config.loss.weights[name] for name in _SPEAKER_TERMS):
            with _timed("loss.speaker_encoder", verbose):
                speech = SpeakerRecordings.of(corpus, config)
                found.speaker = _plugged_in(config, "speaker_encoder") or _classifier(speech, config)
                found.speaker_references = references(found.speaker, speech)
        return found

    @classmethod
    def of_checkpoint(cls, state: Mapping[str, Any], config: Config) -> "FrozenNetworks":
        """Those of `checkpoint_state`.

        Raises:
            InputError: a network of the user's has other weights now.
            KeyError, RuntimeError, AttributeError, TypeError: the state is of another structure.
        """
        found, rate = cls(), config.audio.sample_rate
        if config.loss.weights["perceptual"]:
            own = _plugged_in(config, "perceptual_network", state["perceptual"])
            found.perceptual = own or RecogniserMaps.from_state(state["perceptual"], rate)
        if any(config.loss.weights[name] for name in _SPEAKER_TERMS):
            own = _plugged_in(config, "speaker_encoder", state["speaker"])
            found.speaker = own or SpeakerEmbeddings.from_state(state["speaker"], rate)
            found.speaker_references = state["speaker_references"].clone()
        return found

    def checkpoint_state(self) -> dict[str, Any]:
        """The weights of what was trained here, and the digest of what the user gave."""
        networks = {"perceptual": self.perceptual, "speaker": self.speaker}
        state: dict[str, Any] = {name: _state(network) for name, network in networks.items() if network is not None}
        if self.speaker_references is not None:
            state["speaker_references"] = self.speaker_references
        return state


def _classifier(speech: SpeakerRecordings, config: Config) -> SpeakerEmbeddings:
    rate, shortest = config.audio.sample_rate, config.train.segment_samples
    return SpeakerEmbeddings(
        train_encoder(speech, sample_rate=rate, shortest=shortest, seed=config.run.seed), sample_rate=rate
    )


@contextmanager
def _timed(setting: str, verbose: bool) -> Iterator[None]:
    """Print how long this block took."""
    began = time.monotonic()
    yield
    if verbose:
        print(f"{setting}: the network was ready after {time.monotonic() - began:.0f} s", flush=True)


def _state(network: FrozenNetwork) -> dict[str, Tensor] | str:
    if isinstance(network, PlugInNetwork):
        return network.digest()
    return {name: tensor for name, tensor in network.state_dict().items() if name.startswith("network.")}


def _plugged_in(config: Config, key: str, digest: object = None) -> PlugInNetwork | None:
    """The user's network that a setting names, of this digest if one is given; None where it is one of our own."""
    name: str = getattr(config.loss, key)
    if name in ("recogniser", "classifier"):
        return None
    own = {"perceptual_network": ("feature maps, a list of tensors [1, channels, time]", _are_maps)}
    own["speaker_encoder"] = ("an embedding [1, size]", _is_embedding)
    wanted, fits = own[key]
    network = PlugInNetwork(
        f"loss.{key}",
        name,
        sample_rate=config.audio.sample_rate,
        samples=config.train.segment_samples,
        seed=config.run.seed,
        wanted=wanted,
        fits=fits,
    )
    if digest is not None:
        network.require(digest)
    return network


def _are_maps(result: Any) -> bool:
    found = isinstance(result, list | tuple) and len(result) > 0
    return found and all(isinstance(one, Tensor) and one.dim() == 3 and len(one) == 1 for one in result)


def _is_embedding(result: Any) -> bool:
    return isinstance(result, Tensor) and result.dim() == 2 and len(result) == 1 and bool(torch.isfinite(result).all())
