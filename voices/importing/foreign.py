"""The tensors of another program's model, found by our names, and the model that their shapes tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any, Protocol

from torch import Tensor

from configs import InputError
from models.weight_norm import folded, weight_norms


class Naming(Protocol):
    """How a layout calls a tensor of ours."""

    def __call__(self, name: str, *, kernels: int) -> str:
        """Their name, given how many residual blocks stand behind each upsampling."""
        ...


@dataclass(frozen=True)
class Architecture:
    """What the shapes tell; strides and dilations they do not."""

    model: dict[str, Any]  # settings of the section [model]
    decoder: dict[str, Any]  # of [decoder], a HiFi-GAN
    num_symbols: int
    num_speakers: int
    spectrogram_bins: int | None  # None without a posterior encoder


class Foreign:
    """Tensors of another program's model.

    Args:
        tensors: by their names.
        naming: from our names to theirs, weight norms folded.
        source: names the file in what is said about it.

    Raises:
        InputError: a weight norm is damaged.
    """

    def __init__(self, tensors: Mapping[str, Tensor], naming: Naming, source: str) -> None:
        self.tensors, self.norms = folded(tensors, source), weight_norms(tensors)
        self.source, self._naming = source, naming
        self._kernels = 1  # with which all residual blocks are those of the first upsampling
        self.stages = self._count("decoder.upsamples.{}.weight")
        self._kernels = self._count("decoder.residuals.0.blocks.{}.dilated.0.weight") // max(1, self.stages)

    def name(self, ours: str) -> str:
        """What they call a tensor of ours."""
        return self._naming(ours, kernels=self._kernels)

    def has(self, ours: str) -> bool:
        """Whether there is such a tensor."""
        return self.name(ours) in self.tensors

    def architecture(self) -> Architecture:
        """The model, as its shapes tell.

        Raises:
            InputError: it is not a VITS whose decoder is HiFi-GAN.
        """
        num_symbols, hidden = self._shape("text_encoder.embedding.weight", 2)
        _, distances, head_channels = self._shape("text_encoder.blocks.0.attention.relative_keys", 3)
        filters, _, text_kernel = self._shape("text_encoder.blocks.0.feed_forward.widen.weight", 3)
        model = {
            "hidden_channels": hidden,
            "latent_channels": self._shape("text_encoder.statistics.weight", 3)[0] // 2,
            "filter_channels": filters,
            "attention_heads": hidden // head_channels,
            "attention_window": distances // 2,
            "text_layers": self._count("text_encoder.blocks.{}.attention.query.weight"),
            "text_kernel_size": text_kernel,
            "coupling_layers": self._count("flow.couplings.{}.input.weight"),
            "coupling_wavenet_layers": self._count("flow.couplings.0.wavenet.gates.{}.weight"),
            "coupling_kernel_size": self._shape("flow.couplings.0.wavenet.gates.0.weight", 3)[2],
            **self._durations(),
        }
        coupling_channels = self._shape("flow.couplings.0.input.weight", 3)[0]
        if coupling_channels != hidden:
            model["coupling_channels"] = coupling_channels
        bins = None
        if self.has("posterior_encoder.input.weight"):
            bins = self._shape("posterior_encoder.input.weight", 3)[1]
            model["posterior_layers"] = self._count("posterior_encoder.wavenet.gates.{}.weight")
            model["posterior_kernel_size"] = self._shape("posterior_encoder.wavenet.gates.0.weight", 3)[2]
        num_speakers = 1
        if self.has("speakers.weight"):
            num_speakers, model["speaker_channels"] = self._shape("speakers.weight", 2)
        return Architecture(model, self._decoder(), num_symbols, num_speakers, bins)

    def _durations(self) -> dict[str, Any]:
        if self.has("duration_predictor.flow.affine.shift"):
            return {
                "duration_predictor": "stochastic",
                "duration_channels": self._shape("duration_predictor.input.weight", 3)[0],
                "duration_kernel_size": self._shape("duration_predictor.stack.depthwise.0.weight", 3)[2],
                "duration_flows": self._count("duration_predictor.flow.couplings.{}.input.weight"),
            }
        channels, _, kernel_size = self._shape("duration_predictor.first.weight", 3)
        return {
            "duration_predictor": "deterministic",
            "duration_channels": channels,
            "duration_kernel_size": kernel_size,
        }

    def _decoder(self) -> dict[str, Any]:
        blocks = [f"decoder.residuals.0.blocks.{index}" for index in range(max(1, self._kernels))]
        return {
            "kind": "hifigan",
            "initial_channels": self._shape("decoder.input.weight", 3)[0],
            "upsample_kernel_sizes": [
                self._shape(f"decoder.upsamples.{stage}.weight", 3)[2] for stage in range(max(1, self.stages))
            ],
            "residual_block": 1 if self.has("decoder.residuals.0.blocks.0.plain.0.weight") else 2,
            "residual_kernel_sizes": [self._shape(f"{block}.dilated.0.weight", 3)[2] for block in blocks],
            # How many there are; which ones, shapes do not tell.
            "residual_dilations": [[1] * self._count(f"{block}.dilated.{{}}.weight") for block in blocks],
        }

    def _count(self, template: str) -> int:
        return len(list(takewhile(lambda index: self.has(template.format(index)), count())))

    def _shape(self, ours: str, dimensions: int) -> tuple[int, ...]:
        tensor = self.tensors.get(self.name(ours))
        if tensor is None or tensor.ndim != dimensions or not tensor.numel():
            raise InputError(
                f"{self.source}: is not a VITS voice with a HiFi-GAN decoder: it has no tensor {self.name(ours)} of "
                f"{dimensions} dimensions"
            )
        return tuple(tensor.shape)
