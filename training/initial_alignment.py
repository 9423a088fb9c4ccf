"""Who aligns the first steps: monophones, before the text encoder knows a phoneme (`train.initial_alignment_steps`)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from configs import Config
from data.batch import Batch
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import clip_source
from models.monophones import MonophoneAligner
from training.features import Features

_CLIPS = 16  # that are aligned together before the first step


class InitialAlignment:
    """Monophones, fitted to the recordings of a run before the first step that needs them.

    Args:
        config: the experiment.
        corpus: its recordings.
        features: its spectrograms.
        device: of the training.
    """

    def __init__(self, config: Config, corpus: Corpus, features: Features, device: torch.device) -> None:
        self.steps = config.train.initial_alignment_steps
        self._config, self._corpus, self._features = config, corpus, features
        self._aligner = MonophoneAligner(num_symbols=corpus.symbols.size, mel_bands=config.audio.mel_bands).to(device)
        self._fitted = False

    def fit(self, step: int, make_batch: Callable[[Sequence[Clip]], Batch]) -> None:
        """Fit the monophones, unless they are fitted or no step after `step` needs them.

        Every rank finds the same: the batches depend on the seed alone.
        """
        if self._fitted or step >= self.steps:
            return
        clips = clip_source(
            self._corpus.train,
            self._corpus.shards,
            hop_length=self._config.audio.hop_length,
            bounds=self._config.data.bucket_frames,
            batch_size=_CLIPS,
            max_frames=None,
            seed=self._config.run.seed,
        )
        self._aligner.fit(self._features.for_alignment(make_batch(each)) for each in clips.batches(epoch=0))
        self._fitted = True

    def aligner(self, step: int) -> MonophoneAligner | None:
        """What aligns the clips of the step that follows `step` updates; None where the synthesizer does it itself."""
        return self._aligner if self._fitted and step < self.steps else None

    def state_dict(self) -> dict[str, Any]:
        """The fitted monophones; empty where there are none."""
        return self._aligner.state_dict() if self._fitted else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take what `state_dict` returned; monophones that are not there are fitted when a step needs them."""
        if state:
            self._aligner.load_state_dict(state)
            self._fitted = True
