"""Small random voices of every kind, as the exporter gets them."""

import json
from dataclasses import replace

import torch
from torch import Tensor

from configs import Config, parse_config
from models.duration_predictor import DurationPredictor
from models.synthesizer import Synthesizer
from tests.models.decoders.test_decoders import config_of
from tests.rounding import exactly
from tests.voices.random_voice import NUM_SYMBOLS, randomised, small_config, speak_up
from voices.export.comparison import Case, SettledCase, settle
from voices.voice_file import VoiceFile

LETTERS = "abcdefghijklmnop?"
# Settings of networks with a layer of each kind, whose graph takes half as long to write.
SHALLOW = {"text_layers": 1, "coupling_layers": 2, "coupling_wavenet_layers": 1, "duration_flows": 2}


def shallow_config(decoder: str) -> Config:
    """Shallow networks before a decoder of this family."""
    settings = config_of(decoder).model_dump(exclude_none=True)
    settings["model"] |= SHALLOW
    return parse_config(settings, source="shallow_config")


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


def rounding(voice: VoiceFile) -> float:
    """How far two float32 programs may differ in a sample of what this voice says, each with errors of its own."""
    case = Case(noise_scale=1.0, speakers=tuple({0, max(0, len(voice.speakers) - 1)}))

    def say(synthesizer: Synthesizer) -> Tensor:
        said = settle(replace(voice, synthesizer=synthesizer), case)
        assert isinstance(said, SettledCase)
        return said.audio

    return 2 * exactly(voice.synthesizer, say)[1]


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
