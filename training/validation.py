"""How the voice is doing on recordings it does not learn from, with the same noise each time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from configs import Config
from data.audio_writer import write_audio
from data.batch import Batch
from data.clips import Clip
from data.corpus import Corpus
from losses import duration_loss, kl_loss, mel_loss
from models import Synthesis, Synthesizer
from training.features import Features
from training.journal import Journal
from training.pictures import alignment_picture, mel_picture


class Validation:
    """Teacher-forced losses on all validation clips, and a few sentences spoken.

    Args:
        config: the experiment.
        corpus: its recordings.
        synthesizer: the voice that is judged, in evaluation mode.
        features: the experiment's spectrograms.
        make_batch: puts clips side by side on the device.
        autocast: the precision to compute in.
    """

    def __init__(
        self,
        config: Config,
        corpus: Corpus,
        synthesizer: Synthesizer,
        features: Features,
        *,
        make_batch: Callable[[Sequence[Clip]], Batch],
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.config, self.clips, self.synthesizer, self.features = config, corpus.validation, synthesizer, features
        self.make_batch, self.autocast = make_batch, autocast
        self.symbol_of_id = {index: symbol for symbol, index in corpus.symbols.ids.items()}

    @torch.no_grad()
    def losses(self) -> dict[str, float]:
        """Mean losses over the validation clips, each clip counting the same."""
        parts = [(len(clips), self._losses(clips)) for clips in self._batches()]
        return {
            name: sum(count * float(values[name]) for count, values in parts) / len(self.clips) for name in parts[0][1]
        }

    @torch.no_grad()
    def speak(self, journal: Journal, step: int) -> None:
        """Speak the first validation sentences, and draw each beside its recording."""
        for clip in self.clips[: self.config.train.spoken_sentences]:
            self._speak(journal, step, clip)

    def _batches(self) -> Iterator[Sequence[Clip]]:
        """The clips, longest first, in batches no larger than a training batch."""
        clips = sorted(self.clips, key=lambda clip: (-len(clip.audio), clip.id))
        size = min(16, self.config.train.batch_size)
        return (clips[start : start + size] for start in range(0, len(clips), size))

    def _losses(self, clips: Sequence[Clip]) -> dict[str, Tensor]:
        batch = self.make_batch(clips)
        spectrogram, spoken = self._synthesize(batch)
        segments = self.features.segments(batch, spectrogram, spoken)
        longest = spoken.durations.amax(dim=1) / spoken.durations.sum(dim=1)
        return {
            "mel": mel_loss(segments.mel_real, segments.mel_fake, segments.frame_mask),
            "kl": kl_loss(
                spoken.z_p, spoken.posterior.log_std, spoken.prior.mean, spoken.prior.log_std, spoken.frame_mask
            ),
            "duration": duration_loss(spoken.duration_cost, spoken.phoneme_mask),
            # Of all frames, those of the one phoneme that has most: near 1 while the alignment is not found.
            "longest_phoneme_share": longest.mean(),
        }

    def _synthesize(self, batch: Batch) -> tuple[Tensor, Synthesis]:
        with self.autocast():
            return self.features.synthesize(self.synthesizer, batch, self._noise(batch.audio.device))

    def _speak(self, journal: Journal, step: int, clip: Clip) -> None:
        batch, speaking, rate = self.make_batch([clip]), self.config.speaking, self.config.audio.sample_rate
        spectrogram, spoken = self._synthesize(batch)
        with self.autocast():
            speech = self.synthesizer.speak(
                batch.phoneme_ids,
                batch.phoneme_lengths,
                batch.speaker_ids,
                noise_scale=speaking.noise_scale,
                duration_noise_scale=speaking.duration_noise_scale,
                generator=self._noise(spectrogram.device),
            )
        audio = speech.audio[0].float()  # [1, S]
        samples = audio[0].cpu().numpy()
        path = journal.folder / "samples" / f"{step:08d}" / f"{clip.id.replace('/', '_')}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, samples, sample_rate=rate)
        journal.sound(step, f"spoken/{clip.id}", samples, rate)

        seconds_per_frame = 1 / self.config.audio.frames_per_second
        panels = {"recorded": self.features.mel_scale(spectrogram)[0], "spoken": self.features.mel(audio)[0]}
        mels = {name: mel.cpu().numpy() for name, mel in panels.items()}
        journal.picture(step, f"mel/{clip.id}", mel_picture(mels, seconds_per_frame=seconds_per_frame))
        durations = spoken.durations[0].cpu().numpy()
        symbols = [self.symbol_of_id[index] for index in clip.phoneme_ids.tolist()]
        journal.picture(
            step, f"alignment/{clip.id}", alignment_picture(durations, symbols, seconds_per_frame=seconds_per_frame)
        )

    def _noise(self, device: torch.device) -> torch.Generator:
        return torch.Generator(device).manual_seed(self.config.run.seed)
