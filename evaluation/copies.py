"""Copy-synthesis: recordings through posterior encoder and decoder, against themselves.

What is lost here the text cannot bring back: it is the best that the voice could sound.
"""

from evaluation.measure import Measure, Part
from measures.perception import pesq_wideband, stoi
from measures.spectra import mel_distance, multi_resolution_stft_distance

_LISTENING = ("posterior encoder",)

COPIES = Part(
    "copies of the recordings",
    (
        Measure(
            "multi-resolution STFT distance",
            "",
            "lower",
            lambda it: multi_resolution_stft_distance(it.recorded.audio, it.copied.audio),
            needs=_LISTENING,
        ),
        Measure(
            "mel distance",
            "nats",
            "lower",
            lambda it: mel_distance(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=_LISTENING,
        ),
        Measure(
            "PESQ",
            "MOS",
            "higher",
            lambda it: pesq_wideband(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=(*_LISTENING, "pesq"),
        ),
        Measure(
            "STOI",
            "",
            "higher",
            lambda it: stoi(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=(*_LISTENING, "stoi"),
        ),
        Measure("periodicity error", "", "lower", lambda it: it.copied_pitch.periodicity_rmse, needs=_LISTENING),
        Measure("voiced/unvoiced F1", "", "higher", lambda it: it.copied_pitch.voiced_f1, needs=_LISTENING),
        Measure("F0 RMSE", "cents", "lower", lambda it: it.copied_pitch.rmse_cents, needs=_LISTENING),
    ),
)
