"""Losses between speakers: voice conversion and back, and embeddings of whom the generated audio sounds like.

B batch · K segments of each clip · S samples of a segment · N speakers · E embedding
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from losses import contrastive_loss, cycle_consistency_loss, identity_loss, info_nce_loss
from training.auxiliary_losses.auxiliary_loss import AuxiliaryLoss, Ingredients
from training.features import GeneratorOutput


class Cycle(AuxiliaryLoss, weight="cycle", mean_over="segment_frames", between_speakers=True):
    """`losses.cycle_consistency_loss` of a segment that is converted to another speaker, encoded, and converted back.

    The other is drawn from all speakers of the corpus: those of the batch may be of one.
    """

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the recorded segments with those that came back."""
        segments, there = output.segments, output.conversion
        mel = output.converter.mel_converted(there.audio, there.speaker_ids, output.segment_speakers, segments)
        return cycle_consistency_loss(segments.mel_real, mel, segments.frame_mask)


class Identity(AuxiliaryLoss, weight="identity", mean_over="segment_frames"):
    """`losses.identity_loss` of a segment that is decoded, encoded, and decoded once more, all as its own speaker.

    CycleGAN gives the generator of a domain what is of that domain already. Here that generator is encoder, flow under
    A, its inverse under A, decoder; given a recording it is the reconstruction, which has its loss, as the flow and its
    inverse cancel. Given the reconstruction, it is to leave that as it is: conversion to the own voice has a fixed
    point, the recording. A single voice can have this loss, too.
    """

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare the recorded segments with those that were generated twice."""
        segments, own = output.segments, output.segment_speakers
        mel = output.converter.mel_converted(segments.generated, own, None, segments)
        return identity_loss(segments.mel_real, mel, segments.frame_mask)


@dataclass(frozen=True, eq=False)
class GeneratedSpeakers:
    """Generated segments, as recorded speakers and as others; whom they sound like, and whom they should and not."""

    embeddings: Tensor  # [2 B K, E]
    speaker_ids: Tensor  # [2 B K], who says them
    other_ids: Tensor  # [2 B K], to whom, or from whom, the segment is converted
    references: Tensor  # [N, E]


class SpeakerLoss(AuxiliaryLoss):
    """A loss of the embeddings of reconstructions and of conversions to another speaker of the corpus.

    They are compared with one reference for each speaker, and not with one another: so the terms of micro-batches add
    up, and a batch of one speaker is no exception.
    """

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        assert of.frozen.speaker is not None
        self.network, self.frozen = of.frozen.speaker, of.frozen

    def generated(self, output: GeneratorOutput) -> GeneratedSpeakers:
        """Embed reconstructions and conversions, in float32."""
        segments, batch, there, own = output.segments, output.batch, output.conversion, output.segment_speakers
        assert own is not None
        assert self.frozen.speaker_references is not None
        samples = segments.sample_mask.sum(dim=(1, 2)).long()  # [B * K]
        with torch.autocast(batch.audio.device.type, enabled=False):
            with torch.no_grad():
                by = self.network.statistics(batch.audio, batch.audio_lengths)
                by = None if by is None else by.repeated(2 * len(own) // len(batch.ids))
            embeddings = self.network(_both(segments.generated, there.audio), by, _both(samples, samples))
        return GeneratedSpeakers(
            F.normalize(embeddings, dim=1),
            _both(own, there.speaker_ids),
            _both(there.speaker_ids, own),
            self.frozen.speaker_references,
        )


def _both(reconstructed: Tensor, converted: Tensor) -> Tensor:
    """Two tensors [B * K, ...] as one, each segment beside itself: [2 B K, ...]."""
    return torch.stack((reconstructed, converted), dim=1).flatten(0, 1)


class SpeakerContrastive(SpeakerLoss, weight="speaker_contrastive", mean_over="clips", between_speakers=True):
    """`losses.contrastive_loss` of each generated segment with its speaker, and with the other of the conversion."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.margin = of.config.loss.speaker_margin

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare each with two references."""
        of = self.generated(output)
        same = torch.arange(2, device=of.speaker_ids.device).repeat_interleave(len(of.speaker_ids))
        references = of.references[torch.cat((of.other_ids, of.speaker_ids))]
        return contrastive_loss(of.embeddings.repeat(2, 1), references, same, margin=self.margin)


class SpeakerInfoNce(SpeakerLoss, weight="speaker_info_nce", mean_over="clips", between_speakers=True):
    """`losses.info_nce_loss` of each generated segment with the references of all speakers."""

    def __init__(self, of: Ingredients) -> None:
        super().__init__(of)
        self.temperature = of.config.loss.speaker_temperature

    def forward(self, output: GeneratorOutput) -> Tensor:
        """Compare each with every reference."""
        of = self.generated(output)
        everyone = torch.arange(len(of.references), device=of.references.device)
        return info_nce_loss(of.embeddings, of.references, of.speaker_ids, everyone, temperature=self.temperature)
