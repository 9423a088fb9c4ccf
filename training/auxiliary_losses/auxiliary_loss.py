"""An optional term of the generator loss, and what it is made from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from configs import Config
from training.features import GeneratorOutput
from training.frozen import FrozenNetworks


@dataclass(frozen=True, eq=False)
class Ingredients:
    """What a term is made from; what it sees in a step is a `GeneratorOutput`."""

    config: Config  # the experiment
    frozen: FrozenNetworks  # those that its terms look through


class AuxiliaryLoss(nn.Module, ABC):
    """One optional term: `class MyTerm(AuxiliaryLoss, weight="my_term", mean_over="clips")`.

    What it holds follows from the settings (windows, filters), or is a frozen network, which has a place of its own in
    a checkpoint.

    Args:
        of: the experiment and its frozen networks.
    """

    of_weight: ClassVar[dict[str, type["AuxiliaryLoss"]]] = {}
    mean_over: ClassVar[Literal["clips", "phonemes", "frames", "segment_frames"]]  # which normalisation it has
    between_speakers: ClassVar[bool]  # whether it needs several

    def __init_subclass__(
        cls, weight: str = "", mean_over: str = "", between_speakers: bool = False, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if weight:  # else it is what several terms share
            cls.mean_over = mean_over  # type: ignore[assignment]
            cls.between_speakers = between_speakers
            cls.of_weight[weight] = cls

    def __init__(self, of: Ingredients) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, output: GeneratorOutput) -> Tensor:
        """The term of a batch, 0-d, before its normalisation and its weight."""
