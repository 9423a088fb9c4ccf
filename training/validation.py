"""Validation on recordings that are not trained on, with the same noise each time."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs import Config
from data.audio_file import to_float
from data.batch import Batch
from data.clips import Clip
from data.corpus import Corpus
from data.inspection.signal_level import integrated_loudness
from losses import duration_loss, kl_loss, mel_loss
from metrics.warping import warp
from models.synthesizer import Synthesis, Synthesizer
from training.features import Features

_MOST_LENGTHS = 4  # of the recording: longer speech is not synthesized, for that would take long and show nothing


@dataclass(frozen=True, eq=False)
class SynthesizedClip:
    """A validation clip, synthesized from its text. S samples, M mel bands, F and G frames, P phonemes."""

    clip: Clip
    audio: NDArray[np.float32]  # [S], not beyond four times the recording's length; 0 where it was no number
    mel: NDArray[np.float32]  # [M, F], not finite where the audio was no number
    recorded_mel: NDArray[np.float32]  # [M, G]
    durations: NDArray[np.int64]  # [P], frames per phoneme of the recording
    length_ratio: float  # of the length it would have to the recording's

    @property
    def recording(self) -> NDArray[np.float32]:
        """The clip's audio, in [-1, 1]."""
        return to_float(self.clip.audio)

    def mel_distance(self) -> float:
        """Mean absolute difference of the log-mel frames, in nats, after the two were warped into step; or NaN."""
        if not np.isfinite(self.mel).all():  # which nothing can be warped to
            return math.nan
        path = warp(self.recorded_mel.T, self.mel.T)
        return float(np.abs(self.recorded_mel.T[path.reference] - self.mel.T[path.other]).mean())


@dataclass(frozen=True)
class ValidationResult:
    """The validation of one set of weights."""

    scalars: dict[str, float]
    sentences: list[SynthesizedClip]

    @property
    def score(self) -> float:
        """What the best checkpoint has least of, in nats."""
        return self.scalars["score"]


class Validation:
    """Losses of reconstruction on all validation clips, and a few sentences synthesized from their text.

    Args:
        config: the experiment.
        corpus: its recordings.
        features: the experiment's spectrograms.
        make_batch: puts clips side by side on the device.
        autocast: the precision to compute in.
    """

    def __init__(
        self,
        config: Config,
        corpus: Corpus,
        features: Features,
        *,
        make_batch: Callable[[Sequence[Clip]], Batch],
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.config, self.clips, self.features = config, corpus.validation, features
        self.make_batch, self.autocast = make_batch, autocast

    @torch.no_grad()
    def validate(self, synthesizer: Synthesizer) -> ValidationResult:
        """Validate a voice, which is in evaluation mode.

        The score is the mean of two log-mel distances: of reconstructions, which depend on the decoder, and of
        sentences synthesized from their text, which depend on everything else.
        """
        sentences = [
            self._synthesize_text(synthesizer, clip) for clip in self.clips[: self.config.train.spoken_sentences]
        ]
        scalars = self.losses(synthesizer) | _of_sentences(sentences, self.config.audio.sample_rate)
        parts = [scalars[name] for name in ("mel", "spoken_mel") if name in scalars]
        return ValidationResult({**scalars, "score": sum(parts) / len(parts)}, sentences)

    @torch.no_grad()
    def losses(self, synthesizer: Synthesizer) -> dict[str, float]:
        """Mean losses over the validation clips, each clip counting the same."""
        parts = [(len(clips), self._losses(synthesizer, clips)) for clips in self._batches()]
        names = dict.fromkeys(name for _, values in parts for name in values)
        means = {}
        for name in names:  # the last batch may be of one clip, which has no other's text
            having = [(count, float(values[name])) for count, values in parts if name in values]
            means[name] = sum(count * value for count, value in having) / sum(count for count, _ in having)
        return means

    def _batches(self) -> Iterator[Sequence[Clip]]:
        """The clips, longest first, in batches no larger than a training batch."""
        clips = sorted(self.clips, key=lambda clip: (-len(clip.audio), clip.id))
        size = min(16, self.config.train.batch_size)
        return (clips[start : start + size] for start in range(0, len(clips), size))

    def _losses(self, synthesizer: Synthesizer, clips: Sequence[Clip]) -> dict[str, Tensor]:
        batch = self.make_batch(clips)
        spectrogram, synthesis = self._synthesize(synthesizer, batch)
        segments = self.features.segments(batch, spectrogram, synthesis)
        longest = synthesis.durations.amax(dim=1) / synthesis.durations.sum(dim=1)
        kl = kl_loss(
            synthesis.z_p,
            synthesis.posterior.log_std,
            synthesis.prior.mean,
            synthesis.prior.log_std,
            synthesis.frame_mask,
        )
        losses = {
            "mel": mel_loss(segments.mel_real, segments.mel_generated, segments.frame_mask),
            "kl": kl,
            "duration": duration_loss(synthesis.duration_cost, synthesis.phoneme_mask),
            # Of all frames, those of the one phoneme that has most: near 1 while the alignment is not found.
            "longest_phoneme_share": longest.mean(),
        }
        if len(clips) > 1:
            losses["text_gain"] = self._kl_of_other_texts(synthesizer, batch, synthesis) - kl
        return losses

    def _kl_of_other_texts(self, synthesizer: Synthesizer, batch: Batch, synthesis: Synthesis) -> Tensor:
        """The KL term where each recording is given the text of its neighbour in the batch.

        That of its own text is smaller by as much as texts predict recordings: by nearly 0 before the alignment is
        found, and for ever where the texts are not those of the recordings.
        """
        frame_lengths = self.features.frame_lengths(batch)
        lengths = batch.phoneme_lengths.roll(1).minimum(frame_lengths)
        with self.autocast():
            ids = batch.phoneme_ids.roll(1, dims=0)
            prior = synthesizer.align_latents(synthesis.z_p, ids, lengths, frame_lengths).prior
        return kl_loss(synthesis.z_p, synthesis.posterior.log_std, prior.mean, prior.log_std, synthesis.frame_mask)

    def _synthesize(self, synthesizer: Synthesizer, batch: Batch) -> tuple[Tensor, Synthesis]:
        with self.autocast():
            return self.features.synthesize(synthesizer, batch, self._noise(batch.audio.device))

    def _synthesize_text(self, synthesizer: Synthesizer, clip: Clip) -> SynthesizedClip:
        batch, speaking = self.make_batch([clip]), self.config.speaking
        spectrogram, synthesis = self._synthesize(synthesizer, batch)
        recorded = int(self.features.frame_lengths(batch))
        with self.autocast():
            plan = synthesizer.plan(
                batch.phoneme_ids,
                batch.phoneme_lengths,
                batch.speaker_ids,
                noise_scale=speaking.noise_scale,
                duration_noise_scale=speaking.duration_noise_scale,
                generator=self._noise(spectrogram.device),
            )
            most = _MOST_LENGTHS * recorded
            shortened = replace(plan, z_p=plan.z_p[:, :, :most], frame_mask=plan.frame_mask[:, :, :most])
            audio = synthesizer.decode(shortened).audio[0].float()  # [1, S]
        return SynthesizedClip(
            clip=clip,
            audio=audio[0].nan_to_num(0.0, 0.0, 0.0).cpu().numpy(),
            mel=self.features.mel(audio)[0].cpu().numpy(),
            recorded_mel=self.features.mel_scale(spectrogram)[0, :, :recorded].cpu().numpy(),
            durations=synthesis.durations[0, : len(clip.phoneme_ids)].cpu().numpy(),
            length_ratio=plan.frame_mask.shape[2] * self.features.hop_length / len(clip.audio),
        )

    def _noise(self, device: torch.device) -> torch.Generator:
        return torch.Generator(device).manual_seed(self.config.run.seed)


def _of_sentences(sentences: Sequence[SynthesizedClip], sample_rate: int) -> dict[str, float]:
    """Means over the sentences, those left out that were no speech at all."""
    if not sentences:
        return {}
    levels = [
        tuple(integrated_loudness(audio, sample_rate) for audio in (sentence.audio, sentence.recording))
        for sentence in sentences
    ]
    louder = [generated - recorded for generated, recorded in levels if generated is not None and recorded is not None]
    return {
        "spoken_mel": _mean([sentence.mel_distance() for sentence in sentences]),
        "length_ratio": _mean([sentence.length_ratio for sentence in sentences]),
        "loudness_db": _mean(louder),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
