"""Recover the posterior encoder of a voice that was exported without it, from the voice's own speech.

While a voice speaks, the latents z that its decoder hears are known. The encoder learns q(z | spectrogram) of that
speech by maximum likelihood; no recording is needed.
"""

from training.recover.for_run import recovered
from training.recover.learning import Recovery, recover
from training.recover.of_voice import in_symbols_of, with_posterior_encoder
from training.recover.own_speech import Utterance, own_speech
from training.recover.recording import as_recorded

__all__ = [
    "Recovery",
    "Utterance",
    "as_recorded",
    "in_symbols_of",
    "own_speech",
    "recover",
    "recovered",
    "with_posterior_encoder",
]
