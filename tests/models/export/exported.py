"""Small random voices of every kind, as the exporter gets them."""

import json

import torch

from configs import Config
from models.duration_predictor import DurationPredictor
from models.synthesizer import Synthesizer
from models.voice_file import VoiceFile
from tests.models.random_voice import NUM_SYMBOLS, randomised, small_config, speak_up

LETTERS = "abcdefghijklmnop?"


def small_voice(
    config: Config | None = None, *, speakers: tuple[str, ...] = (), lexicon: str | None = None
) -> VoiceFile:
    """A voice whose weights are random and whose decoder is not still."""
    chosen = small_config() if config is None else config
    synthesizer = randomised(lambda: Synthesizer(chosen, num_symbols=NUM_SYMBOLS, num_speakers=max(1, len(speakers))))
    speak_up(synthesizer)
    _take_time(synthesizer)
    synthesizer.fold_weight_norm()
    symbols = {symbol: index for index, symbol in enumerate(["_", "^", "$", *LETTERS])}
    return VoiceFile(chosen, synthesizer.requires_grad_(False), json.dumps(symbols), speakers, 1, lexicon)


@torch.no_grad()
def _take_time(synthesizer: Synthesizer) -> None:
    """Durations of a few frames, each another: those of random weights are nearly all one."""
    predictor = synthesizer.duration_predictor
    if isinstance(predictor, DurationPredictor):
        assert predictor.projection.bias is not None
        predictor.projection.bias.add_(2.0)
    else:
        affine = predictor.flow.affine
        affine.shift.sub_(1.5 * affine.log_scale.exp())
