"""The perceptual loss: recorded and decoded segments as a frozen network hears them.

B batch · K segments of each clip · S samples of a segment
"""

import torch
from torch import Tensor

from losses import perceptual_loss
from training.auxiliary_losses.auxiliary_loss import AuxiliaryLoss, Ingredients
from training.features import GeneratorOutput


class Perceptual(AuxiliaryLoss, weight="perceptual", mean_over="segment_frames"):
    """`losses.perceptual_loss` of the feature maps of `loss.perceptual_network`.

    Micro-batches add up exactly where no clip is shorter than a segment: maps have positions of their own, of which a
    short clip has not quite as many as its share of frames.
    """

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        assert of.frozen.perceptual is not None
        self.network = of.frozen.perceptual

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the feature maps of the segments, in float32."""
        segments, batch = output.segments, output.batch
        samples = segments.sample_mask.sum(dim=(1, 2)).long()  # [B * K]
        with torch.autocast(batch.audio.device.type, enabled=False):
            with torch.no_grad():
                by = self.network.statistics(batch.audio, batch.audio_lengths)
                by = None if by is None else by.repeated(len(samples) // len(batch.ids))
                real = self.network(segments.real, by, samples)
            generated = self.network(segments.generated, by, samples)
            return perceptual_loss(real, generated, segments.sample_mask)
