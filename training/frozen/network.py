"""A frozen network: gradients pass through it to the audio, and none stay in it.

B batch · K segments of each clip · S samples of a segment
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from configs import InputError
from configs.errors import in_one_line
from data.plug_in import load_function
from training.speech_frames import FrameStatistics

_SHOWN = 8  # hexadecimal digits of a digest


class FrozenNetwork(nn.Module, ABC):
    """What a loss compares: feature maps, or embeddings, of segments."""

    @abstractmethod
    def statistics(self, audio: Tensor, samples: Tensor) -> FrameStatistics | None:
        """What segments of recordings [B, 1, S] with so many samples each are normalised by; None where nothing is."""

    @abstractmethod
    def forward(self, audio: Tensor, by: FrameStatistics | None, samples: Tensor) -> Any:
        """Segments [B, 1, S] with so many real samples each, int64 [B], to feature maps or embeddings."""

    def freeze(self) -> None:
        """Let no weight have a gradient, and no dropout be drawn."""
        self.eval().requires_grad_(False)


class PlugInNetwork(FrozenNetwork):
    """A network of the user's: `module:function` names a function from the sample rate in hertz to an `nn.Module`.

    The module is called with audio [B, 1, S] in [-1, 1], zero beyond the end of a short clip.

    Args:
        setting: the key that names it, such as loss.perceptual_network.
        name: module:function.
        sample_rate: of the audio, in hertz.
        samples: S.
        seed: of what is drawn while it is built.
        wanted: what the module is to return, in words.
        fits: whether a result for a batch of one is that.

    Raises:
        InputError: there is no such function, or what it builds is no module or returns something else.
    """

    def __init__(
        self,
        setting: str,
        name: str,
        *,
        sample_rate: int,
        samples: int,
        seed: int,
        wanted: str,
        fits: Callable[[Any], bool],
    ) -> None:
        super().__init__()
        self.given = f"{setting} = {name}"
        function = load_function(name, given=self.given, example="my_network:build", signature="the sample rate")
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                torch.manual_seed(seed)  # for a network of random weights is one, too
                network = function(sample_rate)
                if not isinstance(network, nn.Module):
                    raise TypeError(f"it built {network!r}, which is no torch.nn.Module")
                self.network = network.float()
                self.freeze()
                result = self.network(torch.zeros(1, 1, samples))
        except (Exception, SystemExit) as error:  # a program of the user's may raise anything
            raise InputError(f"{self.given}: {in_one_line(error)}") from error
        if not fits(result):
            raise InputError(f"{self.given}: the network is to return {wanted} for audio [1, 1, {samples}]")

    def statistics(self, audio: Tensor, samples: Tensor) -> None:
        """None: the network hears the audio as it is."""

    def forward(self, audio: Tensor, by: FrameStatistics | None, samples: Tensor) -> Any:
        """See `FrozenNetwork`."""
        return self.network(audio.float())

    def digest(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        found = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def require(self, digest: object) -> None:
        """Refuse other weights than a run was trained with until now.

        Raises:
            InputError: they are others.
        """
        own = self.digest()
        if digest != own:
            raise InputError(
                f"{self.given}: its weights ({own[:_SHOWN]}) are not those that the run was trained with "
                f"({str(digest)[:_SHOWN]}): put those back, or go on as another run with --changed"
            )
